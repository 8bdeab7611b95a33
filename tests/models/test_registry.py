"""Parameters and multiply-accumulates against published figures."""

import pytest

from tests.golden import layer_tables
from tfsnn_models import layer_table, registry

# Exact numbers of parameters are those that the named package states for its
# network (torchvision's documentation of weights, pytorchcv's own tests);
# multiply-accumulates, in millions, are from the papers.
#   vgg16_imagenet  138,357,544 (torchvision vgg16); with batch norm
#                   138,361,768 (pytorchcv bn_vgg16); 15.47 G (torchvision)
#   resnet34        21,797,672 and 3.66 G with the plain stem (torchvision);
#                   with the deep one 28,512 - 9,408 weights more and batch
#                   norms of 64 + 64 + 128 - 128 parameters
#   mobilenet       Howard et al. (2017), Table 6: 569, 325, 149, 41 M; exact
#                   numbers of parameters as pytorchcv
#   regnetx_4gf     Radosavovic et al. (2020), Table 10: 22.1 M, 4.0 G; exact
#                   22,118,248 (timm regnetx_040)
#   resnet20        He et al. (2016), Table 6: 0.27 M
#   vgg16, resnet56 Lin et al. (HRank, CVPR 2020) on CIFAR-10: 313.73 M and
#                   125.49 M; they count a hidden layer of 512 units, and
#                   batch norms, more in VGG-16
#   mobilenet_cifar 3,217,226 (kuangliu/pytorch-cifar)
PARAMETERS = [
    ("vgg16_imagenet", {"batch_norm": False}, 138_357_544),
    ("vgg16_imagenet", {}, 138_361_768),
    ("resnet34", {"stem": "plain"}, 21_797_672),
    ("resnet34", {}, 21_797_672 + 28_512 - 9_408 + 128),
    ("mobilenet", {}, 4_231_976),
    ("mobilenet", {"width_multiplier": 0.75}, 2_585_560),
    ("mobilenet", {"width_multiplier": 0.5}, 1_331_592),
    ("mobilenet", {"width_multiplier": 0.25}, 470_072),
    ("mobilenet_cifar", {}, 3_217_226),
    ("regnetx_4gf", {}, 22_118_248),
]
MILLION_MACS = [
    ("vgg16_imagenet", {}, 15_470, 0.001),
    ("resnet34", {"stem": "plain"}, 3_660, 0.003),
    ("mobilenet", {}, 569, 0.001),
    ("mobilenet", {"width_multiplier": 0.75}, 325, 0.002),
    ("mobilenet", {"width_multiplier": 0.5}, 149, 0.004),
    ("mobilenet", {"width_multiplier": 0.25}, 41, 0.02),
    ("regnetx_4gf", {}, 4_000, 0.01),
    ("vgg16", {}, 313.73, 0.002),
    ("resnet56", {}, 125.49, 0.001),
    # He et al. do not state it. By hand: stem 32*32*27*16, then 6 layers of
    # 32*32*144*16; 16*16*144*32 and 5 of 16*16*288*32; 8*8*288*64 and 5 of
    # 8*8*576*64; classifier 640.
    ("resnet20", {}, 40.55104, 1e-9),
]


def totals(name, options):
    model = layer_table.without_weights(registry.builder(name), **options)
    return layer_table.totals(layer_table.layer_table(model))


@pytest.mark.parametrize(("name", "options", "parameters"), PARAMETERS, ids=str)
def test_parameters_are_the_published_ones(name, options, parameters):
    assert totals(name, options)[0] == parameters


@pytest.mark.parametrize(
    ("name", "options", "millions", "tolerance"), MILLION_MACS, ids=str
)
def test_macs_are_the_published_ones(name, options, millions, tolerance):
    """To the digits that are published."""
    macs = totals(name, options)[1]
    assert macs / 1e6 == pytest.approx(millions, rel=tolerance)


def test_layer_tables_are_the_golden_ones():
    assert layer_tables.PATH.read_text(encoding="utf-8") == (
        layer_tables.render()
    )


@pytest.mark.parametrize("name", layer_tables.NETWORKS)
def test_every_network_has_both_forms_and_a_width(name):
    """Without batch norm there is none; at half the width a quarter is left."""
    plain = layer_table.without_weights(
        registry.builder(name), batch_norm=False, width_multiplier=0.5
    )
    kinds = {type(layer).__name__ for layer in plain.layers}
    assert "BatchNormalization" not in kinds
    assert "MaxPooling2D" not in kinds
    half = layer_table.totals(layer_table.layer_table(plain))[0]
    share = half / totals(name, {"batch_norm": False})[0]
    assert 0.2 < share < 0.35


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("resnet21", "resnet20"),
        ("VGG", "vgg16"),
        ("mobilnet", "mobilenet"),
        ("regnetx", "regnetx_4gf"),
    ],
)
def test_the_nearest_name_is_suggested(wrong, nearest):
    with pytest.raises(ValueError, match=f"Unknown network '{wrong}'.*you"):
        registry.build(wrong)
    with pytest.raises(ValueError, match=f"Did you mean '{nearest}'"):
        registry.build(wrong)


def test_nothing_is_suggested_for_something_else():
    with pytest.raises(ValueError, match="Supported: mobilenet.*imagenet.$"):
        registry.build("q")
