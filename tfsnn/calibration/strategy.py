"""The contract of a calibration step."""

import dataclasses
from typing import Protocol

from tfsnn.types import NeuronParameters

from .arguments import checked_whole
from .tap import Tap


class Strategy(Protocol):
    """Proposes new parameters for one segment; changes nothing itself.

    Strategies are frozen dataclasses: their fields are their hyper-parameters.
    The driver applies a proposal, measures again, and keeps it only if the
    error on held-out images did not grow.

    One for what follows the last neurons has `sets_readout = True`; it takes
    and proposes `ReadoutParameters`.

    One that does not fit every kind of neuron has a method `refusal(kind)`:
    why not, and which kinds are supported; None if it fits. One that sets
    something for each neuron has `needs_sizes = True`: networks for images of
    any size are refused.
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
            Proposed parameters; `parameters` itself if it has nothing better.
        """


def describe(strategy: Strategy) -> dict:
    """Name and hyper-parameters of a strategy, plain types."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(strategy).items()
    }
    return {"name": type(strategy).__name__, **values}


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
