"""A read-out at one T: proposes, measures, keeps what helps."""

import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.time import fold, unfold
from tfsnn.types import ReadoutParameters

from .checkpoint import Checkpoint
from .finished_segment import FinishedSegment
from .fronts import SpikingFront, compiled
from .pipeline import Pipeline
from .record import Step
from .relative_error import relative_error
from .strategy import Strategy
from .tap import SegmentView, Tap
from .visit import Task


def finish_readout(
    task: Task,
    front: SpikingFront,
    pipeline: Pipeline,
    checkpoint: Checkpoint | None = None,
) -> FinishedSegment:
    """Calibrates a read-out, or takes over what was found.

    Args:
        task: The read-out's segment, with the analog outputs as its target.
        front: The spiking network up to it, at one T.
        pipeline: With steps for read-outs.
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
    visit = _ReadoutVisit(task, front)
    for strategy in pipeline.readout:
        visit.attempt(strategy, pipeline.guarded)
    finished = FinishedSegment(
        name, timesteps, visit.parameters, tuple(visit.steps)
    )
    if checkpoint:
        checkpoint.save(finished)
    return finished


class _ReadoutVisit:
    """Calibrates one read-out at one T.

    Attributes:
        parameters: What was accepted.
        steps: What was tried, in order.
    """

    def __init__(self, task: Task, front: SpikingFront):
        """Computes what the read-out answers now."""
        self._task = task
        self._front = front
        self._inputs = front.mean_inputs(task.segment)
        self.parameters = ReadoutParameters()
        self._outputs = self._measured(self.parameters)
        self._error = self._held_out_error(self._outputs)
        self.steps: list[Step] = []

    def attempt(self, strategy: Strategy, guarded: bool) -> None:
        """Takes over what a strategy proposes unless the error grows."""
        start = time.monotonic()
        before = after = self._error
        fit = ~self._task.held_out
        tap = Tap(self._task.target[fit], self._outputs[fit], view=self._view())
        proposal = strategy(tap, self.parameters, self._front.timesteps)
        accepted = proposal is not self.parameters and proposal.is_finite()
        if proposal is not self.parameters:
            outputs = self._measured(proposal)
            after = self._held_out_error(outputs)
            accepted = accepted and (after <= before or not guarded)
        if accepted:
            self.parameters, self._outputs = proposal, outputs
            self._error = after
        self.steps.append(
            Step(
                self._task.segment.name,
                self._front.timesteps,
                type(strategy).__name__,
                before,
                after,
                accepted,
                time.monotonic() - start,
            )
        )

    def _measured(self, parameters: ReadoutParameters) -> np.ndarray:
        """Outputs of all images, averaged over time."""
        if parameters.step_weights is None:
            affine = compiled(self._task.segment, parameters.weights)
            return affine(*self._inputs).numpy()
        weights = tf.constant(parameters.step_weights)
        weights /= self._front.timesteps
        return np.concatenate(
            [
                tf.tensordot(weights, steps, axes=1).numpy()
                for steps in self._steps_of(parameters)
            ]
        )

    def _steps_of(self, parameters: ReadoutParameters) -> Iterator[tf.Tensor]:
        """Outputs at each step, `[T, B, ...]` a micro-batch."""
        front, segment = self._front, self._task.segment
        affine = front.affine(segment, self._task.affine, parameters.weights)
        for index in range(len(front.parts)):
            folded = front.current(segment, affine, index)
            yield unfold(tf.cast(folded, tf.float32), front.timesteps)

    def _chunks(self) -> Iterator[tuple[tf.Tensor, np.ndarray]]:
        fit = ~self._task.held_out
        every = self._steps_of(self.parameters)
        for steps, part in zip(every, self._front.parts, strict=True):
            yield fold(steps), fit[part]

    def _view(self) -> SegmentView:
        task, front = self._task, self._front
        return SegmentView(
            segment=task.segment,
            fixed_layers=task.fixed_layers,
            lag=0,
            kind=front.kind,
            training_set=self._training_set,
            chunks=self._chunks if task.alone else lambda: iter(()),
            constant=front.is_constant(task.segment),
            graphs=front.graphs,
            counting=front.counting,
        )

    def _training_set(self) -> tuple[list[np.ndarray], np.ndarray]:
        fit = ~self._task.held_out
        inputs = [values[fit] for values in self._inputs]
        return inputs, self._task.target[fit]

    def _held_out_error(self, outputs: np.ndarray) -> float:
        held = self._task.held_out
        return relative_error(self._task.target[held], outputs[held])
