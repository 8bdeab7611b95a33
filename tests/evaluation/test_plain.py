"""Networks without time, up to their logits."""

import keras
import numpy as np
import pytest

from tests.support.spiking_networks import classifier, images
from tfsnn.evaluation.plain import PlainRunner, without_head

layers = keras.layers


def with_head(build):
    source = classifier()
    return source, keras.Model(source.input, build(source.output))


HEADS = {
    "softmax": layers.Softmax(),
    "sigmoid": layers.Activation("sigmoid"),
    "log": layers.Activation("log_softmax"),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_last_activation_is_left_out(head):
    source, model = with_head(head)
    logits = without_head(model)(images(2))
    np.testing.assert_array_equal(logits, source(images(2)))


def test_fused_activation_is_left_out():
    source, model = classifier(), classifier(head="softmax")
    model.set_weights(source.get_weights())
    logits = without_head(model)(images(2))
    np.testing.assert_array_equal(logits, source(images(2)))


@pytest.mark.parametrize("activation", ["linear", "gelu", "relu"])
def test_other_ends_stay(activation):
    # Of these, some change which output is largest.
    model = classifier(head=activation)
    assert without_head(model) is model


def test_unknown_graphs_stay():
    class Hidden(keras.Model):
        def call(self, inputs):
            return inputs

    model = Hidden()
    assert without_head(model) is model


def test_saturated_probabilities_do_not_tie():
    source, model = with_head(layers.Activation("sigmoid"))
    source.set_weights([w * 0 for w in source.get_weights()])
    source.layers[-1].bias.assign([90.0, 100.0, 95.0])
    assert len(set(np.asarray(model(images(1)))[0])) == 1
    np.testing.assert_array_equal(PlainRunner(model).predict(images(3)), 1)
