"""The contract of a calibration step."""

import dataclasses
from typing import Protocol

import numpy as np

from tfsnn.numerics import SortedActivations
from tfsnn.types import NeuronParameters

from .arguments import checked_whole


class Tap:
    """What a strategy sees of one segment: the images it may fit on.

    Attributes:
        analog: Target activations `[N, ..., C]`, float32.
        spiking: Mean output of the neurons over time with the present
            parameters, `[N, ..., C]`, same units; None before thresholds are
            set.
    """

    def __init__(
        self,
        analog: np.ndarray,
        spiking: np.ndarray | None,
        shared: dict | None = None,
    ):
        """Keeps the arrays.

        Args:
            analog: See the class.
            spiking: See the class.
            shared: Cache that taps of the same segment share.
        """
        self.analog = analog
        self.spiking = spiking
        self._shared = {} if shared is None else shared

    def sorted_activations(
        self, granularity: str, max_values: int | None = None
    ) -> SortedActivations:
        """Sorted target activations, computed once for all T.

        Args:
            granularity: `"layer"` or `"channel"`.
            max_values: Values used a channel (a layer), or the default.

        Returns:
            See `SortedActivations`.
        """
        # Taps of one segment may see a different number of its first images.
        key = (granularity, max_values, len(self.analog))
        if key not in self._shared:
            self._shared[key] = SortedActivations(
                self.analog, granularity, max_values_per_channel=max_values
            )
        return self._shared[key]


class Strategy(Protocol):
    """Proposes new parameters for one segment; changes nothing itself.

    Strategies are frozen dataclasses: their fields are their hyper-parameters.
    The driver applies a proposal, measures again, and keeps it only if the
    error on held-out images did not grow.
    """

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes parameters.

        Args:
            tap: What the segment does now.
            parameters: The present parameters; None for the first strategy.
            timesteps: T.

        Returns:
            Proposed parameters.
        """


def describe(strategy: Strategy) -> dict:
    """Name and hyper-parameters of a strategy, plain types."""
    return {"name": type(strategy).__name__, **dataclasses.asdict(strategy)}


def repeat(strategy: Strategy, times: int) -> tuple[Strategy, ...]:
    """The same step several times; the driver measures between them.

    Args:
        strategy: A strategy.
        times: How often, at least 0.

    Returns:
        A tuple of strategies.

    Raises:
        ValueError: If `times` is not a whole number of at least 0.
    """
    return (strategy,) * checked_whole("times", times, low=0, default=1)
