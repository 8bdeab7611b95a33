"""Images and labels named on the command line: tfds:, npz: and dir:."""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfsnn import image_arrays, inputs
from tfsnn.errors import DataError
from tfsnn.evaluation import labelled
from tfsnn_tools import image_memory, npz_file
from tfsnn_tools.data_readers import READERS, Part, Request, Source, sample
from tfsnn_tools.image_stream import ImageStream
from tfsnn_tools.preprocessing import Preprocessing

EXAMPLES = {
    "tfds": "tfds:cifar10:train",
    "npz": "npz:images.npz",
    "dir": "dir:photos",
}
FIRST = 8
"""Images looked at before a stream is used."""


def load(
    spec: str, request: Request
) -> tuple[inputs.Images, np.ndarray | None]:
    """Reads, resizes and preprocesses images.

    * `tfds:NAME[:SPLIT]`, for example `tfds:cifar10:train[:1000]`; NAME may
      carry a version, `cifar10:3.0.2`. The first `max_images` images.
    * `npz:FILE[:PREFIX]`: arrays `images` and, optional, `labels`, or with
      the prefix, see `npz_file.read_pair`; `[N, H, W]` is taken as grey. A
      seeded sample of `max_images`.
    * `dir:FOLDER`: image files, or a sub-folder a class. A seeded sample.

    Args:
        spec: One of these texts.
        request: Which of them, and how.

    Returns:
        Images `[N, H, W, C]` float32 (of several inputs a tuple, `[N, ...]`
        each), and labels `[N]` int64 or None.

    Raises:
        DataError: If the spec cannot be read or its images do not fit.
    """
    if isinstance(request.input_shape, Mapping):
        return _read_inputs(spec, request)
    source = _found(spec, request)
    shape = _network_shape(request)
    image_memory.check_images(source.count, spec=spec, shape=shape)
    return _all(source, spec, request)


def open_labelled(
    spec: str, request: Request
) -> tuple[inputs.Images, np.ndarray] | ImageStream:
    """Labelled images, in memory where they fit, else read as they are used.

    Args:
        spec: See `load`.
        request: Which of them, and how.

    Returns:
        What `load` gives, or a stream of the same.

    Raises:
        DataError: As `load`; or if there are no labels, or a function that
            preprocesses a stream does not treat each image by itself.
    """
    if isinstance(request.input_shape, Mapping):
        return _with_labels(spec, _read_inputs(spec, request))
    source = _found(spec, request)
    shape = _largest_shape(source, request)
    if image_memory.fits(source.count, shape):
        return _with_labels(spec, _all(source, spec, request))
    _check_first(source, spec, request)
    return ImageStream(
        source,
        image_memory.images_of_a_part(shape),
        lambda part: _finished(part, spec, request),
    )


def _network_shape(request: Request) -> Sequence[int | None]:
    """Of an image as the network takes it; None where nobody knows."""
    size, shape = request.preprocessing.size, request.input_shape
    if size is None or request.preprocessing.function:
        return shape
    return (*size, shape[-1])


def _largest_shape(source: Source, request: Request) -> Sequence[int | None]:
    """Of an image before or after a function, which may change its size."""
    shape = _network_shape(request)
    if not request.preprocessing.function:
        return shape
    images, _ = next(source.parts(1), ([], None))
    shapes = [shape, *(image.shape for image in images)]
    known = [shape for shape in shapes if None not in shape]
    return max(known, key=math.prod, default=shape)


def _check_first(source: Source, spec: str, request: Request) -> None:
    """Finds in a few images what would be wrong with all."""
    images, labels = next(source.parts(FIRST), ([], None))
    among, _ = _with_labels(spec, _finished((images, labels), spec, request))
    if not request.preprocessing.function:
        return
    alone = [
        _finished((images[n : n + 1], None), spec, request)[0]
        for n in range(len(images))
    ]
    size = np.abs(among).max()
    if np.allclose(np.concatenate(alone), among, rtol=1e-4, atol=1e-4 * size):
        return
    raise DataError(
        f"Received {spec}, whose images do not fit into memory at once, and"
        f" function={request.preprocessing.function}, which makes another"
        " input of an image alone than of the same image among others."
        " Supported: functions that treat each image by itself. Fix what it"
        " takes from all images, such as their mean, or ask for fewer."
    )


def _with_labels(
    spec: str, pair: tuple[inputs.Images, np.ndarray | None]
) -> tuple[inputs.Images, np.ndarray]:
    if pair[1] is None:
        raise DataError(
            f"Received {spec}, which has images but no labels. Supported:"
            " labelled images, such as an npz file with labels or a folder"
            " with a sub-folder a class. Add the labels."
        )
    return pair


def _found(spec: str, request: Request) -> Source:
    request.preprocessing.transform()  # Fails before slow reading.
    if request.preprocessing.size:
        image_memory.check_size(request.preprocessing.size)
    scheme, _, rest = spec.partition(":")
    if scheme not in READERS or not rest:
        raise DataError(
            f"Received data '{spec}'. Supported: tfds:NAME[:SPLIT],"
            " npz:FILE[:PREFIX], dir:FOLDER. Use, for example,"
            f" {', '.join(EXAMPLES.values())}."
        )
    return READERS[scheme](rest, request)


def _all(
    source: Source, spec: str, request: Request
) -> tuple[np.ndarray, np.ndarray | None]:
    part = next(source.parts(sys.maxsize), ([], None))
    return _finished(part, spec, request)


def _finished(
    part: Part, spec: str, request: Request
) -> tuple[np.ndarray, np.ndarray | None]:
    """What the network takes, of what a reader gave."""
    images, labels = part
    images = _stack(images, request, spec)
    transform = request.preprocessing.transform()
    images = transform(image_arrays.to_float32(images))
    images = _checked(images, request.input_shape, spec)
    if labels is not None:
        labels = labelled.class_indices(labels, len(images))
    return images, labels


def _read_inputs(
    spec: str, request: Request
) -> tuple[inputs.Images, np.ndarray | None]:
    """Reads several inputs and labels; see `load`."""
    shapes = request.input_shape
    names = inputs.names_of(shapes)
    scheme, _, rest = spec.partition(":")
    if scheme != "npz" or request.preprocessing != Preprocessing():
        raise DataError(
            f"Received data '{spec}', or a preprocessing, for a network with"
            f" the inputs {', '.join(names)}. Supported for several inputs on"
            " the command line: npz:FILE[:PREFIX] with an array for each,"
            " preprocessed already. Write it with numpy.savez(FILE,"
            f" {'=..., '.join(names)}=..., labels=...)."
        )
    images, labels = npz_file.read_pair(rest, request.split, names)
    problems = image_arrays.find_problems(images, shapes)
    if problems:
        image_arrays.refuse(f"inputs of {spec}", problems)
    count = inputs.count_images(images)
    if labels is not None:
        labels = labelled.class_indices(labels, count)
    chosen = sample(count, request)
    images = image_arrays.to_float32(inputs.take(images, chosen))
    problems = image_arrays.find_non_finite(images)
    if problems:
        image_arrays.refuse(f"inputs of {spec}", problems)
    return images, None if labels is None else labels[chosen]


def _checked(
    images: np.ndarray, input_shape: inputs.InputShape, spec: str
) -> np.ndarray:
    """The images as contiguous float32, if the network can take them."""
    what = f"preprocessed images of {spec}"
    problems = image_arrays.find_problems(images, input_shape)
    if problems:
        image_arrays.refuse(what, problems)
    with np.errstate(over="ignore"):
        images = np.ascontiguousarray(images, np.float32)
    problems = image_arrays.find_non_finite(images)
    if problems:
        image_arrays.refuse(what, problems)
    return images


def _stack(images: Any, request: Request, spec: str) -> np.ndarray:
    """Joins images of one size; explains `--crop` where they are not."""
    if len(images) == 0:
        raise DataError(
            f"Received no images: {spec} is empty. Supported: at least 1"
            " image. Choose another split or file."
        )
    sizes = {image.shape[:-1] for image in images}
    height, width, _ = request.input_shape
    is_wrong = not request.preprocessing.function and any(
        not image_arrays.fits(size, (height, width)) for size in sizes
    )
    if (len(sizes) > 1 or is_wrong) and not request.preprocessing.size:
        found = ", ".join(
            "x".join(map(str, size)) for size in sorted(sizes)[:3]
        )
        raise DataError(
            f"Received images of {len(sizes)} size(s) from {spec}: {found}."
            f" Supported: {height}x{width}, which the network takes, and one"
            " size for all. Set --crop=HEIGHT,WIDTH for the middle of each, or"
            " --resize=HEIGHT,WIDTH for all of it."
        )
    return np.asarray(images) if len(sizes) == 1 else np.stack(images)
