"""Image data in any of Keras's forms, as pairs of images and labels.

Forms are told apart by what they can do, not by their class, so that nothing
but NumPy is imported: an array has `shape` and `__array__`, a
`tf.data.Dataset` iterates, a `keras.utils.PyDataset` iterates or, in older
versions, has an index and a number of batches.
"""

import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfsnn.errors import DataError
from tfsnn.inputs import Images

IMAGE_KEYS = ("image", "images")
LABEL_KEYS = ("label", "labels")
SUPPORTED = (
    "Supported: an array, a tuple (images, labels), a dict with 'image', a"
    " tf.data.Dataset, a keras.utils.PyDataset, an iterable of batches, or a"
    " callable without arguments that returns one of these"
)


class Pair(NamedTuple):
    """One element of the data.

    Attributes:
        images: One image or a batch, any dtype; of several inputs a tuple.
        labels: Whatever came with it, unchecked; None where nothing did.
    """

    images: Images
    labels: Any


def is_array(value: Any) -> bool:
    """Whether `value` is a NumPy array, a tensor or the like."""
    return hasattr(value, "shape") and hasattr(value, "__array__")


def to_array(value: Any, where: str) -> np.ndarray:
    """Reads a value as a NumPy array.

    Args:
        value: An array, a tensor, or nested lists of numbers.
        where: Place of the value in the data, for the error text.

    Returns:
        The array, of any shape and dtype; shares memory where it can.

    Raises:
        DataError: If the value is no array, for example ragged.
    """
    try:
        return np.asarray(value)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise DataError(
            f"Received {type(value).__name__} as {where}, which cannot be read"
            f" as an array: {error}. Supported: dense arrays and tensors."
            " Bring all images to one shape first."
        ) from error


def resolve(data: Any) -> Any:
    """Calls `data` where it is a function, as TFLite's representative data.

    Args:
        data: Any supported form of data.

    Returns:
        An array, a tuple, a mapping or something that can be iterated.

    Raises:
        DataError: If the form is not supported.
    """
    received = f"Received {type(data).__name__} as data"
    if callable(data) and not is_array(data):
        _check_takes_no_arguments(data)
        name = getattr(data, "__name__", type(data).__name__)
        data = data()
        received = (
            f"Received callable '{name}' as data, which returned"
            f" {type(data).__name__}, not an iterable"
        )
    iterable = hasattr(data, "__iter__") or hasattr(data, "__getitem__")
    if isinstance(data, (str, bytes)) or not (is_array(data) or iterable):
        raise DataError(
            f"{received}. {SUPPORTED}. Pass one of these; a function must"
            " `yield` or `return` its batches."
        )
    return data


def _check_takes_no_arguments(function: Any) -> None:
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise DataError(
            f"Received a callable that needs arguments ({error}) as data."
            f" {SUPPORTED}. Wrap it: lambda: function(...)."
        ) from error
    except ValueError:  # A built-in without a signature: just call it.
        return


def whole_arrays(data: Any, names: Sequence[str] = ()) -> Pair | None:
    """Images and labels that are there at once, not element by element.

    Args:
        data: Resolved data, see `resolve`.
        names: Of the inputs, if there are several.

    Returns:
        The pair for an array, a tuple `(images[, labels[, weights]])` or a
        mapping; for several inputs also for a list of their arrays. None for
        everything that has to be iterated.

    Raises:
        DataError: If a tuple or a mapping holds other inputs.
    """
    whole = is_array(data) or isinstance(data, (tuple, Mapping))
    if names and isinstance(data, list):
        whole = any(map(is_array, data))
    return unpack(data, "the data", names) if whole else None


def iterate_pairs(data: Any, names: Sequence[str] = ()) -> Iterator[Pair]:
    """Walks data lazily; takes one element from it at a time.

    Args:
        data: Resolved data that `whole_arrays` left alone.
        names: Of the inputs, if there are several.

    Yields:
        One pair an element: a batch or a single image.

    Raises:
        DataError: If an element holds other inputs or no array.
    """
    if hasattr(data, "__iter__"):
        elements = iter(data)
    else:
        elements = (data[index] for index in _indices(data))
    for index, element in enumerate(elements):
        yield unpack(element, f"element {index} of the data", names)


def _indices(data: Any) -> Iterator[int]:
    """Indices of a PyDataset; endless where it declares no end."""
    if not hasattr(data, "num_batches"):
        return iter(range(len(data)))
    if data.num_batches is None:
        return itertools.count()
    return iter(range(data.num_batches))


def unpack(element: Any, where: str, names: Sequence[str] = ()) -> Pair:
    """Separates the images of one element from its labels.

    Args:
        element: An array; a tuple or list `(images[, labels[, weights]])`; or
            a mapping with `image` or `images`, or with a single key that is
            not a label. For several inputs, see `unpack_several`.
        where: Place of the element in the data, for the error text.
        names: Of the inputs, if there are several.

    Returns:
        The pair; weights are dropped.

    Raises:
        DataError: If there are several inputs for a network with one, or
            others than those named, or none.
    """
    if names:
        return unpack_several(element, where, names)
    if isinstance(element, Mapping):
        labels = [element[key] for key in LABEL_KEYS if key in element]
        return Pair(_only_input(element, where), next(iter(labels), None))
    if not _is_structure(element):
        return Pair(to_array(element, where), None)
    shapes = [getattr(item, "shape", None) for item in element]
    is_list_of_inputs = (
        isinstance(element, list)
        and len(element) > 1
        and shapes[0] is not None
        and shapes[0] == shapes[1]
    )
    if is_list_of_inputs or not 1 <= len(element) <= 3:
        raise DataError(
            f"Received {len(element)} entries in a {type(element).__name__} as"
            f" {where}, of shapes {[_shape_text(s) for s in shapes[:4]]}."
            " Supported: (images[, labels[, weights]]) with one array of"
            " images. Stack the images into one array."
        )
    labels = element[1] if len(element) > 1 else None
    return Pair(_only_input(element[0], where), labels)


def unpack_several(element: Any, where: str, names: Sequence[str]) -> Pair:
    """Separates the inputs of one element from its labels.

    Args:
        element: `(inputs[, labels[, weights]])`, or the inputs alone: a tuple
            or list of their arrays in order, or a mapping from their names,
            which may also hold `label` or `labels`.
        where: Place of the element in the data, for the error text.
        names: Of the inputs, in order.

    Returns:
        The pair, its images a tuple in this order; weights are dropped.

    Raises:
        DataError: If an input is missing, or it is not clear which is which.
    """
    if isinstance(element, Mapping):
        keys = [k for k in LABEL_KEYS if k in element and k not in names]
        labels = element[keys[0]] if keys else None
        return Pair(_arrays(element, where, names), labels)
    inputs, labels = element, None
    if isinstance(element, (tuple, list)) and 1 <= len(element) <= 3:
        first, *more = element
        if isinstance(first, Mapping) or _is_structure(first):
            inputs, labels = first, more[0] if more else None
    return Pair(_arrays(inputs, where, names), labels)


def _arrays(inputs: Any, where: str, names: Sequence[str]) -> tuple:
    """The inputs as arrays, in order."""
    return tuple(
        to_array(value, f"input '{name}' of {where}")
        for name, value in zip(
            names, in_order(inputs, where, names), strict=True
        )
    )


def in_order(inputs: Any, where: str, names: Sequence[str]) -> list:
    """The inputs of a network as a list, in its order.

    Args:
        inputs: A tuple or list in order, or a mapping from their names; the
            value itself for one input.
        where: What it is, for the error text.
        names: Of the inputs.

    Returns:
        One value for each name.

    Raises:
        DataError: If there is not one for each.
    """
    if len(names) == 1 and not isinstance(inputs, Mapping):
        return [inputs]
    if isinstance(inputs, Mapping):
        missing = [name for name in names if name not in inputs]
        if not missing:
            return [inputs[name] for name in names]
        received = f"the entries {list(inputs)}, without {missing},"
    elif isinstance(inputs, (tuple, list)):
        if len(inputs) == len(names):
            return list(inputs)
        shapes = [getattr(item, "shape", None) for item in inputs[:4]]
        received = (
            f"{len(inputs)} entries in a {type(inputs).__name__}, of shapes"
            f" {[_shape_text(shape) for shape in shapes]},"
        )
    else:
        received = f"one {type(inputs).__name__}"
    listed = ", ".join(names)
    raise DataError(
        f"Received {received} as {where}, for a network with {len(names)}"
        f" inputs: {listed}. Supported: ({listed}) in this order, or a dict"
        f" with these keys; with labels, (({listed}), labels). Put the inputs"
        " into a tuple or a dict of their own."
    )


def _shape_text(shape: Any) -> str:
    return "?" if shape is None else str(tuple(shape))


def _is_structure(element: Any) -> bool:
    """Tells `[array, labels]` from nested lists of numbers."""
    if isinstance(element, tuple):
        return True
    return isinstance(element, list) and any(
        isinstance(item, Mapping) or is_array(item) and np.ndim(item) > 0
        for item in element
    )


def _only_input(value: Any, where: str) -> np.ndarray:
    """The one array of images, out of a mapping or a sequence of inputs."""
    if isinstance(value, Mapping):
        named = [key for key in IMAGE_KEYS if key in value]
        others = [key for key in value if key not in LABEL_KEYS]
        names, items = list(value), [value[key] for key in named or others]
        items = items[:1] if named else items
    elif _is_structure(value):
        names, items = list(range(len(value))), list(value)
    else:
        return to_array(value, where)
    if len(items) != 1:
        raise DataError(
            f"Received several inputs, or none, as {where}: entries {names}."
            " Supported for a network with one input: one array, or a mapping"
            " with 'image', 'images' or a single key. Select the images first."
        )
    return to_array(items[0], where)
