import keras
import numpy as np
import pytest

from tests.support.spiking_networks import classifier, images, spiking
from tfsnn.conversion import convert
from tfsnn.evaluation import neuron_samples, threshold_curves
from tfsnn.evaluation.neuron_figures import chosen
from tfsnn.types import NeuronParameters


def test_a_few_of_many():
    assert chosen(list("abcdefg")) == ["a", "d", "g"]
    assert chosen(["a", "b"]) == ["a", "b"]
    assert chosen(["a"]) == ["a"]


def test_thresholds_of_three_criteria():
    network = classifier()
    curves = threshold_curves(network, images(8), timesteps=(2, 64, 1024))
    assert [curve["layer"] for curve in curves] == ["first", "second"]
    source = convert(network).analog
    tap = source.get_layer("second").output
    values = np.asarray(keras.Model(source.input, tap)(images(8)))
    second = curves[1]
    assert second["maximum"] == pytest.approx(values.max(), rel=1e-6)
    assert second["percentile"] == pytest.approx(
        np.percentile(values, 99.9), rel=1e-6
    )
    few, more, many = second["mmse"]
    assert few < more <= many <= second["maximum"] * (1 + 1e-6)


def test_samples_are_middle_channels():
    values = np.array([3.0, 1.0, 2.0, 9.0, 2.5], "float32")
    parameters = NeuronParameters(values, values / 2, bias=values / 10)
    model = spiking(
        classifier(), timesteps=4, parameters={"second": parameters}
    )
    first, second = neuron_samples(model)
    assert (first["channel"], first["threshold"]) == (None, 1.0)
    assert (second["channel"], second["threshold"]) == (4, 2.5)
    assert second["initial_potential"] == pytest.approx(1.25)
    assert second["bias"] == pytest.approx(0.25)
    assert (second["levels"], second["levels_per_threshold"]) == (4, 4)
