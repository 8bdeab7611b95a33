"""Weights of PyTorch packages give the same outputs here.

The files hold what tiny networks of these packages answered; see
`tests/golden/torch_networks.py`, which made them.
"""

import pathlib

import numpy as np
import pytest

from tfsnn_models import registry
from tfsnn_models.regnet import generated_stages
from tfsnn_models.torch_names import NAMINGS
from tfsnn_models.torch_weights import load_torch_weights

FOLDER = pathlib.Path(__file__).parents[1] / "golden" / "torch"
VGG = {"width_multiplier": 1 / 32, "hidden": (160, 96)}
# A stem of 4 channels, and groups of 4.
REGNET = {
    "group_width": 32,
    "width_multiplier": 1 / 8,
    "stages": ((64, 1), (128, 2)),
    "input_shape": (16, 16, 3),
}
TIMM_STAGES = generated_stages(
    depth=5, initial_width=8, slope=8.0, multiplier=1.5, group_width=4
)
CASES = {
    "torchvision_vgg": (
        "vgg16",
        "torchvision",
        {"input_shape": (64, 64, 3), **VGG},
    ),
    "pytorchcv_vgg": ("vgg16", "pytorchcv", {"batch_norm": False, **VGG}),
    "timm_resnet": (
        "resnet34",
        "timm with a deep stem",
        {
            "width_multiplier": 1 / 16,
            "depths": (1, 2, 1, 1),
            "input_shape": (32, 32, 3),
        },
    ),
    "pytorchcv_resnet": (
        "resnet34",
        "pytorchcv",
        {
            "width_multiplier": 1 / 16,
            "depths": (1, 2),
            "stem": "plain",
            "input_shape": (16, 16, 3),
        },
    ),
    "pytorchcv_mobilenet": (
        "mobilenet",
        "pytorchcv",
        {
            "width_multiplier": 1 / 8,
            "blocks": ((64, 1), (128, 2), (128, 1), (256, 2)),
            "input_shape": (16, 16, 3),
        },
    ),
    "timm_regnet": (
        "regnetx_4gf",
        "timm",
        {
            **REGNET,
            "stages": tuple((8 * width, n) for width, n in TIMM_STAGES),
            "input_shape": (32, 32, 3),
        },
    ),
    "pytorchcv_regnet": ("regnetx_4gf", "pytorchcv", REGNET),
    "torchvision_regnet": ("regnetx_4gf", "torchvision", REGNET),
}


def stored(name):
    """Image, logits and state dict of a file."""
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = dict(file)
    image, logits = arrays.pop("image"), arrays.pop("logits")
    prefix = "state/"
    return image, logits, {k.removeprefix(prefix): arrays[k] for k in arrays}


def build(name, **changes):
    network, _, options = CASES[name]
    options = {"num_classes": 5, **options, **changes}
    if name == "pytorchcv_mobilenet":
        return registry.build(network, stem_strides=2, **options)
    return registry.build(network, **options)


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_the_package(name):
    image, logits, state = stored(name)
    model = build(name)
    network, package, _ = CASES[name]
    assert load_torch_weights(model, network, state) == package
    # Float32 sums in another order, over some 20 layers.
    scale = np.abs(logits).max()
    np.testing.assert_allclose(model(image) / scale, logits / scale, atol=1e-5)


def test_the_prefix_of_data_parallel_models_is_dropped():
    image, logits, state = stored("pytorchcv_resnet")
    model = build("pytorchcv_resnet")
    state = {f"module.{name}": value for name, value in state.items()}
    load_torch_weights(model, "resnet34", state)
    np.testing.assert_allclose(model(image), logits, rtol=1e-4, atol=1e-4)


def test_all_problems_at_once_and_nothing_is_changed():
    _, _, state = stored("pytorchcv_resnet")
    model = build("pytorchcv_resnet")
    before = [w.copy() for w in model.get_weights()]
    first = state.pop("features.init_block.conv.conv.weight")
    state["features.extra.weight"] = first
    state["output.bias"] = np.zeros(7, "float32")
    with pytest.raises(ValueError) as caught:
        load_torch_weights(model, "resnet34", state)
    text = str(caught.value)
    assert "nearest names are those of pytorchcv" in text
    assert "'features.init_block.conv.conv.weight' is missing" in text
    assert "'output.bias' has the shape (7,), the network (5,)" in text
    assert "'features.extra.weight' is left over" in text
    assert "Build the network with the options of the weights" in text
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"width_multiplier": 1 / 8}, "shape .4, 3, 7, 7.*the network .8, 3"),
        ({"num_classes": 6}, "'output.weight' has the shape"),
        ({"depths": (1, 1)}, "unit2.body.conv1.bn.bias' is left over"),
        ({"stem": "deep"}, "is missing"),
        ({"batch_norm": False}, "conv1.conv.bias' is missing.*and 32 more"),
    ],
    ids=str,
)
def test_weights_of_another_network(changes, text):
    _, _, state = stored("pytorchcv_resnet")
    with pytest.raises(ValueError, match=f"(?s){text}"):
        load_torch_weights(
            build("pytorchcv_resnet", **changes), "resnet34", state
        )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.full(5, np.nan), "'output.bias' holds NaN or infinite values"),
        (np.array(list("abcde")), "'output.bias' holds <U1, not numbers"),
        ({"a": 1}, "'output.bias' holds dict, not numbers that NumPy"),
    ],
    ids=["nan", "text", "dict"],
)
def test_values_that_are_no_numbers(value, text):
    _, _, state = stored("pytorchcv_resnet")
    state["output.bias"] = value
    with pytest.raises(ValueError, match=text):
        load_torch_weights(build("pytorchcv_resnet"), "resnet34", state)


def test_a_network_without_names():
    with pytest.raises(ValueError, match="weights for 'resnet20'. Supported"):
        load_torch_weights(build("pytorchcv_resnet"), "resnet20", {})


@pytest.mark.parametrize(
    "network", ["vgg16_imagenet", "resnet34", "mobilenet", "regnetx_4gf"]
)
def test_every_naming_names_every_layer(network):
    """None is forgotten, and no two have one prefix."""
    from tests.conformance.test_zoo import SMALL

    model = registry.build(network, **SMALL[network])
    layers = {x.name for x in model.layers if x.trainable_variables}
    for package, naming in NAMINGS[network].items():
        names = naming(model)
        named = {layer: names[layer] for layer in layers & names.keys()}
        assert len(set(named.values())) == len(named), package
        if package.startswith(("timm", "pytorchcv")) and "wide" not in network:
            hidden = {name for name in layers if name.startswith("stem")}
            assert layers - hidden <= names.keys(), package


def test_names_as_the_packages_have_them():
    """Spot checks of those without a file, read in the packages."""
    vgg = registry.build(
        "vgg16_imagenet",
        width_multiplier=0.05,
        input_shape=(32, 32, 3),
        batch_norm=False,
    )
    names = NAMINGS["vgg16"]["timm"](vgg)
    assert names["stage3_unit1_conv"] == "features.10"
    assert names["stage5_unit3_conv"] == "features.28"
    assert names["hidden1"] == "pre_logits.fc1"
    names = NAMINGS["vgg16"]["the paper's code"](vgg)
    assert names["stage1_unit2_conv"] == "features.3"
    mobilenet = registry.build(
        "mobilenet", width_multiplier=0.05, input_shape=(32, 32, 3)
    )
    names = NAMINGS["mobilenet"]["timm"](mobilenet)
    assert names["block7_pointwise_bn"] == "blocks.3.1.bn2"
    assert names["block13_depthwise_conv"] == "blocks.4.1.conv_dw"
    resnet = registry.build(
        "resnet34",
        width_multiplier=0.05,
        input_shape=(32, 32, 3),
        stem="plain",
        depths=(1, 1),
    )
    names = NAMINGS["resnet34"]["torchvision or timm"](resnet)
    assert names["stage2_block1_shortcut_bn"] == "layer2.0.downsample.1"
