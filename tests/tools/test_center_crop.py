import numpy as np

from tfsnn_tools.center_crop import CenterCrop


def test_the_middle_of_the_shorter_side_is_kept():
    """256 x 320 pixels: 224 x 224 of the middle, without resampling."""
    rows, columns = np.mgrid[:256, :320].astype("float32")
    image = np.stack([rows, columns], axis=-1)
    found = CenterCrop(resize=(224, 224)).resized(image)
    np.testing.assert_allclose(found, image[16:240, 48:272], atol=1e-4)


def test_larger_images_are_scaled():
    image = np.full((512, 600, 3), 7, "uint8")
    found = CenterCrop(resize=(8, 8)).resized(image)
    assert found.shape == (8, 8, 3)
    np.testing.assert_allclose(found, 7, rtol=1e-6)


def test_images_of_the_size_are_left_alone():
    image = np.zeros((8, 8, 3), "uint8")
    assert CenterCrop(resize=(8, 8)).resized(image) is image
    assert CenterCrop().resized(image) is image
