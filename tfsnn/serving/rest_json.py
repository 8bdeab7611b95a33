"""JSON of TensorFlow Serving's REST interface, to arrays and back.

Row format: `{"instances": [...]}` to `{"predictions": [...]}`; column format:
`{"inputs": ...}` to `{"outputs": ...}`. Bytes are `{"b64": "..."}`.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfsnn.errors import RequestError

from .loaded_version import Signature, check_names

ROWS, COLUMNS = "instances", "inputs"


def inputs_of(
    body: Any, signature: Signature
) -> tuple[dict[str, np.ndarray], bool]:
    """The arrays in the body of a request.

    Args:
        body: Parsed JSON.
        signature: The signature it is for.

    Returns:
        Input name to array, and whether the format is that of rows.

    Raises:
        RequestError: If it is in neither format, or its values are not those
            of the signature.
    """
    by_row = isinstance(body, dict) and ROWS in body
    if not isinstance(body, dict) or (ROWS in body) == (COLUMNS in body):
        raise RequestError(
            "INVALID_ARGUMENT",
            f"The body names neither or both of '{ROWS}' and '{COLUMNS}'."
            " Supported: one of them, a list of rows or the columns.",
        )
    names = list(signature.inputs)
    if by_row:
        columns = _columns(body[ROWS], names)
    elif isinstance(body[COLUMNS], dict) and "b64" not in body[COLUMNS]:
        columns = body[COLUMNS]
    else:
        columns = _only(names, body[COLUMNS])
    check_names(signature, columns)
    return {
        name: _array(name, columns[name], signature.inputs[name].dtype)
        for name in names
    }, by_row


def _columns(rows: Any, names: list[str]) -> dict[str, Any]:
    """Rows to a list for each input."""
    if not isinstance(rows, list):
        raise RequestError(
            "INVALID_ARGUMENT",
            f"'{ROWS}' is a {type(rows).__name__}. Supported: a list, one"
            " element a row.",
        )
    named = [isinstance(row, dict) and "b64" not in row for row in rows]
    if not any(named):
        return _only(names, rows)
    if not all(named) or len({tuple(sorted(row)) for row in rows}) > 1:
        raise RequestError(
            "INVALID_ARGUMENT",
            f"The rows in '{ROWS}' do not name the same inputs. Supported:"
            f" {sorted(names)} in each.",
        )
    return {name: [row[name] for row in rows] for name in rows[0]}


def _only(names: list[str], values: Any) -> dict[str, Any]:
    if len(names) == 1:
        return {names[0]: values}
    raise RequestError(
        "INVALID_ARGUMENT",
        f"The signature has the inputs {sorted(names)}. Supported: values by"
        " name. Name them.",
    )


def _array(name: str, values: Any, number: int) -> np.ndarray:
    dtype = tf.dtypes.as_dtype(number)
    try:
        if dtype == tf.string:
            return _texts(_decoded(values))
        found = np.asarray(values)
        if found.size and not np.can_cast(found.dtype, _widest(dtype)):
            raise ValueError(f"it holds {found.dtype.name}")
        return found.astype(dtype.as_numpy_dtype)
    except (TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise RequestError(
            "INVALID_ARGUMENT",
            f"Input '{name}' is not of expected type {dtype.name}: {error}."
            f" Supported: nested lists of {dtype.name}, all of one shape.",
        ) from error


def _texts(values: Any) -> np.ndarray:
    found = np.array(values, dtype=object)
    if not all(isinstance(value, bytes) for value in found.flat):
        raise ValueError("its lists differ in length")
    return found


def _widest(dtype: tf.DType) -> str:
    """What JSON makes of numbers of a kind."""
    return "float64" if dtype.is_floating else "int64"


def _decoded(values: Any) -> Any:
    if isinstance(values, list):
        return [_decoded(value) for value in values]
    if isinstance(values, dict) and set(values) == {"b64"}:
        return base64.b64decode(values["b64"], validate=True)
    if isinstance(values, str):
        return values.encode()
    raise TypeError(f"it holds a {type(values).__name__}")


def answer_of(
    outputs: Mapping[str, np.ndarray], *, by_row: bool
) -> dict[str, Any]:
    """The body of an answer.

    Args:
        outputs: Output name to array `[B, ...]`.
        by_row: Whether the request came in rows.

    Returns:
        Plain types.
    """
    lists = {name: value.tolist() for name, value in outputs.items()}
    if not by_row:
        (only, *more) = lists.values()
        return {"outputs": lists if more else only}
    if len(lists) == 1:
        return {"predictions": next(iter(lists.values()))}
    rows = zip(*lists.values(), strict=True)
    return {"predictions": [dict(zip(lists, row, strict=True)) for row in rows]}
