"""Training of one segment, against NumPy and on every kind of layer."""

import logging

import keras
import numpy as np
import pytest

from tests.support import segments
from tests.support.kinds import KINDS
from tests.support.segments import T, error_of, inputs_of, loss_of, neuron_of
from tfsnn.calibration.segment_training import train_segment
from tfsnn.calibration.training_options import TrainingOptions
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.types import NeuronParameters

layers = keras.layers
QUICK = {
    "iterations": 20,
    "batch_size": 4,
    "check_every": 5,
    "optimizer": "adam",
    "learning_rate": 1e-2,
    "rounding": "neuron",
}
HELD = slice(3, None, 4)
PLAIN = IntegrateAndFire()


def target_of(segment, inputs):
    """What larger weights would give: the present ones are not the best."""
    current = segments.current_of(segment, inputs)
    return np.maximum(1.5 * current, 0).astype("float32")


def train(
    segment,
    inputs,
    target,
    parameters,
    *,
    kind=PLAIN,
    fixed=frozenset(),
    **options,
):
    return train_segment(
        segment,
        (inputs, target),
        parameters,
        T,
        kind=kind,
        options=TrainingOptions(**{**QUICK, **options}),
        fixed=fixed,
    )


def problem(segment, per="channel", count=16):
    """Arguments of `train` for a segment."""
    inputs = inputs_of(segment, count)
    target = target_of(segment, inputs)
    return segment, inputs, target, neuron_of(target, per)


def dense():
    """A dense layer whose currents are positive: most neurons answer."""
    segment = segments.segment(layers.Dense(3, name="dense"), shapes=[(5,)])
    model = segment.model
    model.set_weights([np.abs(values) for values in model.get_weights()])
    return segment


def held_out_loss(segment, inputs, target, parameters, **options):
    inputs = [values[HELD] for values in inputs]
    return loss_of(segment, inputs, target[HELD], parameters, **options)


def two_kernels():
    return segments.segment(
        layers.Conv2D(3, 3, padding="same"),
        layers.Conv2D(3, 1, strides=2, use_bias=False),
        shapes=[(4, 4, 2), (8, 8, 2)],
    )


def identity_shortcut():
    return segments.segment(
        layers.Conv2D(3, 3, padding="same"),
        layers.Activation("linear"),
        shapes=[(4, 4, 2), (4, 4, 3)],
    )


SEGMENTS = {
    "conv": segments.conv,
    "conv, no bias": lambda: segments.conv(use_bias=False),
    "conv 1d": lambda: segments.segment(layers.Conv1D(3, 2), shapes=[(6, 2)]),
    "conv 3d": lambda: segments.segment(
        layers.Conv3D(3, 2), shapes=[(3, 3, 3, 2)]
    ),
    "depthwise": lambda: segments.segment(layers.DepthwiseConv2D(3)),
    "grouped": lambda: segments.segment(layers.Conv2D(4, 3, groups=2)),
    "separable": lambda: segments.segment(layers.SeparableConv2D(3, 3)),
    "transposed": lambda: segments.segment(
        layers.Conv2DTranspose(3, 2, strides=2)
    ),
    "dense": dense,
    "einsum": lambda: segments.segment(
        layers.EinsumDense("bhwc,cd->bhwd", (4, 4, 3), bias_axes="d")
    ),
    "two kernels": two_kernels,
    "identity shortcut": identity_shortcut,
}


@pytest.fixture(params=SEGMENTS, scope="module")
def trained(request):
    """Arguments of a training, the segment's weights before, the result."""
    arguments = problem(SEGMENTS[request.param]())
    weights = arguments[0].model.get_weights()
    return arguments, weights, train(*arguments)


def test_every_layer_gets_better(trained):
    (*rest, before), _, got = trained
    assert held_out_loss(*rest, got) < held_out_loss(*rest, before)


def loss_of_kind(kind, segment, inputs, target, parameters):
    """Of the levels that a kind counts, on the images not trained on."""
    current = segments.current_of(segment, inputs, parameters)
    threshold = parameters.threshold
    counts = kind.count(
        parameters.initial_potential / threshold,
        current / threshold,
        T,
        constant=False,
    )
    levels = kind.quantiser(T).levels_per_threshold
    output = np.asarray(counts) * threshold / levels
    return np.square(output - target)[HELD].mean()


def of_kind(kind, parameters):
    """A neuron that sends as much at most, and rounds."""
    threshold = kind.quantiser(T).threshold(parameters.threshold)
    potential = threshold * np.float32(kind.rounding_charge(T))
    return NeuronParameters(threshold, potential)


every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
def test_every_kind_gets_better(kind):
    segment, inputs, target, parameters = problem(segments.conv())
    parameters = of_kind(kind, parameters)
    got = train(
        *(segment, inputs, target, parameters),
        kind=kind,
        train_threshold=True,
        drop_quantiser=0.25,
    )
    before, after = (
        loss_of_kind(kind, segment, inputs, target, p)
        for p in (parameters, got)
    )
    assert after < before


def test_the_segment_is_untouched(trained):
    (segment, *_), before, got = trained
    assert got.weights
    for now, then in zip(segment.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_all_kernels_of_a_sum_are_trained():
    segment = two_kernels()
    got = train(*problem(segment)).weights
    convolutions = [layer for layer in segment.model.layers if layer.weights]
    assert set(got) == {layer.name for layer in convolutions}
    for layer in convolutions:
        assert (got[layer.name][0] != layer.get_weights()[0]).all()


def test_biases_of_layers_stay():
    segment = segments.conv()
    (got,) = train(*problem(segment)).weights.values()
    np.testing.assert_array_equal(got[1], segment.model.get_weights()[1])


def test_a_known_optimum_is_found():
    """Targets come from the weights doubled: nothing else to learn."""
    segment = segments.conv(use_bias=False)
    inputs = inputs_of(segment, count=64)
    target = np.maximum(2 * segments.current_of(segment, inputs), 0)
    parameters = neuron_of(target)
    best = parameters.replace(
        weights={"conv": (2 * segment.model.get_weights()[0],)}
    )
    got = train(segment, inputs, target, parameters, iterations=300)
    losses = [
        held_out_loss(segment, inputs, target, p) for p in (parameters, got)
    ]
    optimum = held_out_loss(segment, inputs, target, best)
    # What is left is what T levels cannot hold.
    assert losses[1] < optimum + 0.1 * (losses[0] - optimum)


def gradients(segment, inputs, target, parameters, rounding, kind=PLAIN):
    """Of kernel, bias and log threshold, in NumPy, for one dense layer."""
    (x,) = (values.astype("float64") for values in inputs)
    theta = parameters.threshold.astype("float64")
    ratio = 0.5 if rounding == "neuron" else 0.0
    current = segments.current_of(segment, inputs, parameters)
    quantiser = kind.quantiser(T)
    levels = quantiser.levels_per_threshold
    floor = np.floor(levels * current / theta + ratio)
    inside = (floor >= 0) & (floor <= quantiser.num_levels)
    q = theta / levels * np.clip(floor, 0, quantiser.num_levels)
    upstream = 2 * (q - target) / len(x)
    through = upstream * inside
    scale = (upstream * (q - inside * current)).sum(axis=0)
    return x.T @ through, through.sum(axis=0), scale


@every_kind
@pytest.mark.parametrize("rounding", ["floor", "neuron"])
def test_one_step_follows_the_gradient(rounding, kind):
    # With many images even one step helps on those held out.
    segment, inputs, target, parameters = problem(dense(), count=400)
    parameters = of_kind(kind, parameters)
    parameters = parameters.replace(bias=np.float32([0.1, -0.1, 0.2]))
    rate = 1e-2
    got = train(
        segment,
        inputs,
        target,
        parameters,
        iterations=1,
        batch_size=300,  # All but the quarter held out.
        optimizer="sgd",
        learning_rate=rate,
        rounding=rounding,
        kind=kind,
        train_bias=True,
        train_threshold=True,
    )
    trained = np.arange(len(target)) % 4 != 3
    kernel, bias, scale = gradients(
        segment,
        [values[trained] for values in inputs],
        target[trained],
        parameters,
        rounding,
        kind,
    )
    before = segment.model.get_weights()[0]
    # Differences of float32 numbers near 1 hold about 1e-7.
    np.testing.assert_allclose(
        got.weights["dense"][0], before - rate * kernel, rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(
        got.bias, parameters.bias - rate * bias, rtol=0, atol=1e-6
    )
    factor = np.exp(-rate * scale)
    np.testing.assert_allclose(
        got.threshold, parameters.threshold * factor, rtol=1e-6
    )
    np.testing.assert_allclose(
        got.initial_potential,
        parameters.initial_potential * factor,
        rtol=1e-6,
    )


def test_momentum_carries_the_first_step_on():
    segment, inputs, target, parameters = problem(dense(), count=400)
    options = {"optimizer": "sgd", "iterations": 2, "batch_size": 300}
    got = [
        train(
            *(segment, inputs, target, parameters),
            learning_rate=1e-2,
            momentum=momentum,
            check_every=2,
            **options,
        ).weights["dense"][0]
        for momentum in (0.0, 0.5)
    ]
    (x, kept) = inputs[0], np.arange(len(target)) % 4 != 3
    kernel, _, _ = gradients(
        segment, [x[kept]], target[kept], parameters, "neuron"
    )
    # The second step adds half of the first; the rest is equal.
    np.testing.assert_allclose(
        got[1] - got[0], -0.5e-2 * kernel, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("per", ["layer", "channel"])
def test_thresholds_keep_their_shape(per):
    arguments = problem(segments.conv(), per)
    got = train(*arguments, train_threshold=True)
    before = arguments[-1]
    assert got.threshold.shape == before.threshold.shape
    assert (got.threshold != before.threshold).any()
    np.testing.assert_allclose(
        got.initial_potential / got.threshold, 0.5, rtol=1e-6
    )


def test_only_kernels_are_trained_by_default():
    arguments = problem(segments.conv())
    got, before = train(*arguments), arguments[-1]
    assert got.threshold is before.threshold
    assert got.initial_potential is before.initial_potential
    assert got.bias is None


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_zero_weights_stay_zero(optimizer):
    segment = segments.conv()
    kernel, bias = segment.model.get_weights()
    kernel[np.random.default_rng(0).random(kernel.shape) < 0.5] = 0
    segment.model.set_weights([kernel, bias])
    got = train(
        *problem(segment),
        optimizer=optimizer,
        weight_penalty=0.1,
        train_bias=True,
    )
    trained = got.weights["conv"][0]
    np.testing.assert_array_equal(trained[kernel == 0], 0)
    assert (trained != kernel)[kernel != 0].all()


def test_training_goes_on_from_the_weights_of_the_parameters():
    arguments = problem(segments.conv())
    first = train(*arguments)
    second = train(*arguments[:-1], first)
    *rest, before = arguments
    losses = [held_out_loss(*rest, p) for p in (before, first, second)]
    assert losses[0] > losses[1] > losses[2]


def test_the_bias_counts():
    """A bias that is right already leaves nothing to find."""
    segment = segments.conv(use_bias=False)
    inputs = inputs_of(segment)
    parameters = NeuronParameters(
        np.float32(4), np.float32(2), np.float32([1, 2, 3])
    )
    error = error_of(segment, inputs, 0.0, parameters)
    target = np.sqrt(error).astype("float32")
    assert train(segment, inputs, target, parameters) is parameters


def test_a_penalty_keeps_weights_near():
    segment = segments.conv()
    arguments = problem(segment)
    before = segment.model.get_weights()[0]
    free, bound = (
        np.square(
            train(*arguments, weight_penalty=p).weights["conv"][0] - before
        )
        for p in (0.0, 1e3)
    )
    assert bound.sum() < 0.5 * free.sum()


def test_dropping_the_quantiser_changes_the_path():
    arguments = problem(segments.conv())
    plain, dropped, other = (
        train(*arguments, **options).weights["conv"][0]
        for options in (
            {},
            {"drop_quantiser": 0.5},
            {"drop_quantiser": 1.0},
        )
    )
    assert (plain != dropped).any()
    assert (dropped != other).any()


@pytest.mark.parametrize(
    "options",
    [{}, {"drop_quantiser": 0.5, "train_threshold": True, "train_bias": True}],
    ids=["plain", "everything"],
)
def test_a_seed_gives_the_same_bits(options):
    arguments = problem(segments.conv())
    first, second = (train(*arguments, **options, seed=7) for _ in range(2))
    for a, b in zip(first.weights["conv"], second.weights["conv"], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(first.threshold, second.threshold)
    other = train(*arguments, **options, seed=8)
    assert (other.weights["conv"][0] != first.weights["conv"][0]).any()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_divergence_keeps_the_parameters_and_warns(caplog, optimizer):
    arguments = problem(segments.conv())
    with caplog.at_level(logging.WARNING, logger="absl"):
        got = train(*arguments, optimizer=optimizer, learning_rate=1e6)
    assert got is arguments[-1]
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(
        "Weight calibration of layer 'relu' diverged at learning_rate=1e+06"
    )


def test_inputs_that_are_not_finite_are_divergence(caplog):
    segment, (x,), target, parameters = problem(segments.conv())
    x[3] = np.nan  # A watched image.
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert train(segment, [x], target, parameters) is parameters
    assert "went from nan to nan" in caplog.text


def test_what_was_best_before_a_divergence_is_kept(caplog):
    segment, (x,), target, parameters = problem(segments.conv())
    x[0] = np.inf  # A trained image, not in the first batch of this seed.
    with caplog.at_level(logging.WARNING, logger="absl"):
        got = train(
            *(segment, [x], target, parameters), batch_size=1, check_every=1
        )
    assert "to nan" in caplog.text
    arguments = segment, [x], target
    assert held_out_loss(*arguments, got) < held_out_loss(
        *arguments, parameters
    )


def test_weights_that_are_not_finite_are_not_kept(caplog):
    """Infinite weights would saturate all neurons, as the target asks for."""
    segment, inputs, target, parameters = problem(segments.conv())
    target[...] = 1e3
    with caplog.at_level(logging.WARNING, logger="absl"):
        got = train(
            *(segment, inputs, target, parameters),
            optimizer="sgd",
            learning_rate=1e37,
        )
    assert got is parameters
    assert "to nan" in caplog.text


def test_only_images_that_are_not_trained_on_decide():
    segment, inputs, target, parameters = problem(segments.conv())
    # At the start the answers on these are right.
    now = error_of(segment, inputs, 0.0, parameters)
    target[HELD] = np.sqrt(now)[HELD]
    assert train(segment, inputs, target, parameters) is parameters


def test_nothing_better_gives_the_parameters_back():
    arguments = problem(segments.conv())
    best = train(*arguments, iterations=200)
    # A rate below the last bit of every weight.
    assert train(*arguments[:-1], best, learning_rate=1e-30) is best


def test_training_stops_without_gain(capsys):
    arguments = problem(segments.conv())
    train(
        *arguments,
        learning_rate=1e-30,
        check_every=1,
        patience=3,
        iterations=10**9,  # Would take days.
    )
    assert capsys.readouterr().err == ""


def test_progress_is_shown_when_asked(capsys, monkeypatch):
    monkeypatch.setattr("tfsnn.progress.SECONDS_A_LINE", 0.0)
    train(*problem(segments.conv()), iterations=2, progress=True)
    assert "training relu: 2 of 2 steps" in capsys.readouterr().err


def test_a_segment_without_kernel_gives_the_parameters_back():
    segment = segments.segment(layers.AveragePooling2D(2))
    arguments = problem(segment)
    assert train(*arguments, train_bias=True) is arguments[-1]


def test_a_fixed_layer_stays():
    segment = two_kernels()
    first, second = [lay.name for lay in segment.model.layers if lay.weights]
    got = train(*problem(segment), fixed=frozenset({first}))
    assert set(got.weights) == {second}


def test_only_fixed_layers_give_the_parameters_back():
    arguments = problem(segments.conv())
    got = train(*arguments, fixed=frozenset({"conv"}), train_bias=True)
    assert got is arguments[-1]


def dead_channel(target):
    target[..., 1] = 0


def constant(target):
    target[...] = target[:1]


def silent(target):
    target[...] = 0


def saturated(target):
    target[...] = 1e3


def tiny(target):
    target *= 1e-30


@pytest.mark.parametrize(
    "change", [dead_channel, constant, silent, saturated, tiny]
)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_odd_layers_give_finite_results(change, optimizer):
    segment, inputs, target, _ = problem(segments.conv())
    change(target)
    parameters = neuron_of(target)
    got = train(
        *(segment, inputs, target, parameters),
        optimizer=optimizer,
        learning_rate=1e-4,
        train_bias=True,
        train_threshold=True,
    )
    before = held_out_loss(segment, inputs, target, parameters)
    assert held_out_loss(segment, inputs, target, got) <= before
    assert (got.threshold > 0).all()
    weights = {} if got is parameters else got.weights
    for values in (got.threshold, *weights.get("conv", ())):
        assert np.isfinite(values).all()


def test_currents_that_are_all_negative_leave_nothing_to_train():
    segment = segments.conv()
    inputs = inputs_of(segment)
    parameters = NeuronParameters(
        np.float32(1), np.float32(0.5), bias=np.float32(-1e3)
    )
    target = np.zeros((16, 4, 4, 3), "float32")
    assert train(segment, inputs, target, parameters) is parameters


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_images_are_enough(count):
    segment = segments.conv()
    inputs = inputs_of(segment, count)
    target = target_of(segment, inputs)
    parameters = neuron_of(target)
    got = train(segment, inputs, target, parameters, batch_size=32)
    assert np.isfinite(got.weights["conv"][0]).all()


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_other_dtypes_train(dtype):
    segment = segments.conv(dtype=dtype)
    inputs = inputs_of(segment)
    target = target_of(segment, inputs)
    got = train(segment, inputs, target, neuron_of(target))
    expected = segment.model.get_layer("conv").get_weights()
    for values, before in zip(got.weights["conv"], expected, strict=True):
        assert values.dtype == before.dtype
