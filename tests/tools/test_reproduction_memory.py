import keras
import pytest

import tfsnn
from tests.support.tiny import tiny_network
from tfsnn.errors import DataError
from tfsnn_tools import (
    data_sources,
    process_memory,
    reproduction_memory,
    reproduction_run,
)


def test_the_largest_t_that_fits_is_named():
    """Ten neurons in front of six; 16 images, a bit a spike; one current."""
    each = 10 * 16 // 8 + 4 * 10
    image = keras.Input((3,))
    x = keras.layers.Dense(10, activation="relu")(image)
    x = keras.layers.Dense(6, activation="relu")(x)
    model = keras.Model(image, keras.layers.Dense(2)(x))
    conversion = tfsnn.convert(model)
    fits = {"images": 16, "available": 100 * each}
    reproduction_memory.check_spikes(conversion, timesteps=100, **fits)
    with pytest.raises(DataError, match="T=101 with 16 .*up to T=100[.]"):
        reproduction_memory.check_spikes(conversion, timesteps=101, **fits)


def test_nobody_reads_the_spikes_of_the_last_layer():
    """6x6x4 neurons, currents alone."""
    conversion = tfsnn.convert(tiny_network())
    fits = {"images": 16, "available": 100 * 4 * 6 * 6 * 4}
    reproduction_memory.check_spikes(conversion, timesteps=100, **fits)
    with pytest.raises(DataError, match="T=101 with 16 .*up to T=100[.]"):
        reproduction_memory.check_spikes(conversion, timesteps=101, **fits)


def test_images_of_any_size_are_not_estimated():
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    conversion = tfsnn.convert(keras.Model(image, keras.layers.Dense(2)(x)))
    reproduction_memory.check_spikes(
        conversion, timesteps=9, images=16, available=1
    )
    reproduction_memory.check_images(9, shape=(None, None, 1), available=1)


def test_images_that_do_not_fit():
    """Twice 4x4x3 numbers of 4 bytes each."""
    known = {"shape": (4, 4, 3), "available": 10 * 2 * 4 * 48}
    reproduction_memory.check_images(10, **known)
    reproduction_memory.check_images(None, **known)
    with pytest.raises(DataError, match="11 images of 4x4x3 .*up to 10 at"):
        reproduction_memory.check_images(11, **known)


def test_imagenet_is_not_read_where_it_does_not_fit(monkeypatch):
    monkeypatch.setattr(process_memory, "available_bytes", lambda: 2**30)
    monkeypatch.setattr(data_sources, "load", None)
    for split, count in (("train", 1281167), ("validation", 50000)):
        with pytest.raises(DataError, match=f"{count} images of 224x224x3"):
            reproduction_run._loaded(
                "tfds:imagenet2012", split, None, (224, 224, 3), None
            )
