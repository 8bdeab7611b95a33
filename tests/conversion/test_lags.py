import numpy as np
import pytest

from tests.support.convertible import build, make_images
from tests.support.networks import outputs_of
from tfsnn import convert
from tfsnn.conversion.lags import (
    check_lag_names,
    lag_of,
    lag_within,
    largest_lag,
)
from tfsnn.conversion.stepping import SteppingForm
from tfsnn.conversion.timetable import latency_steps
from tfsnn.types import NeuronParameters

SOME = {"a": 1, "b": 5}


@pytest.mark.parametrize(
    ("lag", "expected"), [(3, [3, 3, 3]), (SOME, [1, 5, 0]), ({}, [0, 0, 0])]
)
def test_lag_of(lag, expected):
    assert [lag_of(lag, name) for name in "abc"] == expected


@pytest.mark.parametrize(
    ("lag", "expected"), [(3, 3), (5, 4), (SOME, {"a": 1, "b": 4})]
)
def test_lag_within(lag, expected):
    assert lag_within(lag, 4) == expected


@pytest.mark.parametrize(("lag", "expected"), [(3, 3), (SOME, 5), ({}, 0)])
def test_largest_lag(lag, expected):
    assert largest_lag(lag) == expected


@pytest.mark.parametrize("lag", [None, 7, {}, SOME])
def test_names_that_exist(lag):
    check_lag_names(lag, ["a", "b", "c"])


def test_names_that_do_not_exist():
    text = r"no neuron of this network: \['b'\]. Supported: \['a', 'c'\]. Use"
    with pytest.raises(ValueError, match=text):
        check_lag_names(SOME, ["a", "c"])


def test_names_that_are_no_texts_are_refused_likewise():
    with pytest.raises(ValueError, match=r"no neuron.*: \[1, 'b'\]"):
        check_lag_names({"b": 1, 1: 2}, ["a"])


def spiking_model(lag):
    conversion = convert(build("residual"))
    parameters = {
        name: NeuronParameters(np.float32(0.75), np.float32(0.375))
        for name in conversion.neuron_names
    }
    return conversion.spiking_model(4, lag=lag, parameters=parameters)


def named(*lags):
    names = convert(build("residual")).neuron_names
    return dict(zip(names, lags, strict=True))


def test_each_neuron_has_its_own():
    """The first one's current is constant: it has none."""
    lag = named(3, 1, 2)
    model = spiking_model(lag)
    assert [model.get_layer(name).lag for name in lag] == [0, 1, 2]
    assert latency_steps(model) == 4 + 1 + 2


def test_the_others_have_none():
    first, second, third = named(0, 0, 0)
    model = spiking_model({second: 3})
    assert [model.get_layer(n).lag for n in (first, second, third)] == [0, 3, 0]


def test_one_for_all_is_the_same_for_each():
    images = make_images()
    (one,), (each,) = (
        outputs_of(spiking_model(lag), images) for lag in (2, named(2, 2, 2))
    )
    np.testing.assert_array_equal(one, each)


@pytest.mark.parametrize("lags", [(0, 3, 0), (0, 0, 2), (0, 1, 4)])
def test_stepping_waits_where_they_differ(lags):
    """The shortcut waits for a branch that is late."""
    model = spiking_model(named(*lags))
    images = make_images()
    (folded,) = outputs_of(model, images)
    stepped = np.asarray(SteppingForm(model).run(images))
    np.testing.assert_array_equal(stepped, folded)


@pytest.mark.parametrize(
    ("lag", "text"),
    [
        ({"x": 1}, r"lag names no neuron of this network: \['x'\]"),
        (named(0, 5, 0), "lag=5 with timesteps=4. Supported: a whole number"),
        (named(0, 1.5, 0), "lag=1.5 with timesteps=4"),
    ],
    ids=["name", "large", "fraction"],
)
def test_lags_that_do_not_fit_are_refused(lag, text):
    with pytest.raises(ValueError, match=text):
        spiking_model(lag)
