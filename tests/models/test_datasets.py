import numpy as np
import pytest
import tensorflow as tf

from tfsnn_models import datasets


def examples(count=12):
    images = np.arange(count * 4 * 4).reshape(count, 4, 4, 1) % 251 + 1
    labels = np.arange(count, dtype="int64")
    return tf.data.Dataset.from_tensor_slices((images.astype("uint8"), labels))


CARD = datasets.DatasetCard(
    name="tiny",
    input_shape=(4, 4, 1),
    num_classes=12,
    pixel_mean=(127.0,),
    pixel_std=(70.0,),
    padding=1,
    licence="none",
)


def training(seed=0):
    batches = datasets.training_batches(
        examples(), batch_size=5, data=CARD, seed=seed
    )
    return batches, list(batches.as_numpy_iterator())


def test_training_drops_the_partial_batch():
    batches, found = training()
    assert len(found) == int(batches.cardinality()) == 2
    for images, labels in found:
        assert images.dtype == np.float32
        assert images.shape == (5, 4, 4, 1)
        assert labels.shape == (5,)


def test_training_depends_on_the_seed_alone():
    for a, b in zip(training()[1], training()[1], strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    assert any(
        np.any(a[0] != b[0])
        for a, b in zip(training(0)[1], training(1)[1], strict=True)
    )


def test_every_epoch_has_another_order():
    batches, first = training()
    second = list(batches.as_numpy_iterator())
    labels = [
        np.concatenate([y for _, y in epoch]) for epoch in (first, second)
    ]
    assert np.any(labels[0] != labels[1])


def test_evaluation_keeps_the_order_and_every_image():
    batches = datasets.evaluation_batches(examples(), batch_size=5)
    labels = np.concatenate([y for _, y in batches.as_numpy_iterator()])
    np.testing.assert_array_equal(labels, np.arange(12))


@pytest.mark.parametrize("name", datasets.CARDS)
def test_cards_fit_their_images(name):
    card = datasets.CARDS[name]
    assert len(card.pixel_mean) == len(card.pixel_std) == card.input_shape[-1]
    assert card.name == name
    assert datasets.card(name) is card


def test_validation_takes_one_in_ten():
    held = datasets.without_validation(examples(23), validation=True)
    rest = datasets.without_validation(examples(23), validation=False)
    labels = [
        [int(y) for _, y in part.as_numpy_iterator()] for part in (held, rest)
    ]
    assert labels[0] == [0, 10, 20]
    assert sorted(labels[0] + labels[1]) == list(range(23))
    assert (int(held.cardinality()), int(rest.cardinality())) == (3, 20)


def write_folder(root, sizes=((20, 30), (40, 16))):
    """Two classes, an image of each size in both splits."""
    for split in ("train", "test"):
        for label, name in enumerate(("apple", "pear")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number, size in enumerate(sizes):
                image = np.full((*size, 3), 50 + 100 * label, "uint8")
                png = tf.io.encode_png(image).numpy()
                (folder / f"{number}.png").write_bytes(png)
    return f"dir:{root}"


def test_a_folder_of_images(tmp_path):
    """Images of many sizes are cropped; labels are the sorted classes."""
    name = write_folder(tmp_path)
    card = datasets.card(name, image_size=8)
    assert (card.num_classes, card.input_shape) == (2, (8, 8, 3))
    pairs = datasets.load_split(name, "train")
    assert pairs.element_spec[0].dtype == tf.string  # Not decoded yet.
    for batches in (
        datasets.evaluation_batches(pairs, batch_size=4, data=card),
        datasets.training_batches(pairs, batch_size=4, data=card, seed=0),
    ):
        ((images, labels),) = batches.as_numpy_iterator()
        assert images.shape == (4, 8, 8, 3)
        assert sorted(labels) == [0, 0, 1, 1]
        expected = (50 + 100 * labels).reshape(-1, 1, 1, 1)
        # Resampling weights add up to one in float32.
        np.testing.assert_allclose(images, images * 0 + expected, rtol=1e-5)


def test_hidden_files_and_folders_are_no_images(tmp_path):
    name = write_folder(tmp_path)
    for split in ("train", "test"):
        (tmp_path / split / ".thumbnails").mkdir()
        (tmp_path / split / "apple" / ".hidden.png").write_bytes(b"")
    assert datasets.card(name).num_classes == 2
    assert int(datasets.load_split(name, "train").cardinality()) == 4


def test_one_image_which_is_for_validation(tmp_path):
    """Nothing is left to train on: batches there are none."""
    name = write_folder(tmp_path)
    card = datasets.card(name, image_size=8)
    one = datasets.load_split(name, "train").take(1)
    left = datasets.without_validation(one, validation=False)
    batches = datasets.training_batches(left, batch_size=1, data=card, seed=0)
    assert int(batches.cardinality()) == 0
    assert list(batches) == []


def test_photos_of_tfds_stay_encoded(tmp_path, monkeypatch):
    """As ImageNet's: shuffled as files, decoded for a batch."""
    import tensorflow_datasets as tfds

    class TinyPhotos(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "label": tfds.features.ClassLabel(num_classes=2),
                }
            )
            return tfds.core.DatasetInfo(
                builder=self,
                features=features,
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for number in range(4):
                shape = (20 + number, 30, 3)
                image = np.full(shape, 50 + 100 * (number % 2), "uint8")
                yield number, {"image": image, "label": number % 2}

    TinyPhotos(data_dir=str(tmp_path)).download_and_prepare()
    card = datasets.DatasetCard(
        "tiny_photos", (8, 8, 3), 2, (0.0,) * 3, (1.0,) * 3, None, "none"
    )
    monkeypatch.setitem(datasets.CARDS, "tiny_photos", card)
    pairs = datasets.load_split("tiny_photos", "train", data_dir=str(tmp_path))
    assert pairs.element_spec[0].dtype == tf.string
    for batches in (
        datasets.evaluation_batches(pairs, batch_size=4, data=card),
        datasets.training_batches(pairs, batch_size=4, data=card, seed=0),
    ):
        ((images, labels),) = batches.as_numpy_iterator()
        expected = (50 + 100 * labels).reshape(-1, 1, 1, 1)
        np.testing.assert_allclose(images, images * 0 + expected, rtol=1e-5)


def test_the_middle_is_cropped():
    """256 pixels of the shorter side, 224 of these: no resampling here."""
    rows, columns = np.mgrid[:256, :256].astype("float32")
    image = tf.constant(np.stack([rows, columns], axis=-1))
    found = datasets.center_crop(image, (224, 224))
    np.testing.assert_allclose(found, image[16:240, 16:240], atol=1e-3)
    again = datasets.center_crop(found, (224, 224))
    np.testing.assert_array_equal(again, found)


def test_folders_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match="has 0 classes in train and 0 in"):
        datasets.card(f"dir:{tmp_path}")
    name = write_folder(tmp_path)
    (tmp_path / "test" / "plum").mkdir()
    with pytest.raises(ValueError, match="2 classes in train and 3 in test"):
        datasets.card(name)
    with pytest.raises(ValueError, match="none' has no images. Supported"):
        datasets.load_split(name, "none")


def test_an_unknown_data_set():
    with pytest.raises(ValueError, match="'mnist2' has no card.*cifar10"):
        datasets.card("mnist2")


def test_a_data_set_that_is_not_prepared(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(*_, **__):
        raise ConnectionError("no network\nand more")

    monkeypatch.setattr(tfds, "load", fail)
    with pytest.raises(
        ValueError, match="'cifar10' cannot be read in /x: Conn"
    ):
        datasets.load_split("cifar10", "train", data_dir="/x")


@pytest.mark.slow
def test_strong_augmentation_reaches_the_batches():
    def made(kind):
        images = np.full((8, 16, 16, 3), 100, "uint8")
        pairs = tf.data.Dataset.from_tensor_slices((images, np.arange(8)))
        data = datasets.DatasetCard(
            "x", (16, 16, 3), 8, (0.0,) * 3, (1.0,) * 3, 0, "none"
        )
        batches = datasets.training_batches(
            pairs, batch_size=8, data=data, augmentation=kind, seed=0
        )
        ((images, _),) = batches.as_numpy_iterator()
        return images

    assert np.unique(made("standard")).tolist() == [100]
    strong = made("strong")
    assert strong.shape == (8, 16, 16, 3)
    assert ((strong == 0).mean(axis=(1, 2, 3)) > 0.05).any()
    assert np.std(made("imagenet").mean(axis=(1, 2, 3))) > 1
