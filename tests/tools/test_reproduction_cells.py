"""The paper's tables, and which cells are made of them."""

import dataclasses

import pytest

from tfsnn_models import registry
from tfsnn_tools import reproduction_methods
from tfsnn_tools.paper_ablations import TABLES
from tfsnn_tools.reproduction_cells import (
    Selection,
    block_keys,
    cells,
    methods_of,
)

EVERYTHING = Selection()


def test_figures_of_the_paper():
    """One of each table, read in the paper."""
    found = {
        (number, cell.block, cell.label, cell.batch_norm, cell.column): cell
        for number, table in TABLES.items()
        for cell in cells(table, EVERYTHING)
    }
    for key, paper in {
        (2, "VGG-16 CIFAR100", "MMSE*", True, "T=16"): (17.50, 2.46),
        (3, "ResNet-20 CIFAR100", "MaxAct + BC", True, "T=32"): (68.78, 2.48),
        (4, "ResNet-34 ImageNet", "Hybrid Train", False, "T=256"): (61.48,),
        (5, "VGG-16 CIFAR100", "MMSE + PC + WC", True, "T=32"): (73.51, 0.23),
        (6, "MobileNet ImageNet", "WC", True, "T=64"): (27.6, 1.62),
        (7, "ResNet-20 CIFAR100", "MMSE + BC", True, "64"): (75.41, 0.18),
        (8, "VGG-16 ImageNet", "Not Convert AP", True, "T=32"): (49.53,),
        (9, "MobileNet CIFAR10", "Advanced", True, "T>=2048"): (92.47,),
        (9, "VGG-16 CIFAR10", "Spike-Norm", False, "T=32"): None,
    }.items():
        assert found[key].paper == paper


@pytest.mark.parametrize(
    ("number", "count"),
    [
        (2, 4 * 2 * 2 * 5),
        (3, 4 * 2 * 2 * 5),
        (4, (9 + 9 + 3 + 3) * 5),
        (5, 4 * 2 * 2 * 5),
        (6, 3 * 2 * 5),
        (7, 2 * 4 * 5),
        (8, 2 * 2),
        (9, 2 * (8 + 8 + 3) * 5 + 2 * 5),
    ],
)
def test_every_cell_is_there(number, count):
    """CIFAR-10 has a line more for two networks: hybrid training."""
    assert len(cells(TABLES[number], EVERYTHING)) == count


@pytest.mark.parametrize("number", TABLES)
def test_networks_and_methods_exist(number):
    table = TABLES[number]
    for block in table.blocks:
        assert block.network in registry.BUILDERS
    for name in methods_of(table):
        pipeline = reproduction_methods.method(name).pipeline()
        assert not pipeline.guarded


def test_unknown_methods_say_so():
    with pytest.raises(ValueError, match="Unknown method 'x'. Supported: sp"):
        reproduction_methods.method("x")
    assert reproduction_methods.method("fitted").reset == "soft"


def test_other_numbers_of_iterations():
    method = reproduction_methods.method("paper_advanced")
    before = method.pipeline()
    after = reproduction_methods.with_iterations(before, 7)
    assert [getattr(s, "iterations", None) for s in before.strategies] == [
        None,
        5000,
        None,
    ]
    assert after == dataclasses.replace(
        before,
        strategies=(
            before.strategies[0],
            dataclasses.replace(before.strategies[1], iterations=7),
            before.strategies[2],
        ),
    )
    assert reproduction_methods.with_iterations(before, None) is before
    light = reproduction_methods.method("light").pipeline()
    assert reproduction_methods.with_iterations(light, 7) is light
    best = reproduction_methods.method("best").pipeline()
    assert reproduction_methods.with_iterations(best, 7) is best


def test_which_methods_train_weights():
    names = [
        name
        for name in [*reproduction_methods.METHODS, "best", "reconstructed"]
        if reproduction_methods.trains_weights(name)
    ]
    assert names == [
        "paper_advanced",
        "table_wc",
        *[f"table_{name}_pc_wc" for name in reproduction_methods.THRESHOLDS],
        "reconstructed",
    ]


def test_parts_of_a_table():
    table = TABLES[9]
    selection = Selection(
        blocks=["vgg16_cifar10"],
        methods=["opt", "rmp"],
        also=["fitted"],
        timesteps=[8, 32],
        seeds=[3, 4],
        images=64,
    )
    found = cells(table, selection)
    assert {cell.block for cell in found} == {"VGG-16 CIFAR10"}
    lines = [(c.label, c.batch_norm) for c in found]
    assert list(dict.fromkeys(lines)) == [
        ("RMP", False),
        ("Opt.", False),
        ("Opt.", True),
        ("fitted", True),
    ]
    assert {(c.column, c.timesteps) for c in found} == {
        ("T=8", 8),
        ("T=32", 32),
    }
    assert {c.seed for c in found} == {3, 4}
    assert {c.images for c in found} == {64}
    papers = {(c.label, c.column, c.batch_norm): c.paper for c in found}
    assert papers["RMP", "T=32", False] == (60.30,)
    assert papers["RMP", "T=8", False] is None
    assert papers["fitted", "T=32", True] is None


def test_numbers_of_images_stay_columns():
    found = cells(TABLES[7], Selection(timesteps=[4], images=999, seeds=[0]))
    assert {(c.column, c.images, c.timesteps) for c in found} == {
        (str(count), count, 4) for count in (32, 64, 128, 256)
    }


def test_names_of_networks():
    assert "resnet20_wide_cifar10" in block_keys(TABLES[9])
    names = {cell.model_key for cell in cells(TABLES[9], EVERYTHING)}
    assert {"vgg16_cifar10", "vgg16_cifar10_nobn"} <= names
