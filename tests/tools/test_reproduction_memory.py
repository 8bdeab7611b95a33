import pytest

from tfsnn import free_memory
from tfsnn.errors import DataError
from tfsnn_tools import (
    data_sources,
    reproduction_memory,
    reproduction_run,
)


def test_images_of_any_size_are_not_estimated():
    reproduction_memory.check_images(9, shape=(None, None, 1), available=1)


def test_images_that_do_not_fit():
    """Twice 4x4x3 numbers of 4 bytes each."""
    known = {"shape": (4, 4, 3), "available": 10 * 2 * 4 * 48}
    reproduction_memory.check_images(10, **known)
    reproduction_memory.check_images(None, **known)
    with pytest.raises(DataError, match="11 images of 4x4x3 .*up to 10 at"):
        reproduction_memory.check_images(11, **known)


def test_imagenet_is_not_read_where_it_does_not_fit(monkeypatch):
    monkeypatch.setattr(free_memory, "available_bytes", lambda: 2**30)
    monkeypatch.setattr(data_sources, "load", None)
    for split, count in (("train", 1281167), ("validation", 50000)):
        with pytest.raises(DataError, match=f"{count} images of 224x224x3"):
            reproduction_run._loaded(
                "tfds:imagenet2012", split, None, (224, 224, 3), None
            )
