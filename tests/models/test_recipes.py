import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.tiny import tiny_images, tiny_network
from tfsnn_models import recipes


def batches(batch_size=10):
    images, labels = tiny_images()
    data = tf.data.Dataset.from_tensor_slices((images / 255, labels))
    return data.batch(batch_size, drop_remainder=True)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"epochs": 0}, "epochs=0. Supported: at least 1"),
        ({"batch_size": 0}, "batch_size=0. Supported: at least 1"),
        ({"learning_rate": 0}, "learning_rate=0. Supported: above 0"),
        ({"dtype_policy": "float16"}, "dtype_policy='float16'.*float32, mixed"),
    ],
)
def test_out_of_range_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        recipes.Recipe(**arguments)


def test_rate_rises_then_falls_to_zero():
    recipe = recipes.Recipe(epochs=10, warmup_fraction=0.1)
    schedule = recipes.cosine_schedule(recipe, steps_per_epoch=10)
    rates = [float(schedule(step)) for step in range(101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(recipe.learning_rate)
    assert rates[100] == pytest.approx(0, abs=1e-6)
    assert (np.diff(rates[10:]) <= 0).all()


def test_training_lowers_the_loss():
    keras.utils.set_random_seed(0)
    recipe = recipes.Recipe(epochs=4, learning_rate=0.05, batch_size=10)
    history = recipes.train(tiny_network(), batches(), recipe)
    assert len(history["loss"]) == 4
    assert history["loss"][-1] < history["loss"][0]


def test_data_without_a_full_batch_is_refused():
    with pytest.raises(ValueError, match="no full batch of 128 images"):
        recipes.train(tiny_network(), batches(1000), recipes.Recipe())


def test_a_loss_that_is_no_number_is_refused():
    recipe = recipes.Recipe(epochs=1, batch_size=10)
    # Without ReLU, which may answer 0 to what is no number.
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    broken = batches().map(lambda x, y: (x * np.nan, y))
    with pytest.raises(FloatingPointError, match="Lower learning_rate"):
        recipes.train(model, broken, recipe)
