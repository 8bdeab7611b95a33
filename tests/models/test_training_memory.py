import keras
import pytest

from tfsnn_models import training_memory


def model():
    x = keras.Input((4, 4, 2), name="image")
    y = keras.layers.Conv2D(3, 1, name="conv")(x)
    y = keras.layers.GlobalAveragePooling2D(name="pool")(y)
    return keras.Model(x, y, name="net")


EACH = 4 * 2 * (4 * 4 * 2 + 4 * 4 * 3 + 3)
FIXED = 4 * 3 * (2 * 3 + 3)


def test_feature_maps_and_weights_are_counted():
    assert training_memory.training_bytes(model(), 5) == FIXED + 5 * EACH


def test_a_batch_that_fits():
    training_memory.check_memory(model(), 5, FIXED + 5 * EACH)


def test_a_batch_that_does_not_fit_names_the_one_that_does():
    with pytest.raises(ValueError, match="batch_size=64 for 'net'.*size=4 or"):
        training_memory.check_memory(model(), 64, FIXED + 5 * EACH - 1)


def test_a_network_that_does_not_fit():
    with pytest.raises(ValueError, match="smaller width_multiplier"):
        training_memory.check_memory(model(), 1, FIXED)
