"""What reads images: data sets of TFDS, npz files, folders."""

import dataclasses
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any, NamedTuple

import numpy as np

from tfsnn import batches, image_arrays, inputs
from tfsnn.errors import DataError
from tfsnn.evaluation import labelled
from tfsnn_models.prepared_data import gist, prepared
from tfsnn_tools import image_folder, npz_file
from tfsnn_tools.preprocessing import Preprocessing

VERSION = re.compile(r"\d+\.\d+\.[\d*]+")
Part = tuple[Any, np.ndarray | None]


@dataclasses.dataclass(frozen=True)
class Request:
    """Which images are wanted, and how.

    Attributes:
        input_shape: `(H, W, C)` of the network; None: any size. Of several
            inputs, of any shape, name to shape: for `npz:`, as they are stored.
        max_images: Largest N, at least 1; None: all.
        split: Where the spec names none: the TFDS split (None: `train`), or
            the prefix preferred in an npz file that has it.
        preprocessing: From stored values (0...255 for uint8) to the network's
            input.
        data_dir: TFDS directory; None: `TFDS_DATA_DIR` or the TFDS default.
        seed: Seed of the sample.
    """

    input_shape: inputs.InputShapes
    max_images: int | None = None
    split: str | None = None
    preprocessing: Preprocessing = Preprocessing()
    data_dir: str | None = None
    seed: int = 0

    def __post_init__(self):
        """Refuses what no command line can give.

        Raises:
            DataError: If the network takes no images, or others than those of
                the preprocessing, or none are asked for.
        """
        if self.max_images is not None and self.max_images < 1:
            raise DataError(
                f"Received max_images={self.max_images}. Supported: 1 and"
                " more. Ask for more images."
            )
        shape = self.input_shape
        if not isinstance(shape, Mapping) and len(shape) != 3:
            raise DataError(
                f"Received a network with input shape {tuple(shape)}."
                " Supported on the command line: images (H, W, C). Call the"
                " library from Python for other data."
            )
        size = self.preprocessing.size
        if (
            size is not None
            and not isinstance(shape, Mapping)
            and not self.preprocessing.function  # It may change the size.
            and not image_arrays.fits(size, shape[:2])
        ):
            raise DataError(
                f"Received {'crop' if self.preprocessing.crop else 'resize'}="
                f"{size} for a network that takes images {tuple(shape)}."
                " Supported: its height and width. State these."
            )


class Source(NamedTuple):
    """Images that were found, and are read when they are asked for.

    Attributes:
        count: How many there are; below 0: nobody knows.
        parts: Of a number the images, at most so many at a time and anew with
            each call: arrays `[H, W, C]`, resized but not preprocessed, and
            labels or None.
    """

    count: int
    parts: Callable[[int], Iterator[Part]]


def sample(count: int, request: Request) -> np.ndarray:
    """Sorted positions of at most `max_images` of `count` images."""
    if request.max_images is None or count <= request.max_images:
        return np.arange(count)
    generator = np.random.default_rng(request.seed)
    return np.sort(generator.choice(count, request.max_images, replace=False))


def _find_tfds(rest: str, request: Request) -> Source:
    name, _, split = rest.partition(":")
    version, _, after = split.partition(":")
    if VERSION.fullmatch(version):
        name, split = f"{name}:{version}", after
    dataset = _open_tfds(name, split or request.split or "train", request)
    if request.max_images is not None:
        dataset = dataset.take(request.max_images)

    def parts(size: int) -> Iterator[Part]:
        pairs = _resized(batches.iterate_pairs(dataset), request)
        while part := list(itertools.islice(pairs, size)):
            images = [x.images for x in part]
            if part[0].labels is None:
                yield images, None
                continue
            labels = [np.asarray(x.labels) for x in part]
            yield images, batches.to_array(labels, "labels")

    return Source(int(dataset.cardinality()), parts)


def _resized(
    pairs: Iterator[batches.Pair], request: Request
) -> Iterator[batches.Pair]:
    """Pairs of which the images are resized, several at a time."""
    if request.preprocessing.size is None:
        yield from pairs
        return
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        while block := list(itertools.islice(pairs, 2 * os.cpu_count())):
            raw = (pair.images for pair in block)
            images = pool.map(request.preprocessing.resized, raw)
            for image, pair in zip(images, block, strict=True):
                yield pair._replace(images=image)


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


def _find_npz(rest: str, request: Request) -> Source:
    images, labels = npz_file.read_pair(rest, request.split)
    channels = request.input_shape[-1]
    if images.ndim == 3 and channels == 1:
        images = images[..., None]
    problems = image_arrays.find_problems(images, (None, None, channels))
    if problems:
        image_arrays.refuse(f"images of npz:{rest}", problems)
    if labels is not None:
        labels = labelled.class_indices(labels, len(images))
    chosen = sample(len(images), request)

    def parts(size: int) -> Iterator[Part]:
        for rows in inputs.in_batches(chosen, size):
            found = None if labels is None else labels[rows]
            yield request.preprocessing.resized(images[rows]), found

    return Source(len(chosen), parts)


def _find_dir(rest: str, request: Request) -> Source:
    paths, labels = image_folder.list_images(rest)
    chosen = sample(len(paths), request)
    among = [paths[row] for row in chosen]

    def parts(size: int) -> Iterator[Part]:
        for rows in inputs.in_batches(chosen, size):
            images = image_folder.decode(
                [paths[row] for row in rows],
                request.input_shape[-1] or 3,
                request.preprocessing.resized,
                among=among,
            )
            yield images, None if labels is None else labels[rows]

    return Source(len(chosen), parts)


READERS: dict[str, Callable[[str, Request], Source]] = {
    "tfds": _find_tfds,
    "npz": _find_npz,
    "dir": _find_dir,
}
