"""The network as a Keras model that remembers where it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.spiking_networks import (
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
)
from tfsnn.conversion.stepping_model import stepping_model

T = 5


@pytest.fixture(scope="module")
def folded():
    return spiking(make_dyadic(classifier()), timesteps=T)


def mean_of_steps(model, batch, num_steps=T):
    return sum(model(batch).numpy() for _ in range(num_steps)) / num_steps


def test_mean_of_the_steps_is_the_output(folded):
    model = stepping_model(folded, batch_size=2)
    assert isinstance(model, keras.Model)
    np.testing.assert_array_equal(
        mean_of_steps(model, images(2)), folded(images(2))
    )


def test_reset_starts_again(folded):
    model = stepping_model(folded)
    first = [model(images(1)).numpy() for _ in range(3)]
    model.reset_state()
    again = [model(images(1)).numpy() for _ in range(3)]
    np.testing.assert_array_equal(first, again)
    assert np.any(first[0] != first[1])


def test_reset_to_another_batch(folded):
    model = stepping_model(folded, batch_size=1)
    model(images(1))
    model.reset_state(3)
    np.testing.assert_array_equal(
        mean_of_steps(model, images(3)), folded(images(3))
    )


def test_compiled_steps(folded):
    model = stepping_model(folded, batch_size=2)
    step = tf.function(lambda batch: model(batch))
    np.testing.assert_array_equal(
        mean_of_steps(step, images(2)), folded(images(2))
    )


def test_several_readouts_with_lag():
    folded = spiking(make_dyadic(residual_network()), timesteps=T, lag=1)
    model = stepping_model(folded)
    steps = [[r.numpy() for r in model(images(1))] for _ in range(T + 4)]
    logits, _, early = (np.stack(part) for part in zip(*steps, strict=True))
    wanted = folded(images(1))
    np.testing.assert_array_equal(logits[4:].sum(axis=0) / T, wanted[0])
    np.testing.assert_array_equal(early[:T].sum(axis=0) / T, wanted[2])


def test_another_batch_is_refused(folded):
    model = stepping_model(folded, batch_size=2)
    with pytest.raises(ValueError, match="received 3 images.*reset_state"):
        model(images(3))


def test_batch_size_out_of_range(folded):
    with pytest.raises(ValueError, match="batch_size=0"):
        stepping_model(folded, batch_size=0)
    model = stepping_model(folded)
    with pytest.raises(ValueError, match="batch_size=-1"):
        model.reset_state(-1)
