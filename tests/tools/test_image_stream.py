"""Labelled images that do not fit into memory are read as they are used."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.support.tiny import NUM_IMAGES
from tfsnn.errors import DataError
from tfsnn_tools import data_sources, image_memory
from tfsnn_tools.data_readers import Request
from tfsnn_tools.image_stream import ImageStream
from tfsnn_tools.preprocessing import Preprocessing

N, PART = 11, 4
SIZES = [(8, 8), (12, 9)]
FUNCTIONS = """
def double(images):
    return 2 * images

def centred(images):
    return images - images.mean()

def divided(images):
    return images / images.max()

def halved(images):
    return images[:, ::2, ::2]

def doubled(images):
    return images.repeat(2, axis=1).repeat(2, axis=2)
"""


@pytest.fixture
def crowded(monkeypatch):
    """No room for all images, and parts of 4."""
    monkeypatch.setattr(image_memory, "available_bytes", lambda: 1000)
    monkeypatch.setattr(image_memory, "images_of_a_part", lambda shape: PART)


def photographs():
    generator = np.random.default_rng(0)
    for number in range(N):
        size = SIZES[number % 2]
        yield generator.integers(0, 256, (*size, 3), np.uint8), number % 3


@pytest.fixture
def folder(tmp_path):
    for number, (image, label) in enumerate(photographs()):
        path = tmp_path / "photos" / f"class{label}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tf.io.encode_png(image).numpy())
    return tmp_path / "photos"


@pytest.fixture
def functions(tmp_path, monkeypatch):
    (tmp_path / "stream_functions.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    return "stream_functions"


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tfds")
    features = {
        "image": tfds.features.Image(shape=(None, None, 3)),
        "label": tfds.features.ClassLabel(num_classes=3),
    }
    examples = [
        (number, {"image": image, "label": label})
        for number, (image, label) in enumerate(photographs())
    ]
    tfds.dataset_builders.store_as_tfds_dataset(
        name="many",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"test": examples},
        data_dir=folder,
        disable_shuffling=True,
    )
    return str(folder)


@pytest.fixture(params=["tfds", "npz", "dir"])
def source(request, tmp_path, folder, tfds_folder):
    if request.param == "npz":
        images = np.random.default_rng(0).random((N, 9, 10, 3))
        path = tmp_path / "data.npz"
        labels = np.eye(3)[np.arange(N) % 3]
        np.savez(path, test_images=images, test_labels=labels)
        return f"npz:{path}"
    return {"tfds": "tfds:many", "dir": f"dir:{folder}"}[request.param]


def request(tfds_folder, **options):
    return Request(
        (8, 8, 3),
        split="test",
        preprocessing=Preprocessing(scale=1 / 255, crop=(8, 8)),
        data_dir=tfds_folder,
        **options,
    )


@pytest.mark.parametrize("max_images", [None, 6])
def test_a_stream_has_what_memory_would_have(
    source, tfds_folder, max_images, monkeypatch
):
    wanted = request(tfds_folder, max_images=max_images)
    images, labels = data_sources.open_labelled(source, wanted)
    monkeypatch.setattr(image_memory, "available_bytes", lambda: 1000)
    monkeypatch.setattr(image_memory, "images_of_a_part", lambda shape: PART)
    stream = data_sources.open_labelled(source, wanted)
    assert isinstance(stream, ImageStream)
    assert stream.num_images == len(images) == (max_images or N)
    for _ in range(2):  # Anew in each pass.
        parts = list(stream)
        assert max(len(part) for part, _ in parts) == PART
        found = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        np.testing.assert_array_equal(found[0], images)
        np.testing.assert_array_equal(found[1], labels)


def test_a_network_for_any_size_takes_them_at_once(source, tfds_folder):
    wanted = Request((None, None, 3), 1, "test", data_dir=tfds_folder)
    images, _ = data_sources.open_labelled(source, wanted)
    assert len(images) == 1


def test_a_function_gets_a_part_at_a_time(crowded, folder, functions):
    def opened(name):
        preprocessing = Preprocessing(function=name, resize=(8, 8))
        wanted = Request((8, 8, 3), preprocessing=preprocessing)
        return data_sources.open_labelled(f"dir:{folder}", wanted)

    plain = Request((8, 8, 3), preprocessing=Preprocessing(resize=(8, 8)))
    twice = list(opened(f"{functions}:double"))
    once = list(data_sources.open_labelled(f"dir:{folder}", plain))
    np.testing.assert_array_equal(twice[2][0], 2 * once[2][0])
    for name in ("centred", "divided"):
        with pytest.raises(DataError, match="an image alone than of the same"):
            opened(f"{functions}:{name}")


@pytest.mark.parametrize(
    ("stored", "shape", "options"),
    [
        (16, (8, 8, 3), {"function": "halved"}),
        (9, (8, 8, 3), {"function": "halved", "resize": (16, 16)}),
        (8, (16, 16, 3), {"function": "doubled"}),
        (8, (None, None, 3), {"resize": (16, 16)}),
    ],
    ids=["stored", "resized", "network", "any size"],
)
def test_what_is_counted_is_the_largest(
    functions, tmp_path, monkeypatch, stored, shape, options
):
    """16x16 pixels, before the function or after it."""
    images = np.zeros((N, stored, stored, 3), np.uint8)
    np.savez(tmp_path / "n.npz", images=images, labels=np.arange(N) % 3)
    if "function" in options:
        options = {**options, "function": f"{functions}:{options['function']}"}
    wanted = Request(shape, preprocessing=Preprocessing(**options))
    spec, room = f"npz:{tmp_path / 'n.npz'}", 2 * N * 4 * 16 * 16 * 3
    monkeypatch.setattr(image_memory, "PART_BYTES", 3 * 4 * 16 * 16 * 3)
    for free, kind in ((room, tuple), (room - 1, ImageStream)):
        monkeypatch.setattr(
            image_memory, "available_bytes", lambda free=free: free
        )
        opened = data_sources.open_labelled(spec, wanted)
        assert isinstance(opened, kind)
    assert [len(part) for part, _ in opened] == [3, 3, 3, 2]


def test_what_does_not_fit_the_network_is_found_at_once(crowded, folder):
    with pytest.raises(DataError, match="Received images of 2 size"):
        data_sources.open_labelled(f"dir:{folder}", Request((8, 8, 3)))
    (folder / "class0" / "00.png").write_bytes(b"none")
    sized = Request((8, 8, 3), preprocessing=Preprocessing(resize=(8, 8)))
    with pytest.raises(DataError, match="1 of 11 image files cannot be"):
        data_sources.open_labelled(f"dir:{folder}", sized)


def test_all_broken_files_are_named_wherever_they_are(crowded, folder):
    """Of the part that is read and of those behind it."""
    sized = Request((8, 8, 3), preprocessing=Preprocessing(resize=(8, 8)))
    stream = data_sources.open_labelled(f"dir:{folder}", sized)
    for name in ("class2/05.png", "class2/08.png"):
        (folder / name).write_bytes(b"none")
    with pytest.raises(DataError, match="2 of 11 .*\n.*05.png.*\n.*08.png"):
        list(stream)


def test_labels_are_missed_at_once(crowded, folder):
    with pytest.raises(DataError, match="which has images but no labels"):
        data_sources.open_labelled(
            f"dir:{folder / 'class0'}",
            Request((8, 8, 3), preprocessing=Preprocessing(resize=(8, 8))),
        )


def test_evaluation_is_the_same(
    command, calibrated_folder, network_file, images_file, tmp_path, monkeypatch
):
    """Accuracies, costs, diagnoses, rasters and thresholds of every T."""

    def evaluated(name):
        outcome = command(
            "evaluate",
            f"--model={calibrated_folder}",
            f"--reference={network_file}",
            f"--data=npz:{images_file}",
            "--scale=1/255",
            "--diagnose=5",
            f"--output={tmp_path / name}",
        )
        assert outcome.code == 0, outcome.err
        assert ("as they are used" in outcome.err) == (name == "parts")
        log = (tmp_path / name / "log.txt").read_text()
        assert ("as they are used" in log) == (name == "parts")
        path = tmp_path / name / "evaluation.json"
        record = json.loads(path.read_text())
        record.pop("command")
        for point in record["points"]:
            for part in ("evaluation", "diagnosis"):
                point[part].pop("seconds")
        return record

    expected = evaluated("whole")
    monkeypatch.setattr(image_memory, "available_bytes", lambda: 1000)
    monkeypatch.setattr(image_memory, "images_of_a_part", lambda shape: 7)
    found = evaluated("parts")
    assert found["points"][0]["evaluation"]["num_images"] == NUM_IMAGES
    assert found == expected
