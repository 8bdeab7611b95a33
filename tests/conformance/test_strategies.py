"""Every strategy, with everything a proposal must keep."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from tests.support.kinds import EXTENDED, KINDS
from tests.support.segment_views import view_of
from tfsnn.baselines import LocalBalancing, ShiftedThreshold
from tfsnn.calibration import (
    AveragedThreshold,
    BiasCalibration,
    GaussianThreshold,
    MaximumThreshold,
    MmseThreshold,
    PercentileThreshold,
    PotentialCalibration,
    Tap,
    TemporalBiasCalibration,
    ThresholdSearch,
)
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.calibration.strategy import describe
from tfsnn.types import NeuronParameters, granularity_of

T = 8
FEATURES = (4, 4, 3)
STRATEGIES = {
    "maximum, layer": MaximumThreshold("layer"),
    "maximum, channel": MaximumThreshold("channel"),
    "percentile, layer": PercentileThreshold(99.0, "layer"),
    "percentile, channel": PercentileThreshold(99.9, "channel"),
    "mmse, layer, floor": MmseThreshold("layer", "floor", 10),
    "mmse, layer, round": MmseThreshold("layer", "round", 10),
    "mmse, channel, floor": MmseThreshold("channel", "floor", 10, 0.0),
    "mmse, channel, round": MmseThreshold("channel", "round", 10),
    "gaussian, layer, floor": GaussianThreshold("layer", "floor", 0.0),
    "gaussian, channel, round": GaussianThreshold(),
    "averaged": AveragedThreshold(3),
    "shifted": ShiftedThreshold(),
    "local balancing, layer": LocalBalancing(50, 4, per="layer"),
    "local balancing, channel": LocalBalancing(50, 4),
    "bias": BiasCalibration(),
    "bias, damped": BiasCalibration(0.25),
    "potential, channel": PotentialCalibration(),
    "potential, neuron, damped": PotentialCalibration("neuron", 0.5),
    "temporal bias": TemporalBiasCalibration(2),
    "threshold search": ThresholdSearch((0.5, 1.0, 2.0), (0.0, 0.5)),
}


def plain():
    values = np.random.default_rng(0).normal(size=(16, *FEATURES))
    return np.maximum(values, 0)


def dead_channel():
    return plain() * [1, 0, 1]


def constant_channel():
    values = plain()
    values[..., 1] = 0.75
    return values


def one_channel():
    return plain()[..., :1]


# Target activations; a layer whose currents are all negative has only zeros.
DATA = {
    "plain": plain,
    "zero (all currents negative)": lambda: np.zeros_like(plain()),
    "one dead channel": dead_channel,
    "one constant channel": constant_channel,
    "saturated": lambda: plain() + 1e3,
    "tiny": lambda: plain() * 1e-30,
    "large": lambda: plain() * 1e30,
    "one channel": one_channel,
    "vectors": lambda: plain()[:, 0, 0],
}


def before(analog, kind=KINDS["if"]):
    """Thresholds that clip the larger half; they round."""
    largest = np.full(analog.shape[-1:], analog.max() / 2 + 1e-3, "float32")
    threshold = kind.quantiser(T).threshold(largest).astype("float32")
    potential = threshold * np.float32(kind.rounding_charge(T))
    return NeuronParameters(threshold, potential)


def spiking_of(analog, parameters, kind=KINDS["if"]):
    options = {"timesteps": T, "lag": T, "kind": kind, "constant": True}
    run = NeuronRun(parameters, **options)
    return run.mean_output(tf.constant(analog)).numpy()


def tap_of(analog, parameters, kind=KINDS["if"]):
    spiking = spiking_of(analog, parameters, kind)
    spiking.flags.writeable = False
    view = view_of([analog], constant=True, kind=kind)
    return Tap(analog, spiking, view=view)


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return STRATEGIES[request.param]


@pytest.fixture(params=DATA)
def analog(request):
    values = DATA[request.param]().astype("float32")
    values.flags.writeable = False
    return values


@pytest.fixture
def parameters(analog):
    return before(analog)


@pytest.fixture
def tap(analog, parameters):
    return tap_of(analog, parameters)


def arrays(parameters):
    values = dataclasses.asdict(parameters).values()
    return [value for value in values if value is not None]


def test_proposals_are_finite_float32_of_a_known_shape(
    strategy, tap, parameters
):
    proposal = strategy(tap, parameters, T)
    features = tap.analog.shape[1:]
    assert proposal.is_finite()
    for values in arrays(proposal):
        assert np.asarray(values).dtype == np.float32
    if proposal.temporal_bias is not None:
        assert proposal.temporal_bias.shape == (T, features[-1])
    for values in arrays(proposal.replace(temporal_bias=None)):
        granularity_of(values, features)
    assert (proposal.threshold > 0).all()


def test_nothing_that_came_in_is_changed(strategy, tap, parameters):
    copies = [np.copy(values) for values in arrays(parameters)]
    for values in arrays(parameters):
        values.flags.writeable = False  # Whoever writes raises.
    strategy(tap, parameters, T)
    for values, copy in zip(arrays(parameters), copies, strict=True):
        np.testing.assert_array_equal(values, copy)


def test_a_second_proposal_is_the_same(strategy, tap, parameters):
    first, second = (strategy(tap, parameters, T) for _ in range(2))
    for a, b in zip(arrays(first), arrays(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_neuron_runs_with_a_proposal(strategy, tap, parameters):
    proposal = strategy(tap, parameters, T)
    outputs = spiking_of(tap.analog, proposal)
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()


PAIRS = [
    pytest.param(STRATEGIES[name], kind, id=f"{name}, {kind.name}")
    for name in STRATEGIES
    for kind in EXTENDED.values()
]


@pytest.mark.parametrize(("strategy", "kind"), PAIRS)
def test_every_kind_that_is_not_refused(strategy, kind):
    """A finite proposal of a known shape, the same again, no worse by far."""
    ask = getattr(strategy, "refusal", lambda kind: None)
    if ask(kind) is not None:
        assert "supported: 'if'" in ask(kind)
        return
    analog = plain().astype("float32")
    parameters = before(analog, kind)
    tap = tap_of(analog, parameters, kind)
    first, second = (strategy(tap, parameters, T) for _ in range(2))
    for a, b in zip(arrays(first), arrays(second), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)
    for values in arrays(first.replace(temporal_bias=None)):
        granularity_of(values, FEATURES)
    found = spiking_of(analog, first, kind)
    errors = [np.square(values - analog).mean() for values in (found, 0)]
    assert errors[0] < 0.1 * errors[1]  # Of eight steps or more levels.


@pytest.mark.parametrize("timesteps", [1, 64])
def test_any_number_of_steps(strategy, timesteps):
    values = plain().astype("float32")
    tap = Tap(values, values, view=view_of([values], constant=True))
    proposal = strategy(tap, before(values), timesteps)
    assert np.isfinite(proposal.threshold).all()


def test_the_first_step_needs_no_parameters(strategy):
    if strategy.sets_threshold:
        tap = Tap(plain().astype("float32"), None)
        shifted = isinstance(strategy, AveragedThreshold | ShiftedThreshold)
        assert (strategy(tap, None, T).bias is not None) == shifted


def test_describes_itself(strategy):
    row = describe(strategy)
    assert row.pop("name") == type(strategy).__name__
    assert json.loads(json.dumps(row)) == row
    assert type(strategy)(**row) == strategy


def test_is_frozen_and_hashable(strategy):
    assert hash(strategy) == hash(dataclasses.replace(strategy))
    field = dataclasses.fields(strategy)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError, match=field):
        setattr(strategy, field, None)
