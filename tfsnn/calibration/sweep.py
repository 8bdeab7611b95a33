"""The driver of a calibration: visits each segment once.

The published code runs the whole network T steps for every layer, so its work
grows with the square of the depth. Here two fronts of activations move through
the network together; each segment is computed once, calibrated on what its
calibrated predecessors really emit, and left behind.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.errors import DataError
from tfsnn.graph.segments import JUNCTION, NEURON, Segment, cut
from tfsnn.progress import progress_bar
from tfsnn.types import NeuronParameters

from .arguments import checked_whole
from .fronts import AnalogFront, SpikingFront, compiled
from .images import MIN_IMAGES
from .neuron_run import NeuronRun
from .pipelines import Pipeline
from .record import Step, lag_at
from .strategy import Tap

CURRENT_BUDGET = 2 * 2**30
SMALLEST_MEASURED = 128
NEGLIGIBLE = 1e-12
"""Mean square of a target below which errors are not divided by it."""


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """What a sweep needs besides the pipeline.

    Attributes:
        lag: Lag of every neuron with a temporal current. Where it exceeds T,
            that T has a lag of T; `calibrate` refuses one beyond every T.
        held_out: One image in this many is held out for acceptance.
        current_budget: Bytes of current kept for re-measuring one segment.
            Steps are measured on the images that fit; on 128, computing the
            current of the rest again each time, if fewer do. As many bytes
            again, shared by all T, keep the currents of junctions (as Add)
            until their last reader; those that do not fit are computed again
            by each reader, with the same result.
        progress: Whether to say how far it is: a bar on a terminal, else a
            line every few seconds; None: on a terminal only.
    """

    lag: int = 0
    held_out: int = 4
    current_budget: int = CURRENT_BUDGET
    progress: bool | None = None

    def __post_init__(self):
        """Checks the numbers.

        Raises:
            ValueError: If one is out of range.
        """
        for name, limits in (
            ("lag", {"low": 0}),
            ("held_out", {"low": 2, "high": MIN_IMAGES}),
            ("current_budget", {"low": 0}),
        ):
            default = type(self).__dict__[name]
            value = checked_whole(
                name, getattr(self, name), default=default, **limits
            )
            object.__setattr__(self, name, value)


def sweep(
    conversion: Conversion,
    images: np.ndarray,
    timesteps: list[int],
    pipeline: Pipeline,
    config: SweepConfig,
) -> tuple[dict[int, dict[str, NeuronParameters]], list[Step]]:
    """Calibrates a network for several T in one pass over its segments.

    Args:
        conversion: The prepared network.
        images: `[N, ...]` float32 in random order.
        timesteps: Every T.
        pipeline: What to do to each segment.
        config: See `SweepConfig`.

    Returns:
        T to neuron name to parameters, and every step tried.

    Raises:
        DataError: If an activation is not finite.
    """
    segments = cut(conversion.graph, is_neuron=is_neuron, is_head=is_head)
    # Nothing is computed or kept for the read-outs.
    calibrated = [s for s in segments if s.role in (NEURON, JUNCTION)]
    analog = AnalogFront(calibrated, images)
    # Currents grow with T: all T keep those of the same share of the images.
    share = config.current_budget // sum(timesteps)
    fronts = [
        SpikingFront(calibrated, images, T, junction_budget=T * share)
        for T in timesteps
    ]
    parameters = {T: {} for T in timesteps}
    steps = []
    with progress_bar(
        len(calibrated) * len(fronts),
        description="calibrating",
        unit="segment",
        shown=config.progress,
    ) as bar:
        for segment in calibrated:
            affine = compiled(segment)
            target = analog.advance(segment, affine)
            _check_finite(segment, target)
            shared = {}
            for front in fronts:
                if segment.role == JUNCTION:
                    front.pass_on(segment, affine)
                else:
                    visit = _Visit(
                        segment, affine, front, target, shared, config
                    )
                    chosen = visit.calibrate(pipeline, conversion.config.reset)
                    parameters[front.timesteps][segment.name] = chosen
                    steps += visit.steps
                bar.update()
    return parameters, steps


def _check_finite(segment, target):
    if np.isfinite(target).all():
        return
    raise DataError(
        f"Layer '{segment.name}' of the source answers"
        f" {np.sum(~np.isfinite(target))} NaN or infinite values of"
        f" {target.size} on the calibration images. Supported: finite"
        " activations. Preprocess the images as for the source's training; a"
        " source in float16 may need float32."
    )


def _currents(front, segment, affine, cached=(), stop=None):
    """Micro-batches of current up to `stop`: those at hand, then the others."""
    yield from cached
    for index in range(len(cached), stop or len(front.parts)):
        yield front.current(segment, affine, index)


class _Visit:
    """One segment at one T."""

    def __init__(
        self,
        segment: Segment,
        affine: Callable,
        front: SpikingFront,
        target: np.ndarray,
        shared: dict,
        config: SweepConfig,
    ):
        self._segment = segment
        self._affine = affine
        self._front = front
        self._config = config
        self._shared = shared
        self._cached = self._currents_within_budget()
        wanted = sum(p.start < SMALLEST_MEASURED for p in front.parts)
        self._num_batches = max(wanted, len(self._cached))
        self._num_measured = front.parts[self._num_batches - 1].stop
        self._target = target
        position = np.arange(len(target))
        self._held = position % config.held_out == config.held_out - 1
        self.steps: list[Step] = []

    def calibrate(self, pipeline: Pipeline, reset: str) -> NeuronParameters:
        """Runs the pipeline, then emits with what was accepted."""
        parameters, spiking, error = None, None, None
        rejected = None
        for strategy in pipeline.strategies:
            if strategy == rejected:
                continue  # It would propose the same again.
            start = time.monotonic()
            tap = self._tap(spiking)
            proposal = strategy(tap, parameters, self._front.timesteps)
            measured = self._measure(self._run(proposal, reset))
            new_error = self._held_out_error(measured)
            accepted = error is None or new_error <= error
            self.steps.append(
                Step(
                    self._segment.name,
                    self._front.timesteps,
                    type(strategy).__name__,
                    error,
                    new_error,
                    accepted,
                    time.monotonic() - start,
                )
            )
            rejected = None if accepted else strategy
            if accepted:
                parameters, spiking, error = proposal, measured, new_error
        self._front.emit(
            self._segment,
            self._run(parameters, reset),
            self._currents(),
        )
        return parameters

    def _currents(self, stop: int | None = None) -> Iterator[tf.Tensor]:
        return _currents(
            self._front, self._segment, self._affine, self._cached, stop
        )

    def _currents_within_budget(self) -> list[tf.Tensor]:
        cached, size = [], 0
        for current in _currents(self._front, self._segment, self._affine):
            size += current.dtype.size * int(tf.size(current))
            if size > self._config.current_budget:
                break
            cached.append(current)
        return cached

    def _run(self, parameters, reset):
        return NeuronRun(
            parameters,
            timesteps=self._front.timesteps,
            lag=lag_at(self._config.lag, self._front.timesteps),
            reset=reset,
            constant=self._front.is_constant(self._segment),
            graphs=self._front.graphs,
        )

    def _measure(self, run: NeuronRun) -> np.ndarray:
        currents = self._currents(self._num_batches)
        return np.concatenate([run.mean_output(c).numpy() for c in currents])

    def _tap(self, spiking):
        fit = ~self._held
        if spiking is None:
            return Tap(self._target[fit], None, self._shared)
        fit = fit[: self._num_measured]
        target = self._target[: self._num_measured]
        return Tap(target[fit], spiking[fit], self._shared)

    def _held_out_error(self, spiking: np.ndarray) -> float:
        held = self._held[: self._num_measured]
        target = self._target[: self._num_measured][held]
        difference = (target - spiking[held]).astype("float64")
        scale = np.mean(np.square(target, dtype="float64"))
        if scale < NEGLIGIBLE:  # A silent layer.
            scale = 1.0
        return float(np.mean(np.square(difference)) / scale)
