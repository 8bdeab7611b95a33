import pytest

from tfsnn.errors import DataError
from tfsnn_tools import image_memory

SPEC = {"spec": "tfds:tiny"}


@pytest.fixture(autouse=True)
def room_for_ten(monkeypatch):
    """4x4x3 numbers of 4 bytes each."""
    monkeypatch.setattr(image_memory, "available_bytes", lambda: 10 * 192)


def test_images_that_do_not_fit():
    """Half as many are sure to."""
    image_memory.check_images(10, shape=(4, 4, 3), **SPEC)
    text = "tfds:tiny, of which 11 images of 4x4x3 .*up to 5 at once"
    with pytest.raises(DataError, match=text):
        image_memory.check_images(11, shape=(4, 4, 3), **SPEC)


def test_not_even_one_fits():
    with pytest.raises(DataError, match="Supported: not even one"):
        image_memory.check_images(1, shape=(100, 100, 3), **SPEC)


def test_what_nobody_knows_is_not_refused():
    image_memory.check_images(-2, shape=(4, 4, 3), **SPEC)
    image_memory.check_images(10**9, shape=(None, None, 3), **SPEC)
