"""One segment at one T: proposes, measures, keeps what helps."""

import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tfsnn.graph.segments import Segment
from tfsnn.types import NeuronParameters

from .error_split import ErrorSplit
from .fronts import SpikingFront
from .horizon import Horizon
from .pipeline import Pipeline
from .record import Step
from .relative_error import mean_square, relative_error
from .segment_currents import SegmentCurrents
from .strategy import Strategy
from .tap import SegmentView, Tap
from .unevenness import unevenness

SMALLEST_MEASURED = 128


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """What visits of one segment at several T share.

    Attributes:
        segment: The segment of a neuron.
        affine: Its `compiled` affine part.
        target: What the analog network answers, `[N, ..., C]`.
        held_out: Images no step may fit, bool `[N]`.
        fixed_layers: Names of layers whose weights must not change.
        current_budget: Bytes of current kept, see `SweepConfig`.
        analog_current: Computes what its ReLU gets in the analog network,
            `[N, ..., C]`.
        alone: Whether it is the only one of its role.
        later: Segments behind it, up to the end of its block.
        ahead: Computes what segments behind it answer in the analog network,
            see `AnalogFront.ahead`.
        split_errors: Whether steps say what their error is made of.
        cache: Of what steps compute from the target.
    """

    segment: Segment
    affine: Callable[..., tf.Tensor]
    target: np.ndarray
    held_out: np.ndarray
    fixed_layers: frozenset[str]
    current_budget: int
    analog_current: Callable[[], np.ndarray]
    alone: bool
    later: tuple[Segment, ...]
    ahead: Callable[[tuple[Segment, ...]], dict[str, np.ndarray]]
    split_errors: bool = False
    cache: dict = dataclasses.field(default_factory=dict)


class Visit:
    """Calibrates one segment at one T.

    Attributes:
        steps: What was tried, in order.
    """

    def __init__(self, task: Task, front: SpikingFront):
        """Computes the currents of the images that steps are measured on.

        Args:
            task: The segment.
            front: The spiking network up to it, at one T.
        """
        self._task = task
        self._front = front
        affine = front.affine(task.segment, task.affine)
        spikes = front.num_bytes - front.num_current_bytes
        self._budget = max(0, task.current_budget - spikes)
        self._currents = self._currents_of(affine, self._budget)
        wanted = sum(p.start < SMALLEST_MEASURED for p in front.parts)
        self._num_batches = max(wanted, self._currents.num_kept)
        self._num_measured = front.parts[self._num_batches - 1].stop
        self._parameters: NeuronParameters | None = None
        self._spiking: np.ndarray | None = None
        self._error: float | None = None
        self._contributions: dict[str, float] | None = None
        self._split = self._error_split() if task.split_errors else None
        self.steps: list[Step] = []

    def _error_split(self) -> ErrorSplit:
        count = self._num_measured
        split = ErrorSplit(
            self._task.segment,
            self._front,
            self._task.target[:count],
            held_out=self._task.held_out[:count],
            scale=self._scale(),
        )
        split.look_at_source(self._currents)
        return split

    def calibrate(self, pipeline: Pipeline) -> NeuronParameters:
        """Runs the pipeline, then emits with what was accepted.

        Args:
            pipeline: What to try.

        Returns:
            The parameters kept.
        """
        rejected = None
        for strategy in pipeline.strategies:
            if strategy == rejected:
                continue  # It would propose the same again.
            accepted = self._try(strategy, pipeline.guarded)
            rejected = None if accepted else strategy
        neuron = self._front.neuron(self._task.segment, self._parameters)
        self._front.emit(self._task.segment, neuron, self._currents.drained())
        return self._parameters

    def _try(self, strategy: Strategy, guarded: bool) -> bool:
        """Asks one strategy, measures what it proposes, and decides."""
        start = time.monotonic()
        before = self._error
        proposal = strategy(
            self._tap(), self._parameters, self._front.timesteps
        )
        unevenness = self._unevenness(proposal)
        self._contributions = None
        if proposal is self._parameters:
            accepted, after = False, before
        else:
            accepted, after = self._judge(proposal, guarded, unevenness)
        self.steps.append(
            Step(
                self._task.segment.name,
                self._front.timesteps,
                type(strategy).__name__,
                before,
                after,
                accepted,
                time.monotonic() - start,
                *(unevenness or (None, None)),
                self._contributions,
            )
        )
        return accepted

    def _unevenness(
        self, proposal: NeuronParameters
    ) -> tuple[float, float] | tuple[()]:
        """Before and after, where a temporal bias is proposed."""
        present = self._parameters
        if present is None or proposal.temporal_bias is present.temporal_bias:
            return ()
        held = self._task.held_out
        view = dataclasses.replace(
            self._view(), chunks=lambda: self._chunks(held)
        )
        target = self._task.target[held]
        return tuple(
            unevenness(view, parameters, self._front.timesteps, target)
            / self._scale()
            for parameters in (present, proposal)
        )

    def _judge(
        self,
        proposal: NeuronParameters,
        guarded: bool,
        unevenness: tuple[float, ...],
    ) -> tuple[bool, float]:
        """Takes a proposal over unless the held-out error grows."""
        currents, affine = self._currents, None
        present = self._parameters
        if proposal.weights is not (present and present.weights):
            affine = self._front.affine(
                self._task.segment, self._task.affine, proposal.weights
            )
            currents = self._currents_of(affine)
        neuron = self._front.neuron(self._task.segment, proposal)
        measured = np.concatenate(
            [
                neuron.mean_output(current).numpy()
                for current in currents(self._num_batches)
            ]
        )
        error = self._held_out_error(measured)
        if self._split is not None:
            self._contributions = self._split(proposal, currents, measured)
        allowed = self._error
        if unevenness:  # What comes at the right time may cost a little.
            allowed += unevenness[0] - unevenness[1]
        worse = guarded and allowed is not None and error > allowed
        if worse or not proposal.is_finite():
            return False, error
        if affine is not None:
            self._currents = None  # Makes room for those that replace them.
            self._currents = self._currents_of(affine, self._budget)
        self._parameters, self._spiking = proposal, measured
        self._error = error
        return True, error

    def _currents_of(self, affine, budget=0):
        return SegmentCurrents(self._front, self._task.segment, affine, budget)

    def _tap(self) -> Tap:
        fit = ~self._task.held_out
        target = self._task.target
        if self._spiking is None:
            return Tap(target[fit], None, self._task.cache, view=self._view())
        fit = fit[: self._num_measured]
        target = target[: self._num_measured]
        return Tap(
            target[fit], self._spiking[fit], self._task.cache, view=self._view()
        )

    def _view(self) -> SegmentView:
        task, front = self._task, self._front
        return SegmentView(
            segment=task.segment,
            fixed_layers=task.fixed_layers,
            lag=front.lag_of(task.segment),
            kind=front.kind,
            training_set=self._training_set,
            chunks=lambda: self._chunks(~task.held_out),
            constant=front.is_constant(task.segment),
            graphs=front.graphs,
            analog_current=lambda: task.analog_current()[~task.held_out],
            horizon=self._horizon,
            neuron=lambda values: front.neuron(task.segment, values),
            counting=front.counting,
        )

    def _training_set(self) -> tuple[list[np.ndarray], np.ndarray]:
        fit = ~self._task.held_out
        inputs = self._front.mean_inputs(self._task.segment)
        return [values[fit] for values in inputs], self._task.target[fit]

    def _horizon(self, max_segments: int) -> Horizon:
        task, fit = self._task, ~self._task.held_out
        later = task.later[: max_segments - 1]
        segments = (task.segment, *later)
        inside = {segment.name for segment in segments}
        outside = {s for one in segments for s in one.sources} - inside
        targets = {task.segment.name: task.target, **task.ahead(later)}
        return Horizon(
            segments,
            {s: self._front.mean_source(s)[fit] for s in sorted(outside)},
            {name: values[fit] for name, values in targets.items()},
        )

    def _chunks(
        self, chosen: np.ndarray
    ) -> Iterator[tuple[tf.Tensor, np.ndarray]]:
        at_hand = self._currents(max(1, self._currents.num_kept))
        for current, part in zip(at_hand, self._front.parts, strict=False):
            yield current, chosen[part]

    def _held_out_error(self, spiking: np.ndarray) -> float:
        held = self._task.held_out[: self._num_measured]
        target = self._task.target[: self._num_measured][held]
        return relative_error(target, spiking[held])

    def _scale(self) -> float:
        """Mean square of the held-out targets; one of a silent layer."""
        held = self._task.held_out[: self._num_measured]
        target = self._task.target[: self._num_measured][held]
        return mean_square(target)
