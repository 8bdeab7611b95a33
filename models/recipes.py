"""Training recipes: what is fixed about a training run."""

import dataclasses
import math

import keras

from .augmentation import AUGMENTATIONS

DTYPE_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
MOMENTUM_FACTOR = 10.0
"""Decoupled decay for an L2 coefficient of 1 beside a momentum of 0.9."""
SEEDS = 2**31


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with warm-up and cosine decay.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Images a step.
        learning_rate: Peak of the schedule.
        warmup_fraction: Share of the steps in which the rate rises linearly.
        momentum: Nesterov momentum.
        weight_decay: Decoupled decay of kernels, `w <- w - rate * decay * w`;
            batch-norm parameters and biases are not decayed. Under a momentum
            `m` it acts like an L2 coefficient of `decay * (1 - m)`.
        seed: Seed of initialisation, order and augmentation.
        dtype_policy: Keras dtype policy of the training run:
            `"mixed_bfloat16"` is 1.6 times faster where the processor has
            bfloat16 arithmetic. Weights are float32 under either.
        augmentation: See `augmentation.batch_layers`.
        label_smoothing: Share of each label given to all classes, 0 up to
            below 1.
        ema: Momentum of the moving average of the weights, which is what is
            kept; 0: none.
    """

    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup_fraction: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-3
    seed: int = 0
    dtype_policy: str = "float32"
    augmentation: str = "standard"
    label_smoothing: float = 0.0
    ema: float = 0.0

    def __post_init__(self):
        for field in ("epochs", "batch_size"):
            if getattr(self, field) < 1:
                raise ValueError(
                    f"{field}={getattr(self, field)}. Supported: at least 1."
                )
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(
                f"learning_rate={self.learning_rate}. Supported: above 0, and"
                " finite."
            )
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(
                f"weight_decay={self.weight_decay}. Supported: from 0, and"
                " finite."
            )
        if not 0 <= self.warmup_fraction <= 1:
            raise ValueError(
                f"warmup_fraction={self.warmup_fraction}. Supported: 0...1."
            )
        if not 0 <= self.seed < SEEDS:
            raise ValueError(
                f"seed={self.seed}. Supported: whole numbers from 0 up to below"
                f" {SEEDS}."
            )
        for field in ("label_smoothing", "ema", "momentum"):
            if not 0 <= getattr(self, field) < 1:
                raise ValueError(
                    f"{field}={getattr(self, field)}. Supported: 0 up to below"
                    " 1; 0 is none."
                )
        for field, known in (
            ("dtype_policy", DTYPE_POLICIES),
            ("augmentation", AUGMENTATIONS),
        ):
            if getattr(self, field) not in known:
                raise ValueError(
                    f"{field}='{getattr(self, field)}'. Supported:"
                    f" {', '.join(known)}."
                )

    def to_dict(self) -> dict:
        """The recipe as plain types, for cards and logs."""
        return dataclasses.asdict(self)


def paper_recipe(dataset: str, *, batch_norm: bool, **changes) -> Recipe:
    """What the paper trains with (appendix C).

    | | CIFAR | ImageNet |
    |---|---|---|
    | epochs | 300 | 120 |
    | learning rate | 0.1, without batch norm 0.005 | 0.1 |
    | weight decay (L2) | 5e-4, without batch norm 1e-4 | 1e-4 |
    | augmentation | crop, mirror, Cutout, AutoAugment | crop, colour jitter |
    | label smoothing, EMA | none | 0.1, 0.999 |

    with a momentum of 0.9 and a cosine schedule. L2 becomes ten times as much
    decoupled decay, see `Recipe`. AutoAugment is not in Keras: RandAugment is
    in its place. The batch size is not in the paper.

    Args:
        dataset: Name of the data set; all but ImageNet's are trained as CIFAR.
        batch_norm: Whether the network has batch norms.
        **changes: Fields of `Recipe` to have instead.

    Returns:
        The recipe.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, appendix C.1 and C.2.
    """
    if dataset.startswith("imagenet"):
        values = {
            "epochs": 120,
            "batch_size": 256,
            "learning_rate": 0.1,
            "weight_decay": MOMENTUM_FACTOR * 1e-4,
            "augmentation": "imagenet",
            "label_smoothing": 0.1,
            "ema": 0.999,
        }
    else:
        values = {
            "epochs": 300,
            "learning_rate": 0.1 if batch_norm else 0.005,
            "weight_decay": MOMENTUM_FACTOR * (5e-4 if batch_norm else 1e-4),
            "augmentation": "strong",
        }
    return Recipe(**{**values, "warmup_fraction": 0.0, **changes})


def cosine_schedule(
    recipe: Recipe, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up to the peak, then cosine decay to zero."""
    total = recipe.epochs * steps_per_epoch
    if recipe.warmup_fraction == 0:
        return keras.optimizers.schedules.CosineDecay(
            recipe.learning_rate, decay_steps=max(1, total)
        )
    warmup = max(1, round(recipe.warmup_fraction * total))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 100,
        decay_steps=max(1, total - warmup),
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
