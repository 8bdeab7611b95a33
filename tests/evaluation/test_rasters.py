import keras
import numpy as np
import pytest

from tests.support.spiking_networks import (
    classifier,
    images,
    make_dyadic,
    spiking,
)
from tfsnn.evaluation import spike_rasters

T = 5


@pytest.fixture(scope="module")
def model():
    return spiking(make_dyadic(classifier()), timesteps=T)


def test_spikes_are_those_of_the_model(model):
    wanted = {"second": [0, 7, 19], "first": [3]}
    found = spike_rasters(model, images(2), neurons=wanted)
    assert [row["layer"] for row in found] == ["second", "first"]
    for row in found:
        layer = model.get_layer(row["layer"])
        train = np.asarray(keras.Model(model.input, layer.output)(images(1)))
        train = train.reshape(T, -1)[:, wanted[row["layer"]]]
        expected = {(int(n), int(t)) for t, n in np.argwhere(train)}
        assert {tuple(pair) for pair in row["spikes"]} == expected
        assert row["steps"] == T


def test_with_lags_steps_go_on():
    model = spiking(make_dyadic(classifier()), timesteps=T, lag=T)
    found = spike_rasters(model, images(1), neurons={"second": [*range(20)]})
    assert found[0]["steps"] == 2 * T
    assert min(step for _, step in found[0]["spikes"]) >= T


def test_a_few_layers_and_neurons_by_default(model):
    found = spike_rasters(model, images(1), num_steps=2)
    assert [row["layer"] for row in found] == ["first", "second"]
    assert len(found[0]["neurons"]) == 32
    assert len(found[1]["neurons"]) == 20
    assert max(step for row in found for _, step in row["spikes"]) <= 1


@pytest.mark.parametrize(
    ("neurons", "message"),
    [({"third": [0]}, "third"), ({"second": [20]}, r"second\[20\]")],
)
def test_neurons_that_are_not_there(model, neurons, message):
    with pytest.raises(ValueError, match=message):
        spike_rasters(model, images(1), neurons=neurons)
