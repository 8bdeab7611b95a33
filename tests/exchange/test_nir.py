"""Networks to NIR and back."""

import json

import h5py
import keras
import numpy as np
import pytest

from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    spiking,
)
from tfsnn.dynamics import Burst, IntegrateAndFire
from tfsnn.errors import ExportError, ModelFileError
from tfsnn.exchange import export_nir, import_nir
from tfsnn.types import NeuronParameters

nir = pytest.importorskip("nir")
layers = keras.layers


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def residual():
    """Every affine layer that NIR has, and shortcuts."""
    image = keras.Input(IMAGE_SHAPE)
    x = layers.Conv2D(4, 3, padding="same")(image)
    first = layers.ReLU(name="first")(x)
    x = layers.Conv2D(4, 3, padding="same", groups=2)(first)
    x = layers.ReLU(name="inner")(layers.Add()([x, first]))
    y = layers.DepthwiseConv2D(2, strides=2, padding="same")(x)
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.Concatenate()([x, y])
    x = layers.ReLU(name="strided")(x)
    x = layers.AveragePooling2D(2, strides=1)(layers.ZeroPadding2D(1)(x))
    x = layers.ReLU(name="pooled")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(6)(x)
    x = layers.ReLU(name="hidden")(x)
    return keras.Model(image, layers.Softmax()(layers.Dense(3)(x)))


def global_pool():
    image = keras.Input(IMAGE_SHAPE)
    x = layers.Conv2D(4, 3, strides=2)(image)
    x = layers.ReLU(name="first")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3)(x))


PARAMETERS = {
    "first": NeuronParameters(
        np.array([0.5, 1.0, 2.0, 0.25]), np.array([0.25, 0.5, 1.0, 0.125])
    )
}
NETWORKS = {
    "classifier": classifier,
    "residual": residual,
    "global pool": global_pool,
}


def logits(model, batch):
    """Before a softmax."""
    last = model.layers[-1]
    if isinstance(last, layers.Softmax):
        model = keras.Model(model.input, last.input)
    return value(model(batch))


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_there_and_back(tmp_path, make):
    """With the potentials in the metadata nothing is lost."""
    model = spiking(make_dyadic(make()), timesteps=4, parameters=PARAMETERS)
    report = export_nir(model, tmp_path / "x.nir", potential="metadata")
    assert report.is_exact
    again = import_nir(tmp_path / "x.nir")
    expected = logits(model, images(3))
    assert np.ptp(expected) > 0
    # Dyadic weights; shares of pools and thresholds are powers of two.
    np.testing.assert_allclose(
        value(again(images(3))), expected, rtol=1e-6, atol=1e-7
    )


def test_potentials_in_the_bias_keep_the_charge(tmp_path):
    model = spiking(make_dyadic(classifier()), timesteps=4)
    report = export_nir(model, tmp_path / "x.nir")
    assert not report.is_exact
    lost = [loss for loss in report.losses if "T-th" in loss.instead]
    assert [loss.where for loss in lost] == ["first", "second"]
    graph = nir.read(tmp_path / "x.nir")
    # A quarter of half a threshold, at each of 4 steps.
    stem = value(model.get_layer("stem").bias)
    np.testing.assert_array_equal(graph.nodes["stem"].bias, stem + 0.5 / 4)
    again = import_nir(tmp_path / "x.nir")
    assert np.corrcoef(
        value(again(images(8))).ravel(), value(model(images(8))).ravel()
    )[0, 1] > (0.5)


def test_lags_are_metadata(tmp_path):
    model = spiking(make_dyadic(classifier()), timesteps=4, lag=2)
    report = export_nir(model, tmp_path / "x.nir", potential="metadata")
    assert any("listen up to 2 steps" in loss.what for loss in report.losses)
    again = import_nir(tmp_path / "x.nir")
    np.testing.assert_allclose(
        value(again(images(3))), value(model(images(3))), rtol=1e-6
    )


def test_temporal_bias_is_lost_but_for_its_mean(tmp_path):
    charge = np.arange(8, dtype=float).reshape(2, 4) / 8
    start = NeuronParameters(np.float64(1), np.float64(0), temporal_bias=charge)
    model = spiking(
        make_dyadic(classifier()), timesteps=2, parameters={"first": start}
    )
    report = export_nir(model, tmp_path / "x.nir", potential="metadata")
    assert "first: a charge of its own at each step" in str(report)
    graph = nir.read(tmp_path / "x.nir")
    stem = value(model.get_layer("stem").bias)
    np.testing.assert_allclose(
        graph.nodes["stem"].bias, stem + charge.mean(axis=0)
    )


def test_shapes_have_their_channels_first(tmp_path):
    export_nir(spiking(residual(), timesteps=3), tmp_path / "x.nir")
    graph = nir.read(tmp_path / "x.nir")
    shapes = {
        name: node.v_threshold.shape
        for name, node in graph.nodes.items()
        if isinstance(node, nir.IF)
    }
    assert shapes == {
        "first": (4, 6, 6),
        "inner": (4, 6, 6),
        "strided": (8, 3, 3),
        "pooled": (8, 4, 4),
        "hidden": (6,),
    }
    assert ("first", "inner") in graph.edges or any(
        a == "first" and b.startswith("inner") for a, b in graph.edges
    )


@pytest.mark.parametrize(
    "names, expected",
    [
        (["input", "one", "two", "output"], {"input_2", "output_2"}),
        (["a.b", "a_b", "a.b_2", "a_b_in_0"], {"a_b", "a_b_2", "a_b_2_2"}),
        (["1", "input_in_0", "a_b", "output_2"], {"1", "output_2"}),
    ],
    ids=["reserved", "alike", "others"],
)
def test_names_that_nodes_cannot_have_twice(tmp_path, names, expected):
    """Each node stays where it is, whatever layers are called."""
    image = keras.Input(IMAGE_SHAPE, name="picture")
    x = layers.Conv2D(3, 3, name=names[0])(image)
    x = layers.ReLU(name=names[1])(x)
    x = layers.Flatten(name=names[2])(x)
    network = keras.Model(image, layers.Dense(3, name=names[3])(x))
    model = spiking(make_dyadic(network), timesteps=4)
    export_nir(model, tmp_path / "x.nir", potential="metadata")
    found = set(nir.read(tmp_path / "x.nir").nodes)
    assert expected | {"input", "output"} <= found
    assert len(found) == 6
    again = import_nir(tmp_path / "x.nir")
    received, wanted = value(again(images(3))), value(model(images(3)))
    assert np.ptp(wanted) > 0
    np.testing.assert_allclose(received, wanted, rtol=1e-6, atol=1e-7)


def test_metadata_says_what_is_meant(tmp_path):
    export_nir(spiking(residual(), timesteps=3), tmp_path / "x.nir")
    metadata = nir.read(tmp_path / "x.nir").metadata
    assert int(metadata["timesteps"]) == 3
    losses = json.loads(metadata["losses"])["losses"]
    assert "reset by subtraction" in losses[0]["what"]
    assert any("mean over time" in loss["what"] for loss in losses)


def test_older_versions_can_read_it(tmp_path):
    """nir up to 1.0.4 refuses a dataset that it does not know."""
    export_nir(spiking(classifier(), timesteps=3), tmp_path / "x.nir")
    with h5py.File(tmp_path / "x.nir") as file:
        assert "v_reset" not in file["node/nodes/first"]


def test_all_problems_at_once(tmp_path):
    image = keras.Input((6, 6, 2))
    x = layers.ReLU(name="first")(layers.Conv2D(2, 3)(image))
    x = layers.Conv2DTranspose(2, 3, name="up")(x)
    x = layers.ReLU(name="second")(x)
    x = layers.Conv2D(2, 3)(layers.Permute((2, 1, 3), name="turned")(x))
    model = keras.Model(image, layers.Dense(3)(layers.Flatten()(x)))
    with pytest.raises(ExportError, match="'up' .Conv2DTranspose.: NIR has"):
        export_nir(spiking(model, timesteps=2), tmp_path / "x.nir")
    assert not list(tmp_path.iterdir())


def test_refuses_bursts(tmp_path):
    model = spiking(classifier(), timesteps=2, kind=Burst(2))
    with pytest.raises(ExportError, match="fires 'burst', not 0 or 1"):
        export_nir(model, tmp_path / "x.nir")


def test_refuses_another_place_for_potentials(tmp_path):
    with pytest.raises(ValueError, match="Supported: bias, metadata"):
        export_nir(spiking(classifier()), tmp_path / "x.nir", potential="no")


def test_keeps_an_existing_file(tmp_path):
    (tmp_path / "x.nir").write_text("mine")
    with pytest.raises(ExportError, match="exists. Supported: a new file"):
        export_nir(spiking(classifier()), tmp_path / "x.nir")
    assert (tmp_path / "x.nir").read_text() == "mine"
    export_nir(spiking(classifier()), tmp_path / "x.nir", overwrite=True)
    assert h5py.is_hdf5(tmp_path / "x.nir")


@pytest.mark.parametrize("content", [None, b"no file of NIR"])
def test_refuses_what_is_no_file_of_nir(tmp_path, content):
    if content is not None:
        (tmp_path / "x.nir").write_bytes(content)
    with pytest.raises(ModelFileError, match="not there|cannot be read"):
        import_nir(tmp_path / "x.nir")


def test_refuses_a_folder(tmp_path):
    with pytest.raises(ModelFileError, match="is a folder"):
        import_nir(tmp_path)


def test_refuses_no_steps(tmp_path):
    nir.write(tmp_path / "x.nir", simple(timesteps=4))
    with pytest.raises(ValueError, match="timesteps=0. Supported: at least 1"):
        import_nir(tmp_path / "x.nir", timesteps=0)


def simple(**metadata):
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "fc": nir.Affine(np.eye(2, dtype="float32"), np.zeros(2, "float32")),
        "if": nir.IF(np.ones(2), np.array([0.5, 0.25])),
        "output": nir.Output({"output": np.array([2])}),
    }
    edges = [("input", "fc"), ("fc", "if"), ("if", "output")]
    graph = nir.NIRGraph(nodes, edges)
    graph.metadata = metadata
    return graph


@pytest.mark.parametrize(
    "reset, expected",
    # Currents 0.375 and 0.5 for 4 steps, thresholds 0.5 and 0.25.
    [("soft", [3 / 4, 4 / 4]), (None, [2 / 4, 4 / 4])],
)
def test_files_of_others(tmp_path, reset, expected):
    nir.write(tmp_path / "x.nir", simple())
    model = import_nir(tmp_path / "x.nir", timesteps=4, reset=reset)
    received = value(model(np.array([[0.375, 0.5]], "float32")))
    np.testing.assert_array_equal(received, [expected])


def test_files_of_others_need_t(tmp_path):
    nir.write(tmp_path / "x.nir", simple())
    with pytest.raises(ModelFileError, match="does not say how many steps"):
        import_nir(tmp_path / "x.nir")


def test_refuses_other_nodes(tmp_path):
    graph = simple()
    graph.nodes["if"] = nir.LIF(*[np.ones(2)] * 4)
    nir.write(tmp_path / "x.nir", graph)
    with pytest.raises(ModelFileError, match="has 'if' .LIF.. Supported"):
        import_nir(tmp_path / "x.nir", timesteps=2)


def changed(**values):
    """`simple`, with other values of its neuron and its weights."""
    graph = simple(timesteps=values.pop("timesteps", 4))
    for name, value_ in values.items():
        node = graph.nodes["fc" if name in ("weight", "bias") else "if"]
        setattr(node, name, value_)
    return graph


@pytest.mark.parametrize(
    "values, text",
    [
        ({"v_reset": np.array([0, 0.5])}, "node 'if': v_reset is not 0"),
        ({"v_threshold": np.array([0, 1.0])}, "'if': v_threshold is not above"),
        ({"v_threshold": np.array([np.inf, 1])}, "'if': v_threshold is not"),
        ({"r": np.array([1.0, 0])}, "'if': r is not above 0"),
        ({"weight": np.full((2, 2), np.nan)}, "'fc': weight is not finite"),
        ({"bias": np.array([0, np.inf])}, "'fc': bias is not finite"),
        ({"metadata": {"lag": "late"}}, "lag .*late.* is no number"),
        ({"metadata": {"initial_potential": "x"}}, "is not finite numbers"),
        ({"timesteps": "four"}, "says that it runs 'four' steps"),
        ({"timesteps": 2.5}, "says that it runs '2.5' steps"),
        (
            {"r": np.zeros(2), "bias": np.full(2, np.nan)},
            "'fc': bias is not finite; node 'if': r is not above 0",
        ),
    ],
    ids=lambda value_: value_ if isinstance(value_, str) else ",".join(value_),
)
def test_refuses_values_without_counterpart(tmp_path, values, text):
    nir.write(tmp_path / "x.nir", changed(**values))
    with pytest.raises(ModelFileError, match=text):
        import_nir(tmp_path / "x.nir")


@pytest.mark.parametrize("timesteps", [2.5, "four", -1])
def test_refuses_what_is_no_number_of_steps(tmp_path, timesteps):
    nir.write(tmp_path / "x.nir", simple())
    with pytest.raises(ValueError, match="timesteps=.*Supported: at least 1"):
        import_nir(tmp_path / "x.nir", timesteps=timesteps)


def test_hard_resets_are_what_nir_means(tmp_path):
    model = spiking(
        make_dyadic(classifier()), timesteps=4, kind=IntegrateAndFire("hard")
    )
    report = export_nir(model, tmp_path / "x.nir", potential="metadata")
    assert "reset by subtraction" not in str(report)
    again = import_nir(tmp_path / "x.nir")
    np.testing.assert_allclose(
        value(again(images(3))), value(model(images(3))), rtol=1e-6
    )
