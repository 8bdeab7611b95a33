"""Image files and their classes."""

import numpy as np
import pytest
import tensorflow as tf

from tfsnn.errors import DataError
from tfsnn_tools import image_folder


def write_png(path, value=7, shape=(4, 5, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full(shape, value, np.uint8)
    path.write_bytes(tf.io.encode_png(image).numpy())
    return path


def unchanged(image):
    return image


def test_flat_folder_has_no_labels(tmp_path):
    files = [write_png(tmp_path / name) for name in ("b.png", "a.PNG")]
    paths, labels = image_folder.list_images(str(tmp_path))
    assert paths == sorted(files)
    assert labels is None


def test_sub_folders_are_classes_in_sorted_order(tmp_path):
    for name in ("dog/2.png", "cat/9.png", "dog/1.png"):
        write_png(tmp_path / name)
    paths, labels = image_folder.list_images(str(tmp_path))
    assert [path.name for path in paths] == ["9.png", "1.png", "2.png"]
    np.testing.assert_array_equal(labels, [0, 1, 1])
    assert labels.dtype == np.int64


def test_hidden_and_other_files_are_passed_over(tmp_path):
    write_png(tmp_path / "a.png")
    write_png(tmp_path / ".b.png")
    write_png(tmp_path / ".cache" / "c.png")
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "folder.png").mkdir()
    paths, _ = image_folder.list_images(str(tmp_path))
    assert [path.name for path in paths] == ["a.png"]


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="absent, which is not a folder"):
        image_folder.list_images(str(tmp_path / "absent"))


@pytest.mark.parametrize("name", ["notes.txt", "cat/notes.txt"])
def test_folder_without_images_is_refused(tmp_path, name):
    (tmp_path / "cat").mkdir()
    (tmp_path / name).write_text("none")
    with pytest.raises(DataError, match="empty: no image files found"):
        image_folder.list_images(str(tmp_path))


def test_images_beside_classes_are_refused(tmp_path):
    write_png(tmp_path / "a.png")
    write_png(tmp_path / "cat" / "b.png")
    with pytest.raises(DataError, match="1 images beside sub-folders with 1"):
        image_folder.list_images(str(tmp_path))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_decode_converts_to_the_channels(tmp_path, channels):
    path = write_png(tmp_path / "a.png")
    (image,) = image_folder.decode([path], channels, unchanged)
    assert image.shape == (4, 5, channels)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image[..., 0], 7)


@pytest.mark.parametrize(
    "suffix, encode",
    [
        (".jpg", tf.io.encode_jpeg),
        (".jpeg", tf.io.encode_jpeg),
        (".png", tf.io.encode_png),
    ],
)
def test_decode_reads_every_type(tmp_path, suffix, encode):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode(np.full((4, 5, 3), 128, np.uint8)).numpy())
    (image,) = image_folder.decode([path], 3, unchanged)
    # JPEG is lossy; a constant image comes back within rounding.
    np.testing.assert_allclose(image, 128, atol=1)


def test_decode_applies_the_function_to_each_image(tmp_path):
    path = write_png(tmp_path / "a.png")
    (image,) = image_folder.decode([path], 3, lambda image: image[:2])
    assert image.shape == (2, 5, 3)


def test_unreadable_files_are_refused_with_the_first_names(tmp_path):
    paths = [write_png(tmp_path / "good.png")]
    for index in range(7):
        paths.append(tmp_path / f"{index}.png")
        paths[-1].write_text("no image")
    text = r"(?s)7 of 8 image files.*0\.png: .*4\.png: .*and 2 more"
    with pytest.raises(DataError, match=text) as caught:
        image_folder.decode(paths, 3, unchanged)
    assert "5.png" not in str(caught.value)
    assert "good.png" not in str(caught.value)


def test_truncated_and_vanished_files_are_refused(tmp_path):
    path = write_png(tmp_path / "a.png", shape=(40, 40, 3))
    path.write_bytes(path.read_bytes()[:60])
    text = r"(?s)2 of 2 image files.*a\.png.*gone\.png: "
    with pytest.raises(DataError, match=text):
        image_folder.decode([path, tmp_path / "gone.png"], 3, unchanged)
