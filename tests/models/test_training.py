import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.tiny import tiny_images, tiny_network
from tfsnn_models import recipes, training


def batches(batch_size=10):
    images, labels = tiny_images()
    data = tf.data.Dataset.from_tensor_slices((images / 255, labels))
    return data.batch(batch_size, drop_remainder=True)


def test_training_lowers_the_loss():
    keras.utils.set_random_seed(0)
    recipe = recipes.Recipe(epochs=4, learning_rate=0.05, batch_size=10)
    history = training.train(tiny_network(), batches(), recipe)
    assert len(history["loss"]) == 4
    assert history["loss"][-1] < history["loss"][0]


def test_data_without_a_full_batch_is_refused():
    with pytest.raises(ValueError, match="no full batch of 128 images"):
        training.train(tiny_network(), batches(1000), recipes.Recipe())


def test_a_loss_that_is_no_number_is_refused():
    recipe = recipes.Recipe(epochs=1, batch_size=10)
    # Without ReLU, which may answer 0 to what is no number.
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    broken = batches().map(lambda x, y: (x * np.nan, y))
    with pytest.raises(FloatingPointError, match="Lower learning_rate"):
        training.train(model, broken, recipe)


def test_the_best_epoch_is_kept(tmp_path):
    """A run that gets worse: the weights of the best epoch come back."""
    keras.utils.set_random_seed(0)
    model = tiny_network()
    recipe = recipes.Recipe(epochs=3, learning_rate=0.5, batch_size=10)
    seen = []

    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((logs["val_accuracy"], self.model.get_weights()))

    path = tmp_path / "best"
    history = training.train(
        model,
        batches(),
        recipe,
        validation=batches(),
        best=path,
        callbacks=[Spoil()],
    )
    best = int(np.argmax(history["val_accuracy"]))
    for a, b in zip(model.get_weights(), seen[best][1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_best_of_an_interrupted_run_still_counts(tmp_path):
    path = tmp_path / "best"
    model = tiny_network()
    first = training.BestWeights(path)
    first.set_model(model)
    first.on_epoch_end(0, {"val_accuracy": 0.75})
    kept = [w.copy() for w in model.get_weights()]
    model.set_weights([w + 1 for w in kept])
    second = training.BestWeights(path)
    second.set_model(model)
    assert second.accuracy == 0.75
    assert [file.name for file in path.iterdir()] == [
        "accuracy-0.75.weights.h5"
    ]
    second.on_epoch_end(1, {"val_accuracy": 0.5})
    second.restore()
    for a, b in zip(model.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_label_smoothing(smoothing):
    """As Keras's own on one-hot labels."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6, 4)).astype("float32")
    labels = rng.integers(0, 4, 6)
    loss = training._SmoothedCrossEntropy(smoothing)
    expected = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing
    )(np.eye(4, dtype="float32")[labels], logits)
    np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-5)
    copy = training._SmoothedCrossEntropy.from_config(loss.get_config())
    assert copy.smoothing == smoothing


@pytest.mark.slow
def test_what_is_kept_is_the_average(tmp_path):
    """With a momentum near 1 it stays near the start."""
    moved = []
    for ema in (0.0, 0.999):
        keras.utils.set_random_seed(0)
        model = tiny_network()
        before = model.layers[1].kernel.numpy()
        recipe = recipes.Recipe(
            epochs=2, learning_rate=0.05, batch_size=10, ema=ema
        )
        training.train(model, batches(), recipe)
        moved.append(np.abs(model.layers[1].kernel.numpy() - before).max())
    assert moved[1] < 0.05 * moved[0]
