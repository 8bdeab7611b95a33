"""Image classification data: TensorFlow Datasets, or a folder of images."""

import dataclasses
import pathlib

import keras
import tensorflow as tf

from . import image_files
from .augmentation import batch_layers, pad_crop_mirror, resized_crop_mirror
from .prepared_data import gist, prepared

FOLDER = "dir:"
SHUFFLED = 16_384
"""Image files in memory that are shuffled among each other."""
CACHED_BYTES = 2 * 2**30
VALIDATION = 10
"""One training image in this many, where a validation split is asked for."""


@dataclasses.dataclass(frozen=True)
class DatasetCard:
    """What a recipe must know of a data set.

    Attributes:
        name: TFDS name, or `dir:FOLDER`.
        input_shape: `(H, W, C)` of one image as the network takes it.
        num_classes: Number of labels.
        pixel_mean: Mean of each channel over the training split, 0...255.
        pixel_std: Standard deviation of each channel, 0...255.
        padding: Pixels of zero padding before the random crop in training;
            None: images come in many sizes, and a random share is cropped.
        licence: Licence of the images.
        test_split: Split that is only evaluated on.
    """

    name: str
    input_shape: tuple[int, int, int]
    num_classes: int
    pixel_mean: tuple[float, ...]
    pixel_std: tuple[float, ...]
    padding: int | None
    licence: str
    test_split: str = "test"


IMAGENET_PIXELS = {
    "pixel_mean": (123.675, 116.28, 103.53),
    "pixel_std": (58.395, 57.12, 57.375),
}
CARDS = {
    "cifar10": DatasetCard(
        name="cifar10",
        input_shape=(32, 32, 3),
        num_classes=10,
        pixel_mean=(125.307, 122.950, 113.865),
        pixel_std=(62.993, 62.089, 66.705),
        padding=4,
        licence="no formal licence; research use (Krizhevsky, 2009)",
    ),
    "cifar100": DatasetCard(
        name="cifar100",
        input_shape=(32, 32, 3),
        num_classes=100,
        pixel_mean=(129.304, 124.070, 112.434),
        pixel_std=(68.170, 65.392, 70.418),
        padding=4,
        licence="no formal licence; research use (Krizhevsky, 2009)",
    ),
    "fashion_mnist": DatasetCard(
        name="fashion_mnist",
        input_shape=(28, 28, 1),
        num_classes=10,
        pixel_mean=(72.940,),
        pixel_std=(90.021,),
        padding=2,
        licence="MIT",
    ),
    "imagenet2012": DatasetCard(
        name="imagenet2012",
        input_shape=(224, 224, 3),
        num_classes=1000,
        padding=None,
        licence="research use, terms of image-net.org",
        test_split="validation",
        **IMAGENET_PIXELS,
    ),
    "imagenette": DatasetCard(
        name="imagenette",
        input_shape=(224, 224, 3),
        num_classes=10,
        padding=None,
        licence="Apache-2.0 for the selection; images as ImageNet",
        test_split="validation",
        **IMAGENET_PIXELS,
    ),
}


def card(name: str, *, image_size: int = 224) -> DatasetCard:
    """What is known of a data set.

    Args:
        name: One of `CARDS`, or `dir:FOLDER`: a folder with `train` and
            `test`, each with a sub-folder of images a class.
        image_size: Height and width that images of a folder are cropped to.

    Returns:
        The card.

    Raises:
        ValueError: If the name is unknown, or the folder has no such splits
            or other classes in one than in the other.
    """
    if name in CARDS:
        return CARDS[name]
    if not name.startswith(FOLDER):
        raise ValueError(
            f"Data set '{name}' has no card. Supported:"
            f" {', '.join(sorted(CARDS))}, or dir:FOLDER. Choose one of them."
        )
    root = pathlib.Path(name.removeprefix(FOLDER))
    classes = {
        split: image_files.classes(root / split) for split in ("train", "test")
    }
    if not classes["train"] or classes["train"] != classes["test"]:
        raise ValueError(
            f"Folder '{root}' has {len(classes['train'])} classes in train and"
            f" {len(classes['test'])} in test. Supported: the same sub-folders"
            " in both, at least one. Sort the images into FOLDER/train/CLASS"
            " and FOLDER/test/CLASS."
        )
    return DatasetCard(
        name=name,
        input_shape=(image_size, image_size, 3),
        num_classes=len(classes["train"]),
        padding=None,
        licence="unknown",
        **IMAGENET_PIXELS,
    )


def load_split(
    name: str, split: str, *, data_dir: str | None = None
) -> tf.data.Dataset:
    """Loads `(image, label)` pairs of one split, undecorated and unshuffled.

    Images that come in many sizes are not decoded, so that shuffling and
    leaving some out are cheap: `training_batches` and `evaluation_batches` do
    that.

    Args:
        name: TFDS name, for example `cifar10`, or `dir:FOLDER`.
        split: TFDS split, for example `train[:90%]`; of a folder the name of
            its sub-folder.
        data_dir: TFDS directory; None: `TFDS_DATA_DIR` or the TFDS default.

    Returns:
        Pairs of uint8 `[H, W, C]` and int64 `[]`; in place of images that come
        in many sizes the bytes of their files, of a folder their paths.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        ValueError: If the data set is not prepared and cannot be, or the split
            does not exist.
    """
    if name.startswith(FOLDER):
        return _load_folder(pathlib.Path(name.removeprefix(FOLDER)) / split)
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            f"Data set '{name}' is read through tensorflow-datasets, which is"
            " not installed. Run: pip install 'tfsnn[data]'."
        ) from error
    decoders = None
    if name in CARDS and CARDS[name].padding is None:
        decoders = {"image": tfds.decode.SkipDecoding()}
    try:
        return prepared(name, data_dir).as_dataset(
            split=split,
            as_supervised=True,
            shuffle_files=False,
            decoders=decoders,
        )
    except Exception as error:  # TFDS raises many types, also of its own.
        raise ValueError(
            f"Split '{split}' of data set '{name}' cannot be read in"
            f" {data_dir or 'the default folder of TFDS'}:"
            f" {type(error).__name__}: {gist(error)}. Supported: data sets"
            " prepared before, or any of TFDS with a network. Prepare it once"
            " with a network, or set --data_dir."
        ) from error


def _load_folder(folder: pathlib.Path) -> tf.data.Dataset:
    """Paths of the images of a sub-folder a class, in sorted order."""
    files, labels = image_files.list_files(folder)
    labels = tf.constant(labels, tf.int64)
    return tf.data.Dataset.from_tensor_slices((files, labels))


def without_validation(
    examples: tf.data.Dataset, *, validation: bool
) -> tf.data.Dataset:
    """One in ten examples for validation, the others for training.

    Args:
        examples: Pairs of the training split, in their order.
        validation: Whether those for validation are wanted.

    Returns:
        Part of the examples, with a known number.
    """
    count = int(examples.cardinality())
    held = (count + VALIDATION - 1) // VALIDATION
    chosen = examples.enumerate().filter(
        lambda index, _: (index % VALIDATION == 0) == validation
    )
    size = held if validation else count - held
    pairs = chosen.map(lambda _, pair: pair)
    return pairs.apply(tf.data.experimental.assert_cardinality(size))


def training_batches(
    examples: tf.data.Dataset,
    *,
    batch_size: int,
    data: DatasetCard,
    augmentation: str = "standard",
    seed: int,
) -> tf.data.Dataset:
    """Shuffled, augmented, batched and prefetched training data.

    Cropping and mirroring depend on the seed alone; the layers of
    `batch_layers` draw as batches reach them.

    Args:
        examples: `(image, label)` pairs.
        batch_size: Images a batch; the last, partial batch is dropped.
        data: Size of the images, and how they are cropped.
        augmentation: See `batch_layers`.
        seed: Seed of the order and of the augmentation; each epoch draws
            anew from it.

    Returns:
        Batches of `[B, H, W, C]` float32 in 0...255 and `[B]` int64.
    """
    count = int(examples.cardinality())
    draws = tf.data.Dataset.random(
        seed=seed, rerandomize_each_iteration=True
    ).batch(2, drop_remainder=True)

    def crop(pair, draw):
        image, label = pair
        image = _decoded(image, data)
        draw = tf.cast(draw % 2**30, tf.int32)
        if data.padding is None:
            image = resized_crop_mirror(image, draw, size=data.input_shape[:2])
        else:
            image = pad_crop_mirror(image, draw, padding=data.padding)
        return tf.cast(image, tf.float32), label

    if _fits(data, count):
        examples = examples.cache()
    batches = (
        tf.data.Dataset.zip(
            examples.shuffle(
                _shuffled(data, count),
                seed=seed,
                reshuffle_each_iteration=True,
            ),
            draws,
        )
        .map(crop, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        # The draws go on for ever, and so the number would be unknown.
        .apply(tf.data.experimental.assert_cardinality(count // batch_size))
    )
    for layer in batch_layers(augmentation, seed):
        batches = batches.map(
            lambda images, labels, layer=layer: (layer(images), labels),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    return batches.prefetch(tf.data.AUTOTUNE)


def evaluation_batches(
    examples: tf.data.Dataset,
    *,
    batch_size: int,
    data: DatasetCard | None = None,
) -> tf.data.Dataset:
    """Batches in file order, the middle of images that come in many sizes.

    Args:
        examples: `(image, label)` pairs.
        batch_size: Images a batch; the last one may be smaller.
        data: Size of the images; None: as they come.

    Returns:
        Batches of `[B, H, W, C]` float32 and `[B]` int64.
    """
    crops = data is not None and data.padding is None

    def prepare(image, label):
        if crops:
            image = _decoded(image, data)
            image = center_crop(image, data.input_shape[:2])
        return tf.cast(image, tf.float32), label

    return (
        examples.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )


def center_crop(image: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Scales the shorter side to 256 of 224 parts and crops the middle.

    Bilinear with antialiasing, as is usual for ImageNet at 224 pixels. An
    image that has the size is left alone.

    Args:
        image: `[H, W, C]` of any size, or `[B, H, W, C]`.
        size: Height and width afterwards.

    Returns:
        float32 `[height, width, C]`, or `[B, height, width, C]`.
    """
    whole = [round(side * 256 / 224) for side in size]
    top, left = ((a - b) // 2 for a, b in zip(whole, size, strict=True))

    def cropped():
        scaled = keras.ops.image.resize(
            image, whole, antialias=True, crop_to_aspect_ratio=True
        )
        rows, columns = slice(top, top + size[0]), slice(left, left + size[1])
        middle = scaled[..., rows, columns, :]
        return tf.cast(middle, tf.float32)

    has_size = tf.reduce_all(tf.equal(tf.shape(image)[-3:-1], size))
    found = tf.cond(has_size, lambda: tf.cast(image, tf.float32), cropped)
    shape = [*image.shape[:-3], *size, image.shape[-1]]
    return tf.ensure_shape(found, shape)


def _decoded(image: tf.Tensor, data: DatasetCard) -> tf.Tensor:
    """The image of what `load_split` gives."""
    if image.dtype != tf.string:
        return image
    is_path = data.name.startswith(FOLDER)
    return image_files.decode(tf.io.read_file(image) if is_path else image)


def _shuffled(data: DatasetCard, count: int) -> int:
    """Examples that are shuffled among each other: all, where they fit."""
    if data.padding is None and not data.name.startswith(FOLDER):
        count = min(count, SHUFFLED)
    return max(1, count)  # None at all are refused where they are trained on.


def _fits(data: DatasetCard, count: int) -> bool:
    height, width, channels = data.input_shape
    return (
        data.padding is not None
        and count * height * width * channels <= CACHED_BYTES
    )
