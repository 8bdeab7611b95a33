"""Draws the images that ship with tfsnn from Fashion-MNIST.

    python -m tfsnn_tools.make_sample --output=models/samples/fashion_mnist.npz

Plain random samples without replacement, in the order drawn, so that the
first N images are a random sample too; classes are not balanced. The
calibration images come from the training split, the test images from the test
split. The same seed draws the same images, in whatever order the data set
stores them.
"""

import io
import pathlib
import sys
import zipfile

import numpy as np
from absl import flags

from tfsnn_models import datasets
from tfsnn_tools import command_line

USAGE = "python -m tfsnn_tools.make_sample --output=FILE.npz [--flags]"
DATASET = "fashion_mnist"
PARTS = {"calibration": ("train", 1024), "test": ("test", 2000)}
EPOCH = (1980, 1, 1, 0, 0, 0)


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flags.DEFINE_string("output", None, "File to write.", flag_values=values)
    flags.DEFINE_string("data_dir", None, "TFDS directory.", flag_values=values)
    flags.DEFINE_integer("seed", 0, "Seed of the draw.", flag_values=values)
    return values


def main(argv: list[str]) -> int:
    """Reads both splits, draws, writes.

    Args:
        argv: Program name and flags.

    Returns:
        0.
    """
    options = define_flags()
    command_line.parse(argv, options, required=("output",))
    generator = np.random.default_rng(options.seed)
    arrays = {}
    for part, (split, count) in PARTS.items():
        images, labels = _read(split, options.data_dir)
        drawn = generator.choice(len(images), count, replace=False)
        arrays[f"{part}_images"] = images[drawn]
        arrays[f"{part}_labels"] = labels[drawn]
    path = pathlib.Path(options.output)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_bytes(npz_bytes(arrays))
    temporary.replace(path)
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


def _read(split: str, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Images `[N, H, W, C]` and labels `[N]` of a split, uint8, sorted."""
    loaded = datasets.load_split(DATASET, split, data_dir=data_dir)
    images, labels = next(loaded.batch(100_000).as_numpy_iterator())
    labels = labels.astype(np.uint8)
    order = sorted(
        range(len(images)), key=lambda i: (images[i].tobytes(), labels[i])
    )
    return images[order], labels[order]


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """An npz file without dates, so that equal arrays give equal bytes.

    Args:
        arrays: Names to arrays.

    Returns:
        What `numpy.load` reads.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", EPOCH),
                content.getvalue(),
                zipfile.ZIP_DEFLATED,
                compresslevel=9,
            )
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
