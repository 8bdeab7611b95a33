"""Images and labels named on the command line: tfds:, npz: and dir:."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tfsnn import batches, image_arrays, inputs
from tfsnn.errors import DataError
from tfsnn.evaluation import labelled
from tfsnn_models.prepared_data import gist, prepared
from tfsnn_tools import image_folder, image_memory, npz_file
from tfsnn_tools.preprocessing import Preprocessing

EXAMPLES = {
    "tfds": "tfds:cifar10:train",
    "npz": "npz:images.npz",
    "dir": "dir:photos",
}
VERSION = re.compile(r"\d+\.\d+\.[\d*]+")


class Request(NamedTuple):
    """What a reader has to know; see `load`."""

    split: str | None
    preprocessing: Preprocessing
    max_images: int | None
    input_shape: inputs.InputShapes
    data_dir: str | None
    seed: int


def load(
    spec: str,
    *,
    split: str | None = None,
    preprocessing: Preprocessing | None = None,
    max_images: int | None,
    input_shape: inputs.InputShapes,
    data_dir: str | None = None,
    seed: int = 0,
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
        split: Where the spec names none: the TFDS split (None: `train`), or
            the prefix preferred in an npz file that has it.
        preprocessing: From stored values (0...255 for uint8) to the network's
            input; None: none.
        max_images: Largest N, at least 1; None: all.
        input_shape: `(H, W, C)` of the network; None: any size. Of several
            inputs, of any shape, name to shape: for `npz:`, as they are stored.
        data_dir: TFDS directory; None: `TFDS_DATA_DIR` or the TFDS default.
        seed: Seed of the sample.

    Returns:
        Images `[N, H, W, C]` float32 (of several inputs a tuple, `[N, ...]`
        each), and labels `[N]` int64 or None.

    Raises:
        DataError: If the spec cannot be read or its images do not fit.
    """
    scheme, _, rest = spec.partition(":")
    if scheme not in READERS or not rest:
        raise DataError(
            f"Received data '{spec}'. Supported: tfds:NAME[:SPLIT],"
            " npz:FILE[:PREFIX], dir:FOLDER. Use, for example,"
            f" {', '.join(EXAMPLES.values())}."
        )
    if max_images is not None and max_images < 1:
        raise DataError(
            f"Received max_images={max_images}. Supported: 1 and more. Ask for"
            " more images."
        )
    preprocessing = preprocessing or Preprocessing()
    request = Request(
        split, preprocessing, max_images, input_shape, data_dir, seed
    )
    if isinstance(input_shape, Mapping):
        return _read_inputs(spec, request)
    if len(input_shape) != 3:
        raise DataError(
            f"Received a network with input shape {tuple(input_shape)}."
            " Supported on the command line: images (H, W, C). Call the"
            " library from Python for other data."
        )
    transform = preprocessing.transform()  # Fails before slow reading.
    images, labels = READERS[scheme](rest, request)
    images = _stack(images, request, spec)
    images = transform(image_arrays.to_float32(images))
    images = _checked(images, input_shape, spec)
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
    chosen = _sample(count, request)
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
    preprocessing = request.preprocessing
    is_sized = preprocessing.resize or preprocessing.crop
    if (len(sizes) > 1 or is_wrong) and not is_sized:
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


def _sample(count: int, request: Request) -> np.ndarray:
    """Sorted positions of at most `max_images` of `count` images."""
    if request.max_images is None or count <= request.max_images:
        return np.arange(count)
    generator = np.random.default_rng(request.seed)
    return np.sort(generator.choice(count, request.max_images, replace=False))


def _read_tfds(rest: str, request: Request) -> tuple[list, np.ndarray | None]:
    name, _, split = rest.partition(":")
    version, _, after = split.partition(":")
    if VERSION.fullmatch(version):
        name, split = f"{name}:{version}", after
    dataset = _open_tfds(name, split or request.split or "train", request)
    if request.max_images is not None:
        dataset = dataset.take(request.max_images)
    image_memory.check_images(
        int(dataset.cardinality()),
        spec=f"tfds:{rest}",
        shape=request.input_shape,
    )
    images, labels = [], []
    for pair in batches.iterate_pairs(dataset):
        images.append(request.preprocessing.resized(pair.images))
        labels.append(pair.labels)
    if not labels or labels[0] is None:
        return images, None
    labels = [np.asarray(label) for label in labels]
    return images, batches.to_array(labels, "labels")


def _open_tfds(name: str, split: str, request: Request) -> Any:
    try:
        builder = prepared(name, request.data_dir)
    except ImportError as error:
        raise DataError(
            f"Received tfds:{name}, but tensorflow-datasets is not installed."
            " Supported without it: npz:FILE, dir:FOLDER. Run: pip install"
            " 'tfsnn[data]'."
        ) from error
    except Exception as error:  # TFDS raises many types, also of its own.
        raise DataError(
            f"Received tfds:{name}, which cannot be prepared in"
            f" {request.data_dir or 'the default folder of TFDS'}:"
            f" {type(error).__name__}: {gist(error)}. Supported:"
            " data sets prepared before, or any of TFDS with a network. Check"
            " the name, prepare it once with a network, or set --data_dir."
        ) from error
    try:
        return builder.as_dataset(split=split, shuffle_files=False)
    except (ValueError, KeyError) as error:
        raise DataError(
            f"Received split '{split}' of tfds:{name}:"
            f" {gist(error)}. Supported:"
            f" {', '.join(sorted(builder.info.splits))}, also in part as"
            " train[:1000]. Choose one of them."
        ) from error


def _read_npz(rest: str, request: Request) -> tuple[np.ndarray, Any]:
    images, labels = npz_file.read_pair(rest, request.split)
    channels = request.input_shape[-1]
    if images.ndim == 3 and channels == 1:
        images = images[..., None]
    problems = image_arrays.find_problems(images, (None, None, channels))
    if problems:
        image_arrays.refuse(f"images of npz:{rest}", problems)
    if labels is not None:
        labels = labelled.class_indices(labels, len(images))
    chosen = _sample(len(images), request)
    image_memory.check_images(
        len(chosen), spec=f"npz:{rest}", shape=request.input_shape
    )
    images = request.preprocessing.resized(images[chosen])
    return images, None if labels is None else labels[chosen]


def _read_dir(rest: str, request: Request) -> tuple[list, np.ndarray | None]:
    paths, labels = image_folder.list_images(rest)
    chosen = _sample(len(paths), request)
    image_memory.check_images(
        len(chosen), spec=f"dir:{rest}", shape=request.input_shape
    )
    images = image_folder.decode(
        [paths[index] for index in chosen],
        request.input_shape[-1] or 3,
        request.preprocessing.resized,
    )
    return images, None if labels is None else labels[chosen]


READERS: dict[str, Callable[[str, Request], tuple[Any, Any]]] = {
    "tfds": _read_tfds,
    "npz": _read_npz,
    "dir": _read_dir,
}
