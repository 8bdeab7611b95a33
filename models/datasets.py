"""Image classification data through TensorFlow Datasets."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class DatasetCard:
    """What a recipe must know of a data set.

    Attributes:
        name: TFDS name.
        input_shape: `(H, W, C)` of one image.
        num_classes: Number of labels.
        pixel_mean: Mean of each channel over the training split, 0...255.
        pixel_std: Standard deviation of each channel, 0...255.
        padding: Pixels of zero padding before the random crop in training.
        licence: Licence of the images.
    """

    name: str
    input_shape: tuple[int, int, int]
    num_classes: int
    pixel_mean: tuple[float, ...]
    pixel_std: tuple[float, ...]
    padding: int
    licence: str


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
    "fashion_mnist": DatasetCard(
        name="fashion_mnist",
        input_shape=(28, 28, 1),
        num_classes=10,
        pixel_mean=(72.940,),
        pixel_std=(90.021,),
        padding=2,
        licence="MIT",
    ),
}


def load_split(
    name: str, split: str, *, data_dir: str | None = None
) -> tf.data.Dataset:
    """Loads `(image, label)` pairs of one split, undecorated and unshuffled.

    Args:
        name: TFDS name, for example `cifar10`.
        split: TFDS split, for example `train[:90%]`.
        data_dir: TFDS directory; None: `TFDS_DATA_DIR` or the TFDS default.

    Returns:
        Pairs of uint8 `[H, W, C]` and int64 `[]`.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            f"Data set '{name}' is read through tensorflow-datasets, which is"
            " not installed. Run: pip install 'tfsnn[data]'."
        ) from error
    return tfds.load(
        name,
        split=split,
        data_dir=data_dir,
        as_supervised=True,
        shuffle_files=False,
    )


def augment(image: tf.Tensor, seed: tf.Tensor, *, padding: int) -> tf.Tensor:
    """Zero-pads, crops at random and mirrors at random.

    Args:
        image: One image `[H, W, C]`.
        seed: Two integers `[2]`; equal seeds give equal images.
        padding: Pixels added at each border before the crop.

    Returns:
        An image of the same shape and dtype.
    """
    shape = image.shape
    border = [padding, padding]
    padded = tf.pad(image, [border, border, [0, 0]])
    cropped = tf.image.stateless_random_crop(padded, shape, seed)
    return tf.image.stateless_random_flip_left_right(cropped, seed + 1)


def training_batches(
    examples: tf.data.Dataset,
    *,
    batch_size: int,
    padding: int,
    seed: int,
) -> tf.data.Dataset:
    """Shuffled, augmented, batched and prefetched training data.

    Args:
        examples: `(image, label)` pairs.
        batch_size: Images a batch; the last, partial batch is dropped.
        padding: See `augment`.
        seed: Seed of the order and of the augmentation; each epoch draws
            anew from it.

    Returns:
        Batches of `[B, H, W, C]` float32 in 0...255 and `[B]` int64.
    """
    generator = tf.random.Generator.from_seed(seed)

    def prepare(image, label):
        draw = generator.uniform([2], 0, 2**30, dtype=tf.int32)
        image = augment(image, draw, padding=padding)
        return tf.cast(image, tf.float32), label

    count = int(examples.cardinality())
    return (
        examples.cache()
        .shuffle(count, seed=seed, reshuffle_each_iteration=True)
        .map(prepare, num_parallel_calls=1, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def evaluation_batches(
    examples: tf.data.Dataset, *, batch_size: int
) -> tf.data.Dataset:
    """Batches in file order: `[B, H, W, C]` float32 and `[B]` int64."""
    return (
        examples.map(lambda image, label: (tf.cast(image, tf.float32), label))
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )
