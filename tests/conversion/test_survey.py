import json

import keras
import pytest

from tests.support.convertible import build, classify, conv, network
from tfsnn import ConversionConfig, convert, survey
from tfsnn.conversion import survey_text
from tfsnn.conversion.estimate import estimate
from tfsnn.dynamics import Burst, IntegrateAndFire
from tfsnn.graph import trace
from tfsnn.graph.passes import prepare

layers = keras.layers


def everything(x):
    x = layers.BatchNormalization(name="norm")(conv(x, name="stem"))
    x = layers.ReLU(name="first")(x)
    x = layers.Dropout(0.5, name="drop")(layers.MaxPooling2D(2, name="pool")(x))
    y = layers.BatchNormalization(name="alone")(x)
    x = layers.Add(name="sum")([layers.ReLU(name="second")(y), x])
    x = conv(x, activation="relu", name="fused")
    return layers.Softmax(name="head")(classify(x))


def fates(found):
    return {row.name: (row.fate, row.into) for row in found.operations}


@pytest.fixture(scope="module", name="model")
def make_model():
    return network(everything)


def test_what_becomes_of_every_operation(model):
    assert fates(survey(model)) == {
        "stem": ("kept affine", ""),
        "norm": ("folded", "stem"),
        "first": ("neuron", ""),
        "pool": ("spiking pool", ""),
        "drop": ("removed", ""),
        "alone": ("folded", "alone_affine"),
        "second": ("neuron", ""),
        "sum": ("kept affine", ""),
        "fused": ("kept affine", "fused_relu"),
        model.layers[-3].name: ("kept affine", ""),
        "classes": ("kept affine", ""),
        "head": ("applied at the end", ""),
    }


def test_segments_and_counts(model):
    found = survey(model)
    rows = {row.name: row for row in found.segments}
    names = ["first", "pool", "second", "fused_relu", "readout"]
    assert list(rows) == names
    assert rows["pool"].role == "junction"
    assert rows["first"].num_neurons == 6 * 6 * 3
    assert rows["second"].sources == ("pool",)
    assert rows["fused_relu"].sources == ("pool", "second")
    assert found.num_neurons == 108 + 27 + 27
    assert found.num_parameters == model.count_params()


def test_average_pools_come_with_a_warning(model):
    found = survey(model, config=ConversionConfig(max_pool="average"))
    assert fates(found)["pool"] == ("average pool", "")
    (warning,) = found.findings.warnings
    assert "the accuracy may change" in warning.reason
    assert "warning: 'pool' (MaxPooling2D)" in survey_text(found)


def test_refused_pools(model):
    found = survey(model, config=ConversionConfig(max_pool="refuse"))
    assert fates(found)["pool"] == ("refused", "")
    (finding,) = found.findings
    assert finding.reason == "max pooling is refused by max_pool='refuse'"


def test_a_refused_model_has_operations_but_no_segments():
    model = network(lambda x: classify(conv(x, activation="tanh", name="c")))
    found = survey(model, timesteps=4)
    assert fates(found)["c"][0] == "refused"
    assert found.segments == ()
    assert found.estimate is None
    assert "refused" in survey_text(found)


def test_an_unknown_graph_has_findings_only():
    found = survey(keras.Sequential([layers.Dense(2)], name="late"))
    assert found.operations == ()
    assert survey_text(found) == str(found.findings)


def test_parameters_of_a_shared_layer_count_once():
    model = build("shared_convolution")
    assert survey(model).num_parameters == model.count_params()


def test_json(model):
    record = json.loads(survey(model, timesteps=8).to_json())
    assert record["ok"] is True
    assert record["num_neurons"] == 162
    assert record["operations"][1]["into"] == "stem"
    assert record["segments"][0]["role"] == "neuron"
    assert record["estimate"]["timesteps"] == 8


def test_text_has_every_name(model):
    text = survey_text(survey(model, timesteps=8))
    assert text.startswith("Model 'net' converts: 3 neuron layers")
    for row in fates(survey(model)):
        assert row in text
    assert "162 neurons" in text
    assert "T = 8" in text


def chain(x):
    return layers.Dense(2)(layers.ReLU()(layers.Dense(5)(x)))


def test_memory_is_that_of_the_tensors_alive():
    graph = prepare(trace(network(chain, (3,))))
    found = estimate(graph, 10, kind=IntegrateAndFire())
    assert found.weight_bytes == 4 * (3 * 5 + 5 + 5 * 2 + 2)
    # Current and spikes of the hidden layer; then the potentials.
    assert found.folded_bytes == 4 * 10 * (5 + 5)
    assert found.stepping_bytes == 4 * (5 + 5 + 5)
    assert found.spiking_seconds == 10 * found.analog_seconds
    assert found.calibration_seconds == 1024 * 12 * found.analog_seconds


def test_state_of_pools_counts():
    def function(x):
        x = layers.MaxPooling2D(2)(layers.ReLU()(conv(x)))
        return classify(x)

    graph = prepare(trace(network(function)))
    found = estimate(graph, 2, kind=Burst(2))
    # Current and spikes; potentials, then totals and pooled totals.
    wanted = 4 * (2 * 108 + 108 * Burst(2).num_states + 108 + 27)
    assert found.stepping_bytes == wanted


def test_unknown_axes_leave_memory_unknown():
    def function(x):
        return layers.Dense(2)(
            layers.GlobalAveragePooling2D()(layers.ReLU()(conv(x)))
        )

    found = survey(network(function, (None, None, 2)), timesteps=2)
    assert found.estimate.folded_bytes is None
    assert found.num_neurons is None
    assert ", ? neurons" in survey_text(found)
    assert "unknown axes" in survey_text(found)


def test_bad_timesteps(model):
    with pytest.raises(ValueError, match="timesteps=-1"):
        survey(model, timesteps=-1)


def pooled(x):
    x = layers.ReLU(name="first")(conv(x, name="stem"))
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.ReLU(name="second")(conv(x, name="next"))
    return classify(layers.GlobalAveragePooling2D(name="last")(x))


def test_average_pools_with_neurons():
    model = network(pooled)
    assert fates(survey(model))["pool"] == ("kept affine", "")
    config = ConversionConfig(average_pool="neuron")
    found = survey(model, config=config)
    assert fates(found)["pool"] == ("neuron pool", "pool_neuron")
    assert fates(found)["last"] == ("neuron pool", "last_neuron")
    assert fates(found)["second"] == ("neuron", "")
    assert "neuron pool pool_neuron" in survey_text(found)
    names = [row.name for row in found.segments]
    assert names == [*convert(model, config=config).neuron_names, "readout"]


@pytest.mark.parametrize("average_pool", ["linear", "neuron"])
def test_equalised_networks_have_a_survey(average_pool):
    config = ConversionConfig(average_pool=average_pool, equalise=True)
    found = survey(network(pooled), config=config, timesteps=4)
    assert found.num_neurons == sum(row.num_neurons for row in found.segments)
    assert found.estimate.weight_bytes > 0
