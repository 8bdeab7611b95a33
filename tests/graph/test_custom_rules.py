import re

import keras
import numpy as np
import pytest

import tfsnn
from tests.support.convertible import classify, conv, make_images, network
from tests.support.networks import outputs_of, with_random_weights
from tfsnn import ConversionConfig, check, convert, register_rule
from tfsnn.conversion import unregister_rule
from tfsnn.errors import ConversionError

layers, ops = keras.layers, keras.ops


@keras.saving.register_keras_serializable("tests")
class Own(layers.Layer):
    """`x` times one learned number a channel, with a cap at `top` if any."""

    def __init__(self, top=None, power=1, **kwargs):
        super().__init__(**kwargs)
        self.top, self.power = top, power

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), name="factor")

    def call(self, inputs):
        if self.top is not None:
            return ops.clip(inputs, 0.0, self.top)
        return ops.power(inputs, self.power) * self.factor

    def get_config(self):
        return {**super().get_config(), "top": self.top, "power": self.power}


@pytest.fixture(autouse=True)
def forget():
    yield
    unregister_rule(Own)


def model_with(**arguments):
    def function(x):
        x = Own(name="own", **arguments)(layers.ReLU()(conv(x)))
        return classify(layers.ReLU()(conv(x)))

    return network(function)


def test_unknown_before_and_after():
    model = model_with()
    assert "declare what it is with tfsnn.register_rule" in str(check(model))
    register_rule(Own, "affine")
    assert check(model).ok
    unregister_rule(Own)
    assert not check(model).ok


def test_affine(tmp_path):
    model = model_with()
    register_rule(Own, "affine")
    conversion = convert(model)
    snn = conversion.spiking_model(4)
    snn.save(tmp_path / "snn.keras")
    loaded = keras.models.load_model(tmp_path / "snn.keras")
    images = make_images()
    np.testing.assert_array_equal(loaded(images), snn(images))
    (kept,) = [layer for layer in snn.layers if isinstance(layer, Own)]
    np.testing.assert_array_equal(kept.factor, model.get_layer("own").factor)


def test_relu_with_a_cap():
    register_rule(Own, "relu", max_value=1.5)
    conversion = convert(model_with(top=1.5))
    assert "own" in conversion.neuron_names
    relu = conversion.analog.get_layer("own")
    assert (type(relu), relu.max_value) == (layers.ReLU, 1.5)


def test_a_false_cap_is_found_out():
    register_rule(Own, "relu", max_value=0.25)
    with pytest.raises(ConversionError, match="prepared model differs"):
        convert(model_with(top=1.5))


def as_dense(layer, inputs):
    (channels,) = layer.factor.shape
    dense = layers.Dense(channels, use_bias=False, name="diagonal")
    outputs = dense(inputs)
    dense.set_weights([np.diag(layer.factor.numpy())])
    return outputs


def test_rewritten():
    register_rule(Own, as_dense)
    model = model_with()
    conversion = convert(model)
    assert conversion.analog.get_layer("diagonal")
    images = make_images()
    np.testing.assert_allclose(
        outputs_of(conversion.analog, images)[0],
        outputs_of(model, images)[0],
        rtol=1e-5,
        atol=1e-5,
    )


def fails(layer, inputs):
    raise KeyError("kernel")


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda layer, inputs: None, "answered None"),
        (fails, "raised KeyError: 'kernel'"),
        (lambda layer: None, "raised TypeError"),
        (lambda layer, inputs: keras.Input((3,)), "raised ValueError"),
        (
            lambda layer, inputs: layers.GlobalAveragePooling2D()(inputs),
            "answered shapes [(None, 3)], not [(None, 6, 6, 3)]",
        ),
        (lambda layer, inputs: layer(inputs), "uses a layer of that class"),
    ],
    ids=["nothing", "fails", "arguments", "elsewhere", "shape", "itself"],
)
def test_rewrites_that_do_not_work(function, problem):
    register_rule(Own, function)
    model = model_with()
    (finding,) = check(model)
    assert (finding.layer, finding.kind) == ("own", "Own")
    assert f"The rule for 'own' (Own) {problem}" in finding.remedy
    assert "Correct the function" in finding.remedy
    with pytest.raises(ConversionError, match=re.escape(problem)):
        convert(model)


def test_a_rewrite_that_computes_something_else():
    register_rule(Own, lambda layer, inputs: 4.0 * inputs)
    with pytest.raises(ConversionError, match="If you declared a layer"):
        convert(model_with())


def mixed(tensor):
    return tensor - ops.mean(tensor, axis=0, keepdims=True)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x * x, "declared affine and is not affine"),
        (mixed, "mixes the samples of a batch"),
        (lambda x: ops.mean(x, axis=0, keepdims=True), "keep the batch axis"),
        (lambda x: 2 * x + 1, None),
    ],
    ids=["square", "mixed", "mean", "affine"],
)
@pytest.mark.filterwarnings("ignore:The object being serialized includes")
def test_lambdas_declared_affine(function, reason):
    odd = layers.Lambda(function, name="odd")
    model = network(lambda x: classify(odd(layers.ReLU()(conv(x)))))
    assert "ConversionConfig(affine=(NAME,))" in str(check(model))
    found = check(model, config=ConversionConfig(affine=("odd",)))
    if reason is None:
        assert found.ok
    else:
        (finding,) = found
        assert reason in finding.reason
        assert finding.kind == "Lambda"


def test_a_layer_registered_affine_that_is_not():
    register_rule(Own, "affine")
    (finding,) = check(model_with(power=2))
    assert finding.reason == "it was declared affine and is not affine"


def test_declared_layers_must_exist():
    model = network(lambda x: classify(layers.ReLU()(conv(x))))
    (finding,) = check(model, config=ConversionConfig(affine=("odd",)))
    assert "has no such layer" in finding.reason


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((layers.ReLU(), "affine"), TypeError, "Pass the class, not a layer"),
        ((keras.Model, "affine"), TypeError, "derived from keras.layers.Layer"),
        ((Own, "linear"), ValueError, "role='linear' for 'Own'"),
        ((Own, "affine", 2.0), ValueError, "max_value=2.0 with role='affine'"),
        ((Own, "relu", 0.0), ValueError, "max_value=0.0 with role='relu'"),
    ],
)
def test_bad_rules(arguments, error, message):
    layer_class, role, *top = arguments
    options = {"max_value": top[0]} if top else {}
    with pytest.raises(error, match=re.escape(message)):
        register_rule(layer_class, role, **options)


@pytest.mark.parametrize(
    "layer", [layers.LeakyReLU(0.25), layers.PReLU(shared_axes=[1, 2])]
)
def test_remedy_for_a_slope(layer):
    """What `check` says, as it says it."""
    model = network(lambda x: classify(layers.ReLU()(conv(layer(conv(x))))))
    with_random_weights(model, np.random.default_rng(0))
    (found,) = check(model)
    text = found.remedy.partition("as two neurons: ")[2].removesuffix(".")
    try:
        eval(text, {"tfsnn": tfsnn, "keras": keras})
        conversion = convert(model)
    finally:
        unregister_rule(type(layer))
    assert len(conversion.neuron_names) == 3
    assert not check(model).ok
