"""A file that is there as a whole or not at all."""

import contextlib
import pathlib
import secrets
from collections.abc import Iterator

from tfsnn.errors import ExportError


@contextlib.contextmanager
def new_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a hidden sibling to write; puts it in place on success.

    Args:
        path: File to write or to replace; missing parents are made.

    Yields:
        The sibling. Whatever goes wrong, it is removed.

    Raises:
        ExportError: If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise ExportError(
            f"'{path}' cannot be written: {error}. Nothing was left behind."
            " Choose another path."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
