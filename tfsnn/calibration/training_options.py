"""The hyper-parameters of training one segment."""

import dataclasses
import math

from tfsnn.numerics.checks import check_choice

from .arguments import checked_whole, is_number

OPTIMIZERS = ("sgd", "adam")
ROUNDINGS = ("floor", "neuron")
MAX_SEED = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How a segment is trained; the paper's values by default.

    Attributes:
        iterations: Batches, at least 1.
        batch_size: Images a batch, at least 1.
        optimizer: `"sgd"` or `"adam"`; the learning rate falls to 0 along a
            cosine, and there is no weight decay.
        learning_rate: At the start, above 0.
        momentum: Of SGD, 0 up to below 1.
        rounding: What the weights are trained for: `"floor"`, a neuron that
            starts at potential 0, or `"neuron"`, the one there is.
        train_bias: Whether the neuron's bias is trained as well.
        train_threshold: Whether its threshold is; the initial potential
            stays in proportion.
        drop_quantiser: Share of outputs not quantised in training, 0...1, see
            `tfsnn.dynamics.drop_quantiser`.
        weight_penalty: Weight of the kernels' mean squared change, relative to
            their mean square, beside the squared error; at least 0.
        check_every: Iterations between two looks at the held-out images.
        patience: Looks without gain after which training stops.
        seed: Seed of the batches and of what is dropped, below 2^31.
        progress: As in `SweepConfig`, for the iterations of each segment.
    """

    iterations: int = 5000
    batch_size: int = 32
    optimizer: str = "sgd"
    learning_rate: float = 1e-5
    momentum: float = 0.9
    rounding: str = "floor"
    train_bias: bool = False
    train_threshold: bool = False
    drop_quantiser: float = 0.0
    weight_penalty: float = 0.0
    check_every: int = 100
    patience: int = 10
    seed: int = 0
    progress: bool | None = False

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        for name in ("iterations", "batch_size", "check_every", "patience"):
            self._set_whole(name, low=1)
        self._set_whole("seed", low=0, high=MAX_SEED)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("rounding", self.rounding, ROUNDINGS)
        for name, allowed, supported in (
            ("learning_rate", lambda x: 0 < x < math.inf, "above 0, finite"),
            ("momentum", lambda x: 0 <= x < 1, "from 0 to below 1"),
            ("drop_quantiser", lambda x: 0 <= x <= 1, "0...1"),
            ("weight_penalty", lambda x: 0 <= x < math.inf, "from 0, finite"),
        ):
            self._set_number(name, allowed, supported)
        for name in ("train_bias", "train_threshold"):
            check_choice(name, getattr(self, name), (True, False))

    def _set_whole(self, name, **limits):
        default = TrainingOptions.__dict__[name]
        value = checked_whole(
            name, getattr(self, name), default=default, **limits
        )
        object.__setattr__(self, name, value)

    def _set_number(self, name, allowed, supported):
        value = getattr(self, name)
        if not is_number(value) or not allowed(value):
            raise ValueError(
                f"{name}={value!r}. Supported: numbers, {supported}; the"
                f" default is {TrainingOptions.__dict__[name]}. Pass one of"
                " them."
            )
        object.__setattr__(self, name, float(value))
