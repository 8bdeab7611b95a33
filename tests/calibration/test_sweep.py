import dataclasses
import functools
import gc
import weakref

import keras
import numpy as np
import pytest

from tests.support.convertible import (
    build,
    classify,
    conv,
    make_images,
    network,
)
from tfsnn import convert, progress
from tfsnn.calibration import (
    BiasCalibration,
    MaximumThreshold,
    MmseThreshold,
    PercentileThreshold,
    Pipeline,
    SweepConfig,
    WeightCalibration,
    fronts,
    sweep,
    visit,
)
from tfsnn.calibration.graphs import Graphs
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.calibration.pipelines import light, uncalibrated
from tfsnn.calibration.spike_store import FrontierStore
from tfsnn.errors import DataError
from tfsnn.types import NeuronParameters

layers = keras.layers
QUIET = SweepConfig(progress=False)
MANY = make_images(160)


@functools.cache
def conversion(name):
    return convert(build(name))


def run(name, timesteps, pipeline, images=None, **options):
    config = dataclasses.replace(QUIET, **options)
    images = make_images(24) if images is None else images
    return sweep.sweep(conversion(name), images, timesteps, pipeline, config)


def assert_equal_parameters(first, second):
    assert first.keys() == second.keys()
    for name in first:
        for field in dataclasses.fields(first[name]):
            a, b = (getattr(p[name], field.name) for p in (first, second))
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "name", ["relu_layers", "pre_activation", "concatenated", "two_outputs"]
)
def test_every_neuron_has_parameters_and_steps(name):
    parameters, steps = run(name, [2, 4], light(iterations=1))
    names = conversion(name).neuron_names
    for timesteps in (2, 4):
        assert list(parameters[timesteps]) == names
        of_t = [step for step in steps if step.timesteps == timesteps]
        assert [step.segment for step in of_t] == [
            n for n in names for _ in "12"
        ]


def test_nothing_is_accepted_that_raises_the_error():
    _, steps = run("pre_activation", [4], light(iterations=4))
    assert {step.accepted for step in steps} == {True, False}
    for step in steps:
        if step.error_before is None:
            assert step.strategy == "MmseThreshold"
            assert step.accepted
        else:
            assert step.accepted == (step.error_after <= step.error_before)


def test_errors_continue_from_what_was_accepted():
    _, steps = run("relu_layers", [4], light(iterations=4))
    error = None
    for step in steps:
        if step.error_before is None:
            error = None
        assert step.error_before == error
        if step.accepted:
            error = step.error_after


@dataclasses.dataclass(frozen=True)
class Worse:
    """Makes the neuron nearly silent."""

    sets_threshold = False

    def __call__(self, tap, parameters, timesteps):
        return parameters.replace(threshold=parameters.threshold * 100)


def test_a_worse_proposal_leaves_no_trace():
    first = MmseThreshold()
    with_it, steps = run("residual", [4], Pipeline("a", (first, Worse())))
    without, _ = run("residual", [4], Pipeline("b", (first,)))
    assert_equal_parameters(with_it[4], without[4])
    assert [s.accepted for s in steps if s.strategy == "Worse"] == [False] * 3


def test_a_rejected_step_is_not_tried_again():
    pipeline = Pipeline("a", (MmseThreshold(), Worse(), Worse()))
    _, steps = run("relu_layers", [4], pipeline)
    assert [s.strategy for s in steps] == ["MmseThreshold", "Worse"] * 2


@pytest.mark.parametrize("name", ["relu_layers", "pre_activation"])
def test_several_t_are_several_calls(name):
    together, _ = run(name, [2, 4], light())
    for timesteps in (2, 4):
        alone, _ = run(name, [timesteps], light())
        assert_equal_parameters(alone[timesteps], together[timesteps])


def test_several_t_are_several_calls_also_over_budget():
    """Steps of one T see fewer images than those of another."""
    second = PercentileThreshold(99.0)
    pipeline = Pipeline("two", (MaximumThreshold(), second))
    together, _ = run("relu_layers", [2, 8], pipeline, MANY, current_budget=0)
    alone, _ = run("relu_layers", [8], pipeline, MANY, current_budget=0)
    assert_equal_parameters(alone[8], together[8])


def test_each_neuron_has_its_own_lag():
    first, second, third = conversion("residual").neuron_names
    one, _ = run("residual", [4], light(), lag=2)
    each, _ = run("residual", [4], light(), lag={second: 2, third: 2})
    assert_equal_parameters(one[4], each[4])
    late, _ = run("residual", [4], light(), lag={third: 2})
    none, _ = run("residual", [4], light())
    for name in (first, second):
        np.testing.assert_array_equal(late[4][name].bias, none[4][name].bias)
    assert (late[4][third].bias != none[4][third].bias).any()


@pytest.mark.parametrize(
    ("lags", "counting"),
    # The first neuron's current is constant: its lag means nothing.
    [
        ((4, 4, 4), True),
        ((9, 4, 4), True),
        ((0, 4, 4), True),
        ((4, 0, 4), False),
    ],
)
def test_counts_say_everything_if_all_lags_are_t(monkeypatch, lags, counting):
    used = []
    for kind in ("CountingFront", "SpikingFront"):
        front = getattr(sweep, kind)
        monkeypatch.setattr(
            sweep,
            kind,
            lambda *a, f=front, **k: used.append(f.counting) or f(*a, **k),
        )
    names = conversion("residual").neuron_names
    lag = dict(zip(names, lags, strict=True))
    run("residual", [4], uncalibrated(), lag=lag)
    assert used == [counting]


@pytest.fixture
def stored(monkeypatch):
    """Everything a store was given, by source."""
    kept = {}
    put = FrontierStore.put

    def remember(self, name, batches):
        kept[name] = np.concatenate(batches, axis=-4)
        put(self, name, batches)

    monkeypatch.setattr(FrontierStore, "put", remember)
    return kept


def test_images_beyond_the_budget_are_emitted_alike(stored):
    run("residual", [8], uncalibrated(), MANY)
    large = dict(stored)
    run("residual", [8], uncalibrated(), MANY, current_budget=0)
    assert large.keys() == stored.keys()
    for name, train in stored.items():
        assert train.shape[-4] == 160
        np.testing.assert_array_equal(train, large[name])


def test_what_was_read_makes_room_for_what_is_emitted(monkeypatch):
    held, emit = {}, sweep.SpikingFront.emit

    def watched(self, segment, run, currents):
        def walk():
            for current in currents:
                held.setdefault(segment.name, []).append(self.num_bytes)
                yield current

        emit(self, segment, run, walk())

    monkeypatch.setattr(sweep.SpikingFront, "emit", watched)
    run("residual", [8], uncalibrated(), MANY)
    first, second, third = conversion("residual").neuron_names
    images, trains = held[first], held[second]
    assert np.all(np.diff(images) < 0)  # Read by the first alone.
    assert np.all(np.diff(trains) == 0)  # A shortcut still reads it.
    assert third not in held or np.all(np.diff(held[third]) < 0)


def test_currents_get_what_spikes_leave_of_the_budget(monkeypatch):
    budgets = []
    currents = visit.SegmentCurrents

    def watched(front, segment, affine, budget=0):
        budgets.append((front.num_bytes, budget))
        return currents(front, segment, affine, budget)

    monkeypatch.setattr(visit, "SegmentCurrents", watched)
    run("relu_layers", [8], uncalibrated(), MANY, current_budget=10**6)
    assert any(spikes > 0 for spikes, _ in budgets)
    for spikes, budget in budgets:
        assert budget == max(0, 10**6 - spikes)


@pytest.mark.parametrize(("budget", "count"), [(0, 128), (2**31, 160)])
def test_budget_bounds_what_is_measured(monkeypatch, budget, count):
    seen = set()
    measure = NeuronRun.mean_output
    rows = []

    def counted(self, current):
        outputs = measure(self, current)
        rows.append(len(outputs))
        return outputs

    monkeypatch.setattr(NeuronRun, "mean_output", counted)
    _, steps = run(
        "relu_layers", [8], uncalibrated(), MANY, current_budget=budget
    )
    seen.add(sum(rows) / len(steps))
    assert seen == {count}


@pytest.fixture
def convolved(monkeypatch):
    """Rows each segment's affine part computed, by name of the segment."""
    rows = {}

    def counting(segment):
        affine = fronts.compiled(segment)

        def current(*sources):
            outputs = affine(*sources)
            name = segment.name
            rows[name] = rows.get(name, 0) + len(outputs)
            return outputs

        return current

    monkeypatch.setattr(sweep, "compiled", counting)
    return rows


def test_each_segment_is_computed_once_an_image(convolved):
    run("residual", [8], light(iterations=2), MANY)
    first, second, third = conversion("residual").neuron_names
    temporal = 160 + 8 * 160  # The analog front and T steps.
    assert convolved[first] == 160 + 160
    assert convolved[second] == temporal
    assert convolved[third] == temporal


def test_without_budget_128_images_are_computed_again_a_step(convolved):
    _, steps = run("residual", [8], light(iterations=2), MANY, current_budget=0)
    _, second, _ = conversion("residual").neuron_names
    measured = sum(step.segment == second for step in steps)
    emitted = 160
    assert convolved[second] == 160 + 8 * (128 * measured + emitted)


def test_a_bias_step_takes_out_the_mean_error():
    """Flooring neurons answer theta / (2 T) too little on average."""
    model = network(lambda x: layers.ReLU(name="neuron")(conv(x)))
    converted = convert(model)
    threshold = MaximumThreshold("channel", initial_charge=0.0)
    images = np.abs(make_images(64))
    model.layers[1].kernel.assign(np.abs(model.layers[1].kernel))
    converted = convert(model)
    errors = []
    for steps in ((), (BiasCalibration(),)):
        pipeline = Pipeline("p", (threshold, *steps))
        parameters, _ = sweep.sweep(converted, images, [16], pipeline, QUIET)
        spiking = converted.spiking_model(16, parameters=parameters[16])
        error = np.asarray(model(images) - spiking(images))
        errors.append(np.abs(error.mean((0, 1, 2))).max())
    before, after = errors
    assert after < 0.1 * before


def test_lag_is_used_up_to_t():
    short, _ = run("residual", [2], light(), lag=8)
    same, _ = run("residual", [2], light(), lag=2)
    other, _ = run("residual", [2], light(), lag=0)
    assert_equal_parameters(short[2], same[2])
    last = conversion("residual").neuron_names[-1]
    assert np.any(short[2][last].bias != other[2][last].bias)


def test_hard_reset_is_calibrated_as_such():
    from tfsnn import ConversionConfig

    hard = convert(build("residual"), config=ConversionConfig(reset="hard"))
    _, steps = sweep.sweep(hard, make_images(24), [8], uncalibrated(), QUIET)
    _, soft = run("residual", [8], uncalibrated())
    assert steps[-1].error_after != soft[-1].error_after


def test_a_head_is_not_calibrated():
    parameters, _ = run("pooled_with_softmax", [4], uncalibrated())
    assert len(parameters[4]) == 2


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16"])
def test_other_precisions_are_calibrated(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network(
            lambda x: classify(layers.ReLU()(conv(layers.ReLU()(conv(x)))))
        )
    finally:
        keras.config.set_dtype_policy(before)
    parameters, steps = sweep.sweep(
        convert(model), make_images(24), [8], light(), QUIET
    )
    for values in parameters[8].values():
        assert values.threshold.dtype == np.float32
    # Eight steps are worth three bits.
    assert all(step.error_after < 0.2 for step in steps if step.accepted)


def test_junctions_beyond_the_budget_change_nothing(stored):
    parameters, steps = run("pre_activation", [4, 8], light())
    large = dict(stored)
    tight, again = run("pre_activation", [4, 8], light(), current_budget=0)
    for timesteps in (4, 8):
        assert_equal_parameters(tight[timesteps], parameters[timesteps])
    errors = [[step.error_after for step in s] for s in (steps, again)]
    assert errors[0] == errors[1]
    for name, train in stored.items():
        np.testing.assert_array_equal(train, large[name])


@pytest.mark.parametrize("budget", [0, 50_000, 2**31])
def test_live_junctions_of_all_t_stay_within_the_budget(monkeypatch, budget):
    held = {}
    put = FrontierStore.put_currents

    def watched(self, *arguments):
        put(self, *arguments)
        held[id(self)] = self
        assert sum(s.num_current_bytes for s in held.values()) <= budget

    monkeypatch.setattr(FrontierStore, "put_currents", watched)
    run("pre_activation", [2, 4], uncalibrated(), current_budget=budget)
    assert len(held) >= 2


def test_graphs_are_traced_once_a_shape_and_go_with_the_sweep(monkeypatch):
    made = []
    start = Graphs.__init__

    def remember(self):
        start(self)
        made.append(weakref.ref(self))

    monkeypatch.setattr(Graphs, "__init__", remember)
    run("residual", [4, 8], light())
    assert len(made) == 2  # One a T.
    gc.collect()
    assert not any(graphs() for graphs in made)


@pytest.mark.parametrize("scale", [0.0, 1e-9])
def test_a_silent_layer_has_a_plain_error(scale):
    """Its target is nothing: dividing by its mean square means nothing."""
    model = network(lambda x: classify(layers.ReLU()(conv(x))))
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([kernel * scale, np.zeros_like(bias)])

    pipeline = Pipeline("p", (Fixed(),))
    _, (step,) = sweep.sweep(
        convert(model), make_images(24), [4], pipeline, QUIET
    )
    # A charge of one threshold: one spike in four steps.
    assert step.error_after == pytest.approx(0.0625, rel=1e-6)


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A threshold of 1 that is charged already."""

    sets_threshold = True

    def __call__(self, tap, parameters, timesteps):
        return NeuronParameters(np.float32(1), np.float32(1))


def test_activations_that_are_not_finite_are_refused():
    model = network(lambda x: classify(layers.ReLU(name="neuron")(conv(x))))
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([np.full_like(kernel, 10), bias])
    converted = convert(model)
    images = np.full_like(make_images(24), 3e38)
    text = "Layer 'neuron' of the source answers .* NaN or infinite values"
    with pytest.raises(DataError, match=text):
        sweep.sweep(converted, images, [4], uncalibrated(), QUIET)


def test_a_segment_of_zeros():
    def function(x):
        x = layers.ReLU()(-layers.ReLU()(conv(x)))
        return classify(x)

    parameters, steps = sweep.sweep(
        convert(network(function)), make_images(24), [4], light(), QUIET
    )
    assert len(parameters[4]) == 2
    assert steps[-1].error_after == 0
    assert all(np.isfinite(step.error_after) for step in steps)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lag": -1}, "lag=-1. Supported: whole numbers, 0 and"),
        ({"lag": 0.5}, "lag=0.5"),
        ({"lag": "T"}, "lag='T'"),
        ({"lag": True}, "lag=True"),
        ({"lag": {"relu": -1}}, r"lag\['relu'\]=-1. Supported: whole numbers"),
        ({"lag": {"relu": None}}, r"lag\['relu'\]=None"),
        ({"held_out": 1}, "held_out=1. Supported: whole numbers, 2 to 16;"),
        ({"held_out": 17}, "held_out=17"),
        ({"current_budget": -1}, "current_budget=-1"),
        ({"current_budget": None}, "current_budget=None"),
    ],
)
def test_options_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        SweepConfig(**options)


@pytest.mark.parametrize(("shown", "lines"), [(True, 4), (None, 0), (False, 0)])
def test_progress(capsys, monkeypatch, shown, lines):
    monkeypatch.setattr(progress, "SECONDS_A_LINE", 0)
    run("relu_layers", [1, 2], uncalibrated(), progress=shown)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == lines  # Two neuron layers at two T.
    assert all(line.startswith("calibrating: ") for line in written)


@dataclasses.dataclass(frozen=True)
class Reweighted:
    """Multiplies the kernels and biases in front of every neuron."""

    sets_threshold = False
    factor: float

    def __call__(self, tap, parameters, timesteps):
        weights = {
            layer.name: tuple(self.factor * w for w in layer.get_weights())
            for layer in tap.view.segment.model.layers
            if layer.weights and layer.name not in tap.view.fixed_layers
        }
        return parameters.replace(weights=weights)


def test_new_weights_are_measured_emitted_and_carried_over():
    """Twice the weights with twice the thresholds: the same spikes."""
    converted = conversion("relu_layers")
    same = Pipeline("same", (MmseThreshold(), Reweighted(1.0)), guarded=False)
    parameters, steps = run("relu_layers", [4], same)
    plain, expected = run("relu_layers", [4], uncalibrated())
    after = [s.error_after for s in steps if s.strategy == "Reweighted"]
    assert after == [step.error_after for step in expected]
    zero = Pipeline("zero", (MmseThreshold(), Reweighted(0.0)), guarded=False)
    parameters, steps = run("relu_layers", [4], zero)
    model = converted.spiking_model(4, parameters=parameters[4])
    outputs = model(make_images(2)).numpy()
    np.testing.assert_array_equal(outputs[0], outputs[1])  # Nothing comes in.
    silent = [s.error_after for s in steps if s.strategy == "Reweighted"]
    assert silent == pytest.approx([1.0] * len(silent))
    source = converted.spiking_model(4, parameters=plain[4])(make_images(2))
    assert np.any(source[0] != source[1])  # The source's are as they were.


def test_a_guard_that_is_off_keeps_what_is_worse():
    first, worse = MmseThreshold(), Worse()
    pipeline = Pipeline("all", (first, worse), guarded=False)
    _, steps = run("residual", [4], pipeline)
    assert all(step.accepted for step in steps)
    assert any(
        step.error_after > step.error_before
        for step in steps
        if step.strategy == "Worse"
    )


@dataclasses.dataclass(frozen=True)
class Broken:
    """Proposes something that is no number."""

    sets_threshold = False

    def __call__(self, tap, parameters, timesteps):
        return parameters.replace(bias=np.float32(np.nan))


@pytest.mark.parametrize("guarded", [True, False])
def test_what_is_no_number_is_never_kept(guarded):
    pipeline = Pipeline("nan", (MmseThreshold(), Broken()), guarded=guarded)
    parameters, steps = run("residual", [4], pipeline)
    assert not any(s.accepted for s in steps if s.strategy == "Broken")
    assert all(values.bias is None for values in parameters[4].values())


@dataclasses.dataclass(frozen=True)
class Content:
    """Has nothing better than what there is."""

    sets_threshold = False

    def __call__(self, tap, parameters, timesteps):
        return parameters


def test_a_step_without_a_proposal_is_recorded_as_not_accepted():
    _, steps = run("residual", [4], Pipeline("p", (MmseThreshold(), Content())))
    content = [step for step in steps if step.strategy == "Content"]
    assert content
    for step in content:
        assert not step.accepted
        assert step.error_after == step.error_before


@pytest.mark.parametrize("place", [3, True, b"run", ["run"]])
def test_a_checkpoint_that_is_no_path_is_refused(place):
    with pytest.raises(TypeError, match="checkpoint=.*the path of a folder"):
        SweepConfig(checkpoint=place)


QUICK = WeightCalibration(
    iterations=40,
    batch_size=16,
    check_every=10,
    optimizer="adam",
    learning_rate=1e-2,
    rounding="neuron",
    train_bias=True,
)


@pytest.mark.parametrize(
    ("name", "lag"),
    [("residual", 0), ("pre_activation", 1), ("shared_relu", 4)],
)
def test_weights_are_trained_by_the_driver(name, lag):
    converted = conversion(name)
    before = converted.analog.get_weights()
    pipeline = Pipeline("trained", (MmseThreshold(), QUICK, BiasCalibration()))
    parameters, steps = run(name, [4], pipeline, MANY, lag=lag)
    assert any(s.accepted for s in steps if s.strategy == "WeightCalibration")
    for old, new in zip(before, converted.analog.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    # What the sweep measured last is what the whole model does.
    model = converted.spiking_model(4, lag=lag, parameters=parameters[4])
    last = converted.neuron_names[-1]
    analog = converted.analog.get_layer(last).output
    target = keras.Model(converted.analog.input, analog)(MANY[3::4])
    spiking = keras.Model(model.input, model.get_layer(last).output)
    train = np.reshape(spiking(MANY[3::4]), (4, *target.shape))
    error = np.square(train.mean(axis=0) - target).mean()
    error /= np.square(target).mean()
    accepted = [s for s in steps if s.segment == last and s.accepted]
    # Sums round differently: a neuron at a tie may fire once more.
    assert error == pytest.approx(accepted[-1].error_after, rel=1e-3)


@dataclasses.dataclass(frozen=True)
class Shifted:
    """Moves charge between the first step and the last."""

    sets_threshold = False
    charge: float

    def __call__(self, tap, parameters, timesteps):
        table = np.zeros((timesteps, tap.analog.shape[-1]), "float32")
        table[0], table[-1] = self.charge, -self.charge
        return parameters.replace(temporal_bias=table)


@pytest.mark.parametrize("charge", [-0.5, -0.01, 0.01, 0.5])
def test_a_temporal_bias_is_judged_at_every_step(charge):
    """Error and unevenness together must not grow."""
    pipeline = Pipeline("shift", (MmseThreshold(), Shifted(charge)))
    _, steps = run("residual", [4], pipeline, MANY)
    for step in steps:
        if step.strategy == "Shifted":
            before = step.error_before + step.unevenness_before
            after = step.error_after + step.unevenness_after
            assert step.accepted == (after <= before)
        else:
            assert step.unevenness_before is step.unevenness_after is None
