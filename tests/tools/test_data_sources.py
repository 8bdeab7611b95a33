"""Images and labels named on the command line."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfsnn.errors import DataError
from tfsnn_tools import data_sources, image_memory
from tfsnn_tools.data_readers import Request
from tfsnn_tools.preprocessing import Preprocessing

SHAPE = (4, 4, 3)
N = 20
IMAGES = np.random.default_rng(0).integers(0, 256, (N, *SHAPE), dtype=np.uint8)
LABELS = np.arange(N) % 3
HALF = Preprocessing(scale=0.5)


def load(spec, *, max_images=None, input_shape=SHAPE, **options):
    return data_sources.load(spec, Request(input_shape, max_images, **options))


def write_npz(folder, **arrays):
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return f"npz:{path}"


def write_folder(folder, images=IMAGES, labels=LABELS):
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / f"class{label}" / f"{index:02}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_png(image).numpy())
    return f"dir:{folder}"


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    """Data sets `tiny` (train, test) and `bare` (no labels, two sizes)."""
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tfds")
    image = tfds.features.Image(shape=(None, None, 3))
    label = tfds.features.ClassLabel(num_classes=3)
    examples = [
        (index, {"image": IMAGES[index], "label": int(LABELS[index])})
        for index in range(N)
    ]
    sizes = [(n, {"image": np.zeros((n, 4, 3), np.uint8)}) for n in (4, 6)]
    for name, features, splits in (
        ("tiny", {"image": image, "label": label}, (examples, examples[:5])),
        ("bare", {"image": image}, (sizes, sizes[:1])),
    ):
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets=dict(zip(("train", "test"), splits, strict=True)),
            data_dir=folder,
            disable_shuffling=True,
        )
    return str(folder)


@pytest.mark.parametrize(
    "spec, split, expected",
    [
        pytest.param("tfds:tiny", None, slice(N), id="default-train"),
        pytest.param("tfds:tiny:test", None, slice(5), id="split"),
        pytest.param("tfds:tiny", "test", slice(5), id="split-argument"),
        pytest.param("tfds:tiny:train", "test", slice(N), id="spec-wins"),
        pytest.param("tfds:tiny:train[2:6]", None, slice(2, 6), id="part"),
        pytest.param("tfds:tiny:1.0.0", None, slice(N), id="version"),
        pytest.param("tfds:tiny:1.0.0:test", None, slice(5), id="both"),
    ],
)
def test_tfds_gives_images_and_labels(tfds_folder, spec, split, expected):
    images, labels = load(
        spec, split=split, data_dir=tfds_folder, preprocessing=HALF
    )
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(images, IMAGES[expected] / 2)
    np.testing.assert_array_equal(labels, LABELS[expected])


def test_tfds_gives_the_first_images(tfds_folder):
    images, labels = load("tfds:tiny", max_images=7, data_dir=tfds_folder)
    np.testing.assert_array_equal(images, IMAGES[:7])
    assert len(labels) == 7


def test_tfds_without_labels_gives_none(tfds_folder):
    images, labels = load("tfds:bare:test", data_dir=tfds_folder)
    assert images.shape == (1, *SHAPE)
    assert labels is None


@pytest.mark.parametrize("name", ["resize", "crop"])
def test_images_of_several_sizes_are_resized_on_request(tfds_folder, name):
    resize = Preprocessing(**{name: (4, 4)})
    images, _ = load("tfds:bare", data_dir=tfds_folder, preprocessing=resize)
    assert images.shape == (2, *SHAPE)


@pytest.mark.parametrize(
    "spec, text",
    [
        pytest.param("tfds:tiny:nope", "Supported: test, train, al", id="name"),
        pytest.param("tfds:tiny:train[:x]", "split 'train.:x.'", id="part"),
        pytest.param(
            "tfds:bare",
            "2 size.s. from tfds:bare: 4x4, 6x4. Supp.*--crop=.*--resize=",
            id="sizes",
        ),
        pytest.param("tfds:tiny:train[:0]", "to no data. Supp", id="empty"),
        pytest.param(
            "tfds:absent_data_set",
            "cannot be prepared in .*DatasetNotFoundError.*not found. Supp",
            id="unknown",
        ),
    ],
)
def test_unfit_tfds_specs_are_refused(tfds_folder, spec, text):
    with pytest.raises(DataError, match=text):
        load(spec, data_dir=tfds_folder)


@pytest.mark.parametrize("scheme", ["tfds", "npz", "dir"])
def test_images_that_do_not_fit_into_memory(
    tfds_folder, tmp_path, monkeypatch, scheme
):
    """Of tfds before they are read; fewer fit."""
    spec = {
        "tfds": "tfds:tiny:train[1:]",
        "npz": write_npz(tmp_path, images=IMAGES[1:]),
        "dir": write_folder(tmp_path, IMAGES[1:], LABELS[1:]),
    }[scheme]
    room = 10 * 4 * 4 * 4 * 3
    monkeypatch.setattr(image_memory, "available_bytes", lambda: room)
    text = f"of which {N - 1} images of 4x4x3 take .*up to 5 at once"
    with pytest.raises(DataError, match=text):
        load(spec, data_dir=tfds_folder)
    images, _ = load(spec, data_dir=tfds_folder, max_images=5)
    assert len(images) == 5


def test_tfds_that_needs_a_network_is_refused_without(monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")

    class Unprepared:
        url_infos = ()
        MANUAL_DOWNLOAD_INSTRUCTIONS = None

        def is_prepared(self):
            return False

        def download_and_prepare(self):
            raise ConnectionError("unreachable\nand more")

    monkeypatch.setattr(tfds, "builder", lambda *_, **__: Unprepared())
    text = "the default folder of TFDS: ConnectionError: unreachable. Supp"
    with pytest.raises(DataError, match=text):
        load("tfds:mnist")


def test_absent_tfds_is_refused_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(DataError, match=r"pip install 'tfsnn\[data\]'"):
        load("tfds:mnist")


def test_npz_gives_images_and_labels(tmp_path):
    spec = write_npz(tmp_path, test_images=IMAGES, test_labels=LABELS)
    images, labels = load(f"{spec}:test", preprocessing=HALF)
    np.testing.assert_array_equal(images, IMAGES / 2)
    np.testing.assert_array_equal(labels, LABELS)
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)


def test_npz_of_grey_images_gets_a_channel_axis(tmp_path):
    spec = write_npz(tmp_path, x=IMAGES[..., 0])
    images, labels = load(spec, input_shape=(4, 4, 1))
    np.testing.assert_array_equal(images, IMAGES[..., :1])
    assert labels is None


def test_npz_is_resized_on_request(tmp_path):
    spec = write_npz(tmp_path, images=IMAGES)
    resize = Preprocessing(resize=(8, 6))
    images, _ = load(spec, input_shape=(8, 6, 3), preprocessing=resize)
    assert images.shape == (N, 8, 6, 3)


def test_folder_gives_images_and_labels(tmp_path):
    spec = write_folder(tmp_path)
    images, labels = load(spec, preprocessing=HALF)
    order = np.argsort(LABELS, kind="stable")
    np.testing.assert_array_equal(images, IMAGES[order] / 2)
    np.testing.assert_array_equal(labels, LABELS[order])


def test_folder_without_classes_gives_no_labels(tmp_path):
    write_folder(tmp_path, IMAGES[:2], [0, 0])
    images, labels = load(f"dir:{tmp_path}/class0")
    np.testing.assert_array_equal(images, IMAGES[:2])
    assert labels is None


@pytest.mark.parametrize("scheme", ["npz", "dir"])
def test_sample_pairs_images_with_labels_and_depends_on_the_seed(
    tmp_path, scheme
):
    images = np.broadcast_to(LABELS[:, None, None, None], IMAGES.shape)
    images = images.astype(np.uint8)
    spec = (
        write_npz(tmp_path, images=images, labels=LABELS)
        if scheme == "npz"
        else write_folder(tmp_path, images)
    )
    samples = [load(spec, max_images=9, seed=seed)[1] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(samples[0], samples[1])
    assert not np.array_equal(samples[0], samples[2])
    chosen, labels = load(spec, max_images=9)
    np.testing.assert_array_equal(chosen[:, 0, 0, 0], labels)


def test_default_keeps_stored_values(tmp_path):
    images, _ = load(write_npz(tmp_path, images=IMAGES))
    np.testing.assert_array_equal(images, IMAGES)


def test_function_may_change_the_size(tmp_path, monkeypatch):
    (tmp_path / "cropping.py").write_text("def crop(x): return x[:, :2]")
    monkeypatch.chdir(tmp_path)
    images, _ = load(
        write_npz(tmp_path, images=IMAGES),
        input_shape=(2, 4, 3),
        preprocessing=Preprocessing(function="cropping:crop"),
    )
    np.testing.assert_array_equal(images, IMAGES[:, :2])
    assert images.flags.c_contiguous


def test_function_that_overflows_float32_is_refused(tmp_path, monkeypatch):
    text = "def grow(x): return x.astype('float64') * 1e300"
    (tmp_path / "growing.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    spec = write_npz(tmp_path, images=IMAGES)
    with pytest.raises(DataError, match="infinite values .as float32."):
        load(spec, preprocessing=Preprocessing(function="growing:grow"))


NPZ_REFUSALS = {
    "size": ({"images": IMAGES[:, :2]}, "1 size.s. .*: 2x4. Supported: 4x4"),
    "channels": ({"images": IMAGES[..., :1]}, "1 channels, not 3"),
    "grey": ({"images": IMAGES[..., 0]}, r"images of npz:.*\(20, 4, 4\)"),
    "labels": ({"images": LABELS}, "look like labels in the data"),
    "lengths": ({"x": IMAGES, "y": LABELS[:3]}, "for 20 images: the lengths"),
    "text": ({"images": IMAGES.astype(str)}, "not numeric"),
    "nan": (
        {"images": np.full((N, *SHAPE), np.nan)},
        "In the preprocessed images of npz:.*960 NaN",
    ),
    "empty": ({"images": IMAGES[:0]}, "is empty"),
    "names": ({"pixels": IMAGES}, "without images or x"),
}


@pytest.mark.parametrize(
    "arrays, text", NPZ_REFUSALS.values(), ids=NPZ_REFUSALS.keys()
)
def test_unfit_npz_files_are_refused(tmp_path, arrays, text):
    with pytest.raises(DataError, match=text):
        load(write_npz(tmp_path, **arrays))


def test_resize_to_a_size_the_network_does_not_take_is_refused(tmp_path):
    spec = write_npz(tmp_path, images=IMAGES)
    for name in ("resize", "crop"):
        text = rf"{name}=\(8, 8\) for a network that takes images \(4, 4, 3\)"
        with pytest.raises(DataError, match=text):
            load(spec, preprocessing=Preprocessing(**{name: (8, 8)}))


def test_a_size_that_does_not_fit_into_memory_is_refused(tmp_path):
    spec = write_npz(tmp_path, images=IMAGES)
    large = Preprocessing(crop=(10**7, 10**7))
    with pytest.raises(DataError, match="of 10000000x10000000, of which one"):
        load(spec, input_shape=(None, None, 3), preprocessing=large)


@pytest.mark.parametrize(
    "spec, options, text",
    [
        pytest.param("images.npz", {}, "data 'images.npz'.*npz:i", id="none"),
        pytest.param("zip:file", {}, "tfds:cifar10:train, npz:", id="unknown"),
        pytest.param("npz:", {}, "Received data 'npz:'", id="empty"),
        pytest.param("", {}, "Received data ''", id="no-text"),
        pytest.param("dir:absent", {}, "not a folder", id="no-folder"),
        pytest.param("npz:absent", {}, "is not a file", id="no-file"),
        pytest.param("npz:x", {"max_images": 0}, "max_images=0", id="bound"),
        pytest.param(
            "npz:x", {"input_shape": (8,)}, r"input shape \(8,\)", id="rank"
        ),
        pytest.param(
            "npz:absent",
            {"preprocessing": Preprocessing(function="absent_module:f")},
            "cannot be imported",
            id="function-first",
        ),
    ],
)
def test_unfit_requests_are_refused(spec, options, text):
    with pytest.raises(DataError, match=text):
        load(spec, **options)


@pytest.mark.parametrize("labels", [np.zeros(0, int), np.zeros((0, 3))])
def test_an_empty_file_is_refused(tmp_path, labels):
    spec = write_npz(tmp_path, images=IMAGES[:0], labels=labels)
    with pytest.raises(DataError, match="Received no images: .* is empty"):
        load(spec)
