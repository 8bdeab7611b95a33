"""Rewrites the golden files; review the difference before committing it.

python -m tests.golden.regenerate
"""

from tests.golden import public_api


def main() -> None:
    public_api.PATH.write_text(public_api.render(), encoding="utf-8")
    print(f"wrote {public_api.PATH.name}")


if __name__ == "__main__":
    main()
