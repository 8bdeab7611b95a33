"""Image files of many sizes, which stay encoded until a batch needs them."""

import multiprocessing.pool
import pathlib

import tensorflow as tf

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def classes(folder: pathlib.Path) -> list[str]:
    """Names of the sub-folders in sorted order, hidden ones left out.

    Args:
        folder: With a sub-folder a class; need not exist.

    Returns:
        The names; none if there is no folder.
    """
    if not folder.is_dir():
        return []
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )


def list_files(folder: pathlib.Path) -> tuple[list[str], list[int]]:
    """Image files of all classes, in sorted order.

    Args:
        folder: With a sub-folder a class.

    Returns:
        Paths, and labels: positions of their sub-folders.

    Raises:
        ValueError: If there are none.
    """
    files, labels = [], []
    for label, name in enumerate(classes(folder)):
        paths = sorted(
            str(path)
            for path in (folder / name).iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        files += paths
        labels += [label] * len(paths)
    if not files:
        raise ValueError(
            f"Folder '{folder}' has no images. Supported: a sub-folder of"
            " images (bmp, gif, jpeg, png) a class. Check the path."
        )
    return files, labels


def decode(content: tf.Tensor) -> tf.Tensor:
    """Decodes one image file in colour.

    Args:
        content: Its bytes, a string `[]`; of a GIF the first picture.

    Returns:
        uint8 `[H, W, 3]`.
    """
    image = tf.io.decode_image(content, channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    return image


def find_broken(folder: pathlib.Path) -> list[str]:
    """Files of a folder that cannot be decoded; reads all, on all processors.

    Args:
        folder: See `list_files`.

    Returns:
        Their paths.
    """
    files = list_files(folder)[0]
    with multiprocessing.pool.ThreadPool() as pool:
        broken = pool.imap(_is_broken, files, chunksize=64)
        return [x for x, bad in zip(files, broken, strict=True) if bad]


def _is_broken(file: str) -> bool:
    try:
        decode(tf.io.read_file(file))
    except (tf.errors.OpError, ValueError):
        return True
    return False
