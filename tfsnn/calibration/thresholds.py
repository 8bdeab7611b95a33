"""Strategies that choose the firing threshold."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.numerics import SortedActivations
from tfsnn.numerics.checks import check_choice, check_count
from tfsnn.types import NeuronParameters

from .arguments import is_number
from .tap import Tap

PER = ("layer", "channel")
FINE_FROM = 128
"""Levels from which on the search uses `FINE_VALUES`."""
FINE_VALUES = 2**20


@dataclasses.dataclass(frozen=True)
class MaximumThreshold:
    """The largest activation: nothing is clipped (Diehl et al., 2015).

    It is the most that the neuron can send: the threshold of a plain one, n
    thresholds with bursts of n.

    Attributes:
        per: `"layer"` or `"channel"`.
        initial_charge: Initial potential in levels, 0...1; one half makes the
            neuron round. A level of all but bit-plane neurons is worth a
            threshold, see `NeuronKind.rounding_charge`.
    """

    sets_threshold = True
    per: str = "layer"
    initial_charge: float = 0.5

    def __post_init__(self):
        """Checks the values."""
        check_options(self)

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes the maximum, see `Strategy`."""
        largest = tap.sorted_activations(self.per).maximum()
        threshold = tap.kind.quantiser(timesteps).threshold(largest)
        charge = potential_of(self.initial_charge, tap.kind, timesteps)
        return with_threshold(parameters, threshold, charge)


@dataclasses.dataclass(frozen=True)
class PercentileThreshold:
    """A percentile of the activations (Rueckauer et al., 2017).

    It is the most that the neuron can send, as in `MaximumThreshold`.

    Attributes:
        percentile: 0...100.
        per: `"layer"` or `"channel"`.
        initial_charge: As in `MaximumThreshold`.
    """

    sets_threshold = True
    percentile: float = 99.9
    per: str = "layer"
    initial_charge: float = 0.5

    def __post_init__(self):
        """Checks the values."""
        check_options(self)
        if not is_number(self.percentile) or not 0 < self.percentile <= 100:
            raise ValueError(
                f"percentile={self.percentile!r}. Supported: numbers above 0,"
                " up to 100."
            )

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes the percentile, see `Strategy`."""
        values = tap.sorted_activations(self.per)
        largest = values.percentile(self.percentile)
        threshold = tap.kind.quantiser(timesteps).threshold(largest)
        charge = potential_of(self.initial_charge, tap.kind, timesteps)
        return with_threshold(parameters, threshold, charge)


@dataclasses.dataclass(frozen=True)
class MmseThreshold:
    """The threshold of least squared error at this T (Eq. 11).

    The error is that of the quantiser which the kind of neuron amounts to.

    Attributes:
        per: `"layer"` or `"channel"`.
        rounding: Quantiser of the search: `"floor"` as in the paper, or
            `"round"`, matched to a neuron that starts at half a level.
        num_candidates: Points of the grid on (0, maximum].
        initial_charge: As in `MaximumThreshold`.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.2, Eq. 11.
    """

    sets_threshold = True
    per: str = "channel"
    rounding: str = "round"
    num_candidates: int = 100
    initial_charge: float = 0.5

    def __post_init__(self):
        """Checks the values."""
        check_options(self)
        check_choice("rounding", self.rounding, ("floor", "round"))
        check_count("num_candidates", self.num_candidates)

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes the best point of the grid, see `Strategy`."""
        quantiser = tap.kind.quantiser(timesteps)
        fine = FINE_VALUES if quantiser.num_levels >= FINE_FROM else None
        threshold = tap.sorted_activations(self.per, fine).mmse(
            quantiser,
            rounding=self.rounding,
            num_candidates=self.num_candidates,
        )
        charge = potential_of(self.initial_charge, tap.kind, timesteps)
        return with_threshold(parameters, threshold, charge)


@dataclasses.dataclass(frozen=True)
class AveragedThreshold:
    """The threshold search of the published code, and its shift.

    For each of a few batches, in order, the layer's threshold of least squared
    error for a neuron that floors, averaged as

        theta <- momentum * theta + (1 - momentum) * theta(batch)

    from the first one on, which so keeps most of the weight. The neuron starts
    at 0 and gets theta / 2T at every step, the same charge as half a threshold
    at the start.

    Attributes:
        num_batches: Batches the images are divided into; 7 there.
        momentum: Weight of the average so far, 0 up to below 1; 0.9 there.
        num_candidates: Points of the grid on (0, maximum].
        smallest: Share of the maximum below which no point is tried, from 0 to
            below 1; 0.06 there, which leaves 95 points.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 11 and section 5.1, as
        implemented by the authors (yhhhli/SNN_Calibration).
    """

    sets_threshold = True
    num_batches: int = 7
    momentum: float = 0.9
    num_candidates: int = 100
    smallest: float = 0.06

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        check_count("num_batches", self.num_batches)
        check_count("num_candidates", self.num_candidates)
        for name, published in (("momentum", 0.9), ("smallest", 0.06)):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value < 1:
                raise ValueError(
                    f"{name}={value!r}. Supported: numbers from 0, below 1."
                    f" Pass {published} for the published code's."
                )

    def refusal(self, kind: NeuronKind) -> str | None:
        """The published code knows plain neurons only."""
        if kind.is_plain:
            return None
        return (
            "does as published code, which has plain neurons; supported: 'if'"
        )

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes threshold and shift, see `Strategy`."""
        count = min(self.num_batches, len(tap.analog))
        average = None
        for batch in np.array_split(tap.analog, count):
            found = SortedActivations(batch, "layer").mmse(
                timesteps,
                num_candidates=self.num_candidates,
                smallest=self.smallest,
            )
            if average is None:
                average = found
            average = self.momentum * average + (1 - self.momentum) * found
        threshold = np.asarray(average, "float32")
        shift = np.asarray(average / (2 * timesteps), "float32")
        return NeuronParameters(threshold, np.zeros_like(threshold), shift)


def potential_of(
    initial_charge: float, kind: NeuronKind, timesteps: int
) -> float:
    """Levels as the potential that makes them up.

    Args:
        initial_charge: Levels, 0...1.
        kind: Kind of neuron.
        timesteps: T.

    Returns:
        Initial potential in thresholds.
    """
    return initial_charge * (2 * kind.rounding_charge(timesteps))


def with_threshold(
    parameters: NeuronParameters | None,
    threshold: npt.ArrayLike,
    charge: float,
) -> NeuronParameters:
    """Parameters with another threshold and the potential that goes with it.

    Args:
        parameters: What the rest is taken from; None: there is none yet.
        threshold: `[]` or `[C]`, above 0, activation units.
        charge: Initial potential in thresholds, as `potential_of` gives.

    Returns:
        Parameters in float32.
    """
    threshold = np.asarray(threshold, "float32")
    potential = (charge * threshold).astype("float32")
    if parameters is None:
        return NeuronParameters(threshold, potential)
    return parameters.replace(threshold=threshold, initial_potential=potential)


def check_options(strategy: Any) -> None:
    """Raises unless `per` and `initial_charge` are in their range.

    Args:
        strategy: One that sets the threshold.

    Raises:
        ValueError: If one is not.
    """
    check_choice("per", strategy.per, PER)
    charge = strategy.initial_charge
    if not is_number(charge) or not 0 <= charge <= 1:
        raise ValueError(
            f"initial_charge={charge!r}. Supported: 0...1 levels; 0.5"
            " makes the neuron round."
        )
