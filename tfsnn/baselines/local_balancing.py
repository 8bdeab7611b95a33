"""Local threshold balancing of Bu et al. (2025)."""

import dataclasses

import numpy as np

from tfsnn.calibration import Tap
from tfsnn.calibration.arguments import is_number
from tfsnn.calibration.thresholds import PER, potential_of, with_threshold
from tfsnn.numerics.balancing import balanced_thresholds
from tfsnn.numerics.checks import check_choice, check_count
from tfsnn.types import NeuronParameters


@dataclasses.dataclass(frozen=True)
class LocalBalancing:
    """Thresholds raised by what they clip, batch after batch, from 0.

        theta_c <- theta_c + 2 rate * mean over batch and positions of
                   relu(a_c - theta_c)

    which descends the squared clipping error, (a - min(a, theta))^2, of each
    layer on its own. The mean is that of the authors' code; the paper writes
    the sum (Eq. 14, 17) and leaves the rate open. It differs from theirs in:

    * Layers see the activations of the analog network; theirs those of the
      layer before as clipped in the same step.
    * Batches come in order, theirs at random.
    * A channel that is never active gets the largest threshold; theirs stays
      at 0.
    * The delayed read-out (section 4.5) is a step of its own, `ReadoutDelay`,
      and its delay measured instead of computed.

    Attributes:
        iterations: Steps; each takes the next batch of the images. The default
            is that of the paper (appendix D.2).
        batch_size: Images of a batch; 100 there, too (section 5.3).
        rate: Step size, above 0; 1 in the authors' code.
        per: Thresholds per `"layer"` or `"channel"`, that is, per neuron of a
            dense layer.

    References:
        Bu, Li, Yu, Inference-Scale Complexity in ANN-SNN Conversion for
        High-Performance and Low-Power Applications, CVPR 2025,
        arXiv:2409.03368, section 4.2, Eq. 14-15 (layer), and 4.4, Eq. 17
        (channel); section 5 (potentials of half a threshold).
    """

    sets_threshold = True
    iterations: int = 1000
    batch_size: int = 100
    rate: float = 1.0
    per: str = "channel"

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        check_count("iterations", self.iterations)
        check_count("batch_size", self.batch_size)
        check_choice("per", self.per, PER)
        if not is_number(self.rate) or not self.rate > 0:
            raise ValueError(
                f"rate={self.rate!r}. Supported: numbers above 0. Pass 1.0 for"
                " the paper's."
            )

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes thresholds and half of them as potential."""
        channels = tap.analog.shape[-1] if self.per == "channel" else 1
        largest = balanced_thresholds(
            tap.analog.reshape(len(tap.analog), -1, channels),
            iterations=self.iterations,
            batch_size=self.batch_size,
            rate=self.rate,
        )
        if self.per == "layer":
            largest = np.asarray(largest[0])
        threshold = tap.kind.quantiser(timesteps).threshold(largest)
        charge = potential_of(0.5, tap.kind, timesteps)
        return with_threshold(parameters, threshold, charge)
