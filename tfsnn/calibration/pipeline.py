"""A sequence of calibration steps."""

import dataclasses

from .strategy import Strategy, describe


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """What is done to every segment, in order.

    Attributes:
        name: For reports and manifests.
        strategies: The steps; the first one sets the threshold.
        readout: Steps for what follows the last neurons, after all segments.
        guarded: Whether a step is kept only if the error on held-out images
            does not grow. If not, whatever is finite is kept, as in codes that
            do not look.
    """

    name: str
    strategies: tuple[Strategy, ...]
    guarded: bool = True
    readout: tuple[Strategy, ...] = ()

    def __post_init__(self):
        """Checks that every step is one, and where it can work.

        Raises:
            TypeError: If a step is no frozen dataclass that can be called.
            ValueError: If the first step does not set the threshold, a step of
                neurons is a read-out or one of read-outs a neuron.
        """
        if isinstance(self.strategies, list):
            object.__setattr__(self, "strategies", tuple(self.strategies))
        first = self.strategies[0] if self.strategies else None
        if not getattr(first, "sets_threshold", False):
            raise ValueError(
                f"Pipeline '{self.name}' starts with {first!r}. Supported: a"
                " first step that sets the threshold. Put MmseThreshold() in"
                " front."
            )
        _check_steps(self.name, self.strategies)
        misplaced = [s for s in self.strategies if _is_of_readouts(s)]
        if misplaced:
            raise ValueError(
                f"Pipeline '{self.name}' has {misplaced} among its strategies."
                " Supported there: steps of neurons. Pass it as"
                " Pipeline(..., readout=...)."
            )
        if not (
            isinstance(self.readout, tuple)
            and all(map(_is_of_readouts, self.readout))
        ):
            raise ValueError(
                f"Pipeline '{self.name}' has readout={self.readout!r}."
                " Supported: a tuple of steps of read-outs. Pass"
                " (ReadoutCalibration(),), and steps of neurons among the"
                " strategies."
            )
        _check_steps(self.name, self.readout)

    def to_dict(self) -> dict:
        """Name and every step with its hyper-parameters, plain types."""
        steps = [describe(strategy) for strategy in self.strategies]
        return {
            "name": self.name,
            "strategies": steps,
            "guarded": self.guarded,
            "readout": [describe(strategy) for strategy in self.readout],
        }


def _is_of_readouts(strategy: Strategy) -> bool:
    return getattr(strategy, "sets_readout", False)


def _check_steps(name: str, steps: tuple[Strategy, ...]) -> None:
    wrong = [step for step in steps if not _is_step(step)]
    if wrong:
        raise TypeError(
            f"Pipeline '{name}' has {wrong} among its steps. Supported: values"
            " of frozen dataclasses that can be called, see"
            " tfsnn.calibration.Strategy. Write BiasCalibration() with its"
            " brackets; decorate a class of your own with"
            " @dataclasses.dataclass(frozen=True)."
        )


def _is_step(step) -> bool:
    return (
        not isinstance(step, type)
        and dataclasses.is_dataclass(step)
        and callable(step)
    )
