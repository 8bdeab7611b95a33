import numpy as np
import pytest
import tensorflow as tf

from tfsnn_models import image_files

IMAGE = np.arange(60, dtype="uint8").reshape(4, 5, 3)


@pytest.fixture
def folder(tmp_path):
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).mkdir()
    png = tf.io.encode_png(IMAGE).numpy()
    for name in ("a/2.png", "a/1.PNG", "b/1.png", "b/.2.png", ".hidden/3.png"):
        (tmp_path / name).write_bytes(png)
    (tmp_path / "b" / "notes.txt").write_text("no image")
    return tmp_path


def test_files_in_sorted_order_with_the_class_as_label(folder):
    assert image_files.classes(folder) == ["a", "b"]
    files, labels = image_files.list_files(folder)
    names = [file.removeprefix(f"{folder}/") for file in files]
    assert names == ["a/1.PNG", "a/2.png", "b/1.png"]
    assert labels == [0, 0, 1]


def test_no_folder_has_no_classes(tmp_path):
    assert image_files.classes(tmp_path / "none") == []
    with pytest.raises(ValueError, match="has no images. Supported"):
        image_files.list_files(tmp_path)


def test_files_decode_to_colour():
    png = tf.io.encode_png(IMAGE)
    np.testing.assert_array_equal(image_files.decode(png), IMAGE)
    grey = tf.io.encode_png(IMAGE[..., :1])
    np.testing.assert_array_equal(
        image_files.decode(grey), IMAGE[..., :1].repeat(3, axis=-1)
    )


def test_broken_files_are_found(folder):
    assert image_files.find_broken(folder) == []
    (folder / "a" / "2.png").write_bytes(b"no image")
    (folder / "b" / "1.png").write_bytes(b"")
    assert image_files.find_broken(folder) == [
        str(folder / "a" / "2.png"),
        str(folder / "b" / "1.png"),
    ]
