import numpy as np
import pytest

from tfsnn_models import recipes


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"epochs": 0}, "epochs=0. Supported: at least 1"),
        ({"batch_size": 0}, "batch_size=0. Supported: at least 1"),
        ({"learning_rate": 0}, "learning_rate=0. Supported: above 0"),
        ({"learning_rate": np.inf}, "learning_rate=inf. Supported: above 0"),
        ({"weight_decay": np.nan}, "weight_decay=nan. Supported: from 0"),
        ({"warmup_fraction": 2}, "warmup_fraction=2. Supported: 0...1"),
        ({"momentum": 1}, "momentum=1. Supported: 0 up to below 1"),
        ({"seed": -1}, "seed=-1. Supported: whole numbers from 0 up to"),
        ({"seed": 2**32}, "seed=4294967296. Supported: whole numbers from"),
        ({"label_smoothing": 1}, "label_smoothing=1. Supported: 0 up to"),
        ({"ema": -0.1}, "ema=-0.1. Supported: 0 up to below 1"),
        ({"augmentation": "x"}, "augmentation='x'. Supported: standard"),
        ({"dtype_policy": "float16"}, "dtype_policy='float16'.*float32, mixed"),
    ],
)
def test_out_of_range_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        recipes.Recipe(**arguments)


def test_rate_rises_then_falls_to_zero():
    recipe = recipes.Recipe(epochs=10, warmup_fraction=0.1)
    schedule = recipes.cosine_schedule(recipe, steps_per_epoch=10)
    rates = [float(schedule(step)) for step in range(101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(recipe.learning_rate)
    assert rates[100] == pytest.approx(0, abs=1e-6)
    assert (np.diff(rates[10:]) <= 0).all()


def test_without_warm_up_the_rate_only_falls():
    recipe = recipes.Recipe(epochs=10, warmup_fraction=0.0)
    schedule = recipes.cosine_schedule(recipe, steps_per_epoch=10)
    rates = [float(schedule(step)) for step in range(101)]
    assert rates[0] == pytest.approx(recipe.learning_rate)
    assert rates[50] == pytest.approx(recipe.learning_rate / 2)
    assert rates[100] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("dataset", "batch_norm", "expected"),
    [
        ("cifar10", True, (300, 0.1, 5e-4, "strong", 0, 0)),
        ("cifar100", False, (300, 0.005, 1e-4, "strong", 0, 0)),
        ("imagenet2012", True, (120, 0.1, 1e-4, "imagenet", 0.1, 0.999)),
        ("imagenet2012", False, (120, 0.1, 1e-4, "imagenet", 0.1, 0.999)),
    ],
)
def test_recipes_of_the_paper(dataset, batch_norm, expected):
    """Appendix C; ten times the L2 coefficient is the same decoupled decay."""
    recipe = recipes.paper_recipe(dataset, batch_norm=batch_norm)
    assert (
        recipe.epochs,
        recipe.learning_rate,
        pytest.approx(recipe.weight_decay / 10),
        recipe.augmentation,
        recipe.label_smoothing,
        recipe.ema,
    ) == expected
    assert recipe.momentum == 0.9
    shorter = recipes.paper_recipe(dataset, batch_norm=batch_norm, epochs=3)
    assert (shorter.epochs, shorter.ema) == (3, recipe.ema)
