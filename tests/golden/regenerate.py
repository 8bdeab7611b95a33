"""Rewrites the golden files; review the difference before committing it.

python -m tests.golden.regenerate
"""

from tests.golden import layer_tables, public_api


def main() -> None:
    for golden in (public_api, layer_tables):
        golden.PATH.write_text(golden.render(), encoding="utf-8")
        print(f"wrote {golden.PATH.name}")


if __name__ == "__main__":
    main()
