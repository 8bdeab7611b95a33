"""The state of a run between epochs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.tiny import tiny_images, tiny_network
from tfsnn_models import recipes, training
from tfsnn_models.training_backup import EpochBackup


class Interrupted(Exception):
    """What stands in for the end of a process."""


class InterruptAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.seen:
            raise Interrupted

    def on_epoch_begin(self, epoch, logs=None):
        self.seen = epoch


def batches():
    images, labels = tiny_images()
    data = tf.data.Dataset.from_tensor_slices((images / 255, labels))
    return data.batch(10, drop_remainder=True)


def trained(recipe, *, backup=None, callbacks=None):
    """A network, from the same start, and the epochs it took."""
    keras.utils.set_random_seed(0)
    model = tiny_network()
    history = training.train(
        model, batches(), recipe, backup=backup, callbacks=callbacks
    )
    return model.get_weights(), len(history.get("loss", []))


def test_an_interrupted_run_ends_where_a_whole_one_does(tmp_path):
    """With its momenta and its moving average."""
    recipe = recipes.Recipe(
        epochs=4, learning_rate=0.05, batch_size=10, ema=0.9
    )
    whole, epochs = trained(recipe)
    assert epochs == 4
    with pytest.raises(Interrupted):
        trained(recipe, backup=tmp_path, callbacks=[InterruptAt(2)])
    assert EpochBackup(tmp_path).epochs == 2
    resumed, epochs = trained(recipe, backup=tmp_path)
    assert epochs == 2
    for a, b in zip(resumed, whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_end_is_kept_until_it_is_removed(tmp_path):
    """What comes after the training may fail, too."""
    recipe = recipes.Recipe(epochs=2, batch_size=10)
    whole, _ = trained(recipe, backup=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["epoch-2.weights.h5"]
    again, epochs = trained(recipe, backup=tmp_path)
    assert epochs == 0
    for a, b in zip(again, whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_that_was_being_written_does_not_count(tmp_path):
    recipe = recipes.Recipe(epochs=2, batch_size=10)
    trained(recipe, backup=tmp_path)
    (tmp_path / "partial-epoch-3.weights.h5").write_bytes(b"cut off")
    assert EpochBackup(tmp_path).epochs == 2


def test_a_damaged_state_says_what_to_do(tmp_path):
    recipe = recipes.Recipe(epochs=2, batch_size=10)
    (tmp_path / "epoch-1.weights.h5").write_bytes(b"no HDF5")
    with pytest.raises(ValueError, match="after epoch 1 .*Remove the folder"):
        trained(recipe, backup=tmp_path)


def test_the_state_of_another_optimiser_is_refused(tmp_path):
    """Keras alone would go on without it."""
    trained(recipes.Recipe(epochs=1, batch_size=10), backup=tmp_path)
    average = recipes.Recipe(epochs=2, batch_size=10, ema=0.9)
    with pytest.raises(ValueError, match="after epoch 1 .*Remove the folder"):
        trained(average, backup=tmp_path)


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    broken = batches().map(lambda x, y: (x * np.nan, y))
    recipe = recipes.Recipe(epochs=1, batch_size=10)
    with pytest.raises(FloatingPointError):
        training.train(model, broken, recipe, backup=tmp_path)
    assert EpochBackup(tmp_path).epochs == 0
