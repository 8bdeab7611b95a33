"""Costs against a count that follows every spike along every connection."""

import json

import keras
import numpy as np
import pytest

from tests.support.kinds import EXTENDED
from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    spiking,
)
from tfsnn.conversion import with_unit_spikes
from tfsnn.evaluation import Evaluation, evaluate
from tfsnn.layers import SpikingActivation

layers = keras.layers
T, N = 4, 6
DATA = (images(N), np.arange(N) % 3)


def trains_of(model, timesteps=T):
    """Spikes of each neuron over all images and steps, `[...]`, not zero."""
    neurons = [x for x in model.layers if isinstance(x, SpikingActivation)]
    outputs = {layer.name: layer.output for layer in neurons}
    trains = keras.Model(model.input, outputs)(DATA[0])
    return {name: np.asarray(train) for name, train in trains.items()}


def counted(model):
    return {name: (t != 0).sum(0) for name, t in trains_of(model).items()}


def convolved(spikes, kernel_size, channels, stride=1, same=False):
    """Follows each spike to each output of a convolution, one by one."""
    height, width, _ = spikes.shape
    top, num_rows = _windows(height, kernel_size, stride, same)
    left, num_columns = _windows(width, kernel_size, stride, same)
    total = 0
    for row, column in np.ndindex(num_rows, num_columns):
        for i, j in np.ndindex(kernel_size, kernel_size):
            y, x = row * stride + i - top, column * stride + j - left
            if 0 <= y < height and 0 <= x < width:
                total += spikes[y, x].sum() * channels
    return int(total)


def _windows(length, size, stride, same):
    """Padding before the first window, and the number of windows."""
    if not same:
        return 0, (length - size) // stride + 1
    number = -(-length // stride)
    return max((number - 1) * stride + size - length, 0) // 2, number


def rows_of(evaluation):
    return {row.name: row for row in evaluation.cost.layers}


EXECUTIONS = {
    "folded": {"lag": 0},
    "stepping": {"lag": 1, "memory_budget": 1},
    "counts": {"lag": T},
}


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("unit", [False, True], ids=["threshold", "unit"])
def test_classifier(execution, unit):
    options = dict(EXECUTIONS[execution])
    model = spiking(
        make_dyadic(classifier()), timesteps=T, lag=options.pop("lag")
    )
    spikes = counted(model)
    model = with_unit_spikes(model) if unit else model
    record = evaluate(model, DATA, **options)
    assert record.execution == execution
    rows = rows_of(record)
    first, second, readout = rows["first"], rows["second"], rows["readout"]
    # 6x6x2 images, kernels 3x3: 4 then 5 channels, then 2x2x5 to 3 logits.
    assert first.analog_macs == first.macs == 4 * 4 * 9 * 2 * 4
    assert second.analog_macs == 2 * 2 * 9 * 4 * 5
    assert readout.analog_macs == 2 * 2 * 5 * 3
    assert second.macs == readout.macs == first.accumulates == 0
    assert second.accumulates * N == pytest.approx(
        convolved(spikes["first"], 3, 5)
    )
    assert readout.accumulates * N == pytest.approx(spikes["second"].sum() * 3)
    lag = EXECUTIONS[execution]["lag"]
    assert first.neuron_updates == 4 * 4 * 4 * T
    assert second.neuron_updates == 2 * 2 * 5 * (T + lag)
    assert readout.neuron_updates == 0


def shortcuts():
    """Padding, strides, a pool, a shortcut, a kernel behind a kernel."""
    image = keras.Input(IMAGE_SHAPE)
    x = layers.ReLU(name="one")(layers.Conv2D(3, 3, padding="same")(image))
    y = layers.Conv2D(3, 3, padding="same")(x)
    y = layers.ReLU(name="two")(layers.Add()([y, x]))
    z = layers.Conv2D(4, 3, strides=2, padding="same")(y)
    z = layers.ReLU(name="three")(z)
    pooled = layers.AveragePooling2D(3, strides=2, padding="same")(y)
    z = layers.Concatenate()([z, pooled])
    z = layers.DepthwiseConv2D(3, padding="same")(z)
    z = layers.Conv2D(2, 1)(z)
    z = layers.ReLU(name="four")(z)
    z = layers.GlobalAveragePooling2D()(z)
    return keras.Model(image, layers.Dense(3)(z), name="shortcuts")


def test_shortcuts_pools_and_kernels_behind_kernels():
    model = spiking(shortcuts(), timesteps=T)
    spikes = counted(model)
    rows = rows_of(evaluate(model, DATA))
    two = convolved(spikes["one"], 3, 3, same=True) + spikes["one"].sum()
    assert rows["two"].accumulates * N == pytest.approx(two)
    three = convolved(spikes["two"], 3, 4, stride=2, same=True)
    assert rows["three"].accumulates * N == pytest.approx(three)
    # Through the windows of the pool to a depthwise kernel of 3x3 pixels.
    windows = [slice(max(0, 2 * r), min(6, 2 * r + 3)) for r in range(3)]
    pooled = np.zeros((3, 3, 3))
    for r, c in np.ndindex(3, 3):
        pooled[r, c] = spikes["two"][windows[r], windows[c]].sum((0, 1))
    joined = np.concatenate([spikes["three"], pooled], axis=-1)
    four = rows["four"]
    assert four.accumulates * N == pytest.approx(
        convolved(joined, 3, 1, same=True)
    )
    # The pointwise kernel reads what the depthwise one makes: it multiplies.
    assert four.macs == T * 3 * 3 * 7 * 2
    depthwise = convolved(np.ones((3, 3, 7)), 3, 1, same=True)
    assert four.analog_macs == 3 * 3 * 7 * 2 + depthwise
    assert rows["readout"].accumulates * N == pytest.approx(
        spikes["four"].sum() * 3
    )


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_max_pools_count_all_that_may_pass(execution):
    options = dict(EXECUTIONS[execution])
    image = keras.Input(IMAGE_SHAPE)
    x = layers.ReLU(name="one")(layers.Conv2D(3, 3, padding="same")(image))
    x = layers.MaxPooling2D(2)(x)
    x = layers.ReLU(name="two")(layers.Conv2D(4, 1)(x))
    x = layers.Dense(3)(layers.GlobalMaxPooling2D()(x))
    model = spiking(
        make_dyadic(keras.Model(image, x)), timesteps=T, lag=options.pop("lag")
    )
    spikes = counted(model)
    record = evaluate(model, DATA, **options)
    assert record.execution == execution
    rows = rows_of(record)
    assert rows["two"].accumulates * N == pytest.approx(spikes["one"].sum() * 4)
    assert rows["readout"].accumulates * N == pytest.approx(
        spikes["two"].sum() * 3
    )
    assert rows["two"].macs == rows["readout"].macs == 0


def test_a_separable_convolution_is_two_kernels():
    image = keras.Input(IMAGE_SHAPE)
    x = layers.ReLU(name="one")(layers.Conv2D(3, 1)(image))
    x = layers.SeparableConv2D(5, 3, depth_multiplier=2)(x)
    x = layers.Flatten()(layers.ReLU(name="two")(x))
    model = spiking(keras.Model(image, layers.Dense(3)(x)), timesteps=T)
    row = rows_of(evaluate(model, DATA))["two"]
    one = counted(model)["one"]
    assert row.accumulates * N == pytest.approx(convolved(one, 3, 2))
    assert row.macs == T * 4 * 4 * 6 * 5
    assert row.analog_macs == 4 * 4 * 6 * 5 + 4 * 4 * 9 * 3 * 2


@pytest.mark.parametrize("kind", EXTENDED.values(), ids=EXTENDED)
def test_spikes_that_are_worth_more(kind):
    model = make_dyadic(classifier())
    lag = T if kind.needs_two_phase else None
    model = spiking(model, timesteps=T, kind=kind, lag=lag)
    trains = trains_of(model)
    record = evaluate(model, DATA)
    added = np.abs(trains["second"])
    if kind.needs_two_phase:  # A bit is one addition, whatever it is worth.
        added = added != 0
    assert rows_of(record)["readout"].accumulates * N == pytest.approx(
        added.sum() * 3
    )


def test_unknown_axes_have_no_cost():
    image = keras.Input((None, None, 2))
    x = layers.ReLU()(layers.Conv2D(3, 3)(image))
    x = layers.GlobalAveragePooling2D()(x)
    model = spiking(keras.Model(image, layers.Dense(3)(x)), timesteps=2)
    record = evaluate(model, DATA)
    assert record.cost is None
    assert record.activity[0].histogram is None
    assert record.activity[0].num_neurons == 4 * 4 * 3
    assert "energy" not in str(record)


def test_record_and_back():
    model = spiking(make_dyadic(classifier()), timesteps=T)
    record = evaluate(model, DATA)
    values = json.loads(record.to_json())
    assert Evaluation.from_dict(values) == record
    cost = values["cost"]
    assert cost["spiking"]["accumulates"] == record.cost.spiking.accumulates
    assert cost["energy"][0]["model"] == "45 nm, float32"
    assert len(cost["memory"]) == 2
    assert any(
        "energy of the ANN's" in line for line in str(record).split("\n")
    )


def test_a_plain_network_has_no_cost():
    record = evaluate(classifier(), DATA)
    assert record.cost is record.activity is None


# What SynapticOperations of neurobench 2.3 printed for the same network
# rebuilt in PyTorch, for the same images; mean over 4 images.
NEUROBENCH = {"Effective_ACs": 2407.5, "Effective_MACs": 6912.0}
NEUROBENCH_ANALOG = {"Effective_MACs": 1932.0}


def test_neurobench_counts_the_same():
    """It counts no zero weights and pixels, and the first layer every step."""
    network = classifier()
    rng = np.random.default_rng(0)
    weights = [rng.integers(-4, 5, w.shape) / 8 for w in network.get_weights()]
    network.set_weights([np.where(w == 0, 1 / 8, w) for w in weights])
    data = images(4)
    data[data == 0] = 1 / 8
    model = spiking(network, timesteps=6)
    cost = evaluate(model, (data, np.zeros(4, int))).cost
    assert cost.spiking.accumulates == NEUROBENCH["Effective_ACs"]
    assert 6 * cost.spiking.macs == NEUROBENCH["Effective_MACs"]
    assert cost.analog.macs == NEUROBENCH_ANALOG["Effective_MACs"]
