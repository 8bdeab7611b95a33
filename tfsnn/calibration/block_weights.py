"""Weight calibration that looks ahead to the end of a block."""

import dataclasses

from tfsnn.graph.segments import NEURON
from tfsnn.types import NeuronParameters

from .arguments import checked_whole
from .block_training import train_block
from .tap import Tap
from .thresholds import MmseThreshold
from .training_options import TrainingOptions


@dataclasses.dataclass(frozen=True)
class BlockCalibration(TrainingOptions):
    """Trains a segment together with those behind it in its block.

    Errors of a segment matter by what the next ones make of them. So all
    segments up to the end of the block (a residual block with its shortcut) are
    trained at once, and those of the first are kept; each of the others has
    its turn when the sweep comes to it and sees what really comes from the one
    before. Until then it starts from a threshold of least squared error.

    As in `WeightCalibration`, rates hide when spikes arrive: bias calibration
    should follow.

    Attributes:
        max_segments: Most segments trained at once, at least 1; where blocks
            are longer, their ends are not seen from their beginnings.
        iterations: These and all others as in `TrainingOptions`.

    References:
        Li et al., BRECQ: Pushing the limit of post-training quantization by
        block reconstruction, ICLR 2021, arXiv:2102.05426; Wei et al., QDrop:
        Randomly dropping quantization for extremely low-bit post-training
        quantization, ICLR 2022, arXiv:2203.05740.
    """

    sets_threshold = False
    iterations: int = 500
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    rounding: str = "neuron"
    train_bias: bool = True
    train_threshold: bool = True
    drop_quantiser: float = 0.5
    check_every: int = 50
    max_segments: int = 4

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        super().__post_init__()
        value = checked_whole(
            "max_segments", self.max_segments, low=1, default=4
        )
        object.__setattr__(self, "max_segments", value)

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes trained weights, see `Strategy`.

        Args:
            tap: What the segment does now; its view is needed.
            parameters: The present parameters.
            timesteps: T.

        Returns:
            Parameters with `weights`, and with a bias, a threshold and an
            initial potential where these are trained; `parameters` itself if
            nothing better was found.
        """
        horizon = tap.view.horizon(self.max_segments)
        first, *later = horizon.segments
        rounding = "floor" if self.rounding == "floor" else "round"
        start = MmseThreshold(rounding=rounding)
        every = {
            segment.name: start(
                Tap(horizon.targets[segment.name], None, view=tap.view),
                None,
                timesteps,
            )
            for segment in later
            if segment.role == NEURON
        }
        return train_block(
            horizon,
            {first.name: parameters, **every},
            timesteps,
            kind=tap.kind,
            options=self,
            fixed=tap.view.fixed_layers,
        )
