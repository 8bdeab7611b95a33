"""Calibration of what follows the last neurons."""

import dataclasses
import time

import numpy as np

from tfsnn.types import ReadoutParameters

from .checkpoint import Checkpoint
from .finished_segment import FinishedSegment
from .fronts import SpikingFront, compiled
from .kernel_terms import kernel_terms
from .least_squares import check_ridge
from .pipeline import Pipeline
from .record import Step
from .relative_error import relative_error
from .residual_fit import changed_weights, residual_fit
from .tap import SegmentView, Tap
from .visit import Task


@dataclasses.dataclass(frozen=True)
class ReadoutCalibration:
    """Fits the last layer to what the last neurons really emit.

        (D, d) = argmin sum |f D + d - (z - y)|^2 + ridge |D|^2

    with f the mean spikes that the layer reads, y its mean output and z the
    analog one (before a softmax); D is added to its kernel and d to its bias;
    d = 0 for a layer without. What earlier layers could not mend, a linear
    layer can often still read.

    Attributes:
        ridge: Weight of the penalty, in mean squares of an input, above 0.
    """

    sets_threshold = False
    sets_readout = True
    ridge: float = 0.1

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: If the ridge is out of range.
        """
        check_ridge(self.ridge)

    def __call__(
        self, tap: Tap, parameters: ReadoutParameters, timesteps: int
    ) -> ReadoutParameters:
        """Proposes weights of the last layer, see `Strategy`."""
        terms = kernel_terms(tap.view.segment, tap.view.fixed_layers)
        if not terms:
            return parameters
        rows = tap.analog.size  # Every position.
        fit = residual_fit(tap, terms, num_rows=rows, seed=0)
        before = parameters.weights or {}
        biased = [t.layer for t in terms if _has_bias(tap, t.layer)]
        if not biased:
            slope = fit.solve_without_shift(self.ridge)
            return ReadoutParameters(changed_weights(tap, terms, before, slope))
        slope, shift = fit.solve(self.ridge)
        weights = changed_weights(tap, terms, before, slope)
        kernel, bias = weights[biased[0]]
        bias = (bias + shift.reshape(-1)).astype(bias.dtype)
        weights[biased[0]] = (kernel, bias)
        return ReadoutParameters(weights)


def _has_bias(tap: Tap, name: str) -> bool:
    return tap.view.segment.model.get_layer(name).use_bias


def finish_readout(
    task: Task,
    front: SpikingFront,
    pipeline: Pipeline,
    checkpoint: Checkpoint | None = None,
) -> FinishedSegment:
    """Calibrates a read-out on mean spikes, or takes over what was found.

    Args:
        task: The read-out's segment, with the analog outputs as its target.
        front: The spiking network up to it, at one T.
        pipeline: With a step for read-outs.
        checkpoint: Where finished segments are; None: nowhere.

    Returns:
        What was found, now or in an earlier session.

    Raises:
        ExportError: If the checkpoint cannot be written.
    """
    name, timesteps = task.segment.name, front.timesteps
    stored = checkpoint and checkpoint.restore(name, timesteps)
    if stored:
        return stored
    start = time.monotonic()
    inputs = front.mean_inputs(task.segment)
    held = task.held_out
    present = ReadoutParameters()
    outputs = task.affine(*inputs).numpy()
    before = relative_error(task.target[held], outputs[held])
    tap = Tap(
        task.target[~held],
        outputs[~held],
        view=_view(task, front, [values[~held] for values in inputs]),
    )
    strategy = pipeline.readout
    proposal = strategy(tap, present, timesteps)
    after = before
    if proposal is not present:
        changed = compiled(task.segment, proposal.weights)(*inputs).numpy()
        after = relative_error(task.target[held], changed[held])
    accepted = (
        proposal is not present
        and proposal.is_finite()
        and (after <= before or not pipeline.guarded)
    )
    step = Step(
        name,
        timesteps,
        type(strategy).__name__,
        before,
        after,
        accepted,
        time.monotonic() - start,
    )
    finished = FinishedSegment(
        name, timesteps, proposal if accepted else present, (step,)
    )
    if checkpoint:
        checkpoint.save(finished)
    return finished


def _view(
    task: Task, front: SpikingFront, inputs: list[np.ndarray]
) -> SegmentView:
    """The read-out as a strategy sees it; it has no currents of steps."""
    return SegmentView(
        segment=task.segment,
        fixed_layers=task.fixed_layers,
        lag=0,
        kind=front.kind,
        training_set=lambda: (inputs, task.target[~task.held_out]),
        chunks=lambda: iter(()),
        constant=True,
        graphs=front.graphs,
        counting=front.counting,
    )
