"""The driver of a calibration: visits each segment once.

The published code runs the whole network T steps for every layer, so its work
grows with the square of the depth. Here two fronts of activations move through
the network together; each segment is computed once, calibrated on what its
calibrated predecessors really emit, and left behind.
"""

import collections
import dataclasses
import functools
import os
from collections.abc import Mapping

import numpy as np

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.conversion.lags import Lag
from tfsnn.errors import DataError
from tfsnn.graph.blocks import blocks
from tfsnn.graph.segments import JUNCTION, READOUT, cut
from tfsnn.graph.view import Graph
from tfsnn.inputs import Images, count_images
from tfsnn.progress import progress_bar
from tfsnn.types import Parameters

from .arguments import checked_whole
from .checkpoint import Checkpoint
from .counting_front import CountingFront
from .fronts import AnalogFront, SpikingFront, compiled
from .images import MIN_IMAGES
from .pipeline import Pipeline
from .record import Step, lag_at
from .resumable import finish
from .two_phase import is_two_phase
from .visit import Task

CURRENT_BUDGET = 2 * 2**30


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """What a sweep needs besides the pipeline.

    Attributes:
        lag: Lag of every neuron with a temporal current, or neuron name to
            lag, 0 for the others. Where one exceeds T, that T has a lag of T;
            `calibrate` refuses one beyond every T. None: 0, but T for
            bit-plane neurons, which can have no other.
        held_out: One image in this many is held out for acceptance.
        current_budget: Bytes of the spikes a segment reads or passes by, and,
            as far as these leave room, of current kept for re-measuring it.
            Steps are measured on the images that fit; on 128, computing the
            current of the rest again each time, if fewer do. As many bytes
            again, shared by all T, keep the currents of junctions (as Add)
            until their last reader; those that do not fit are computed again
            by each reader, with the same result.
        progress: Whether to say how far it is: a bar on a terminal, else a
            line every few seconds; None: on a terminal only.
        checkpoint: Folder for finished segments, for one process at a time.
            What an interrupted calibration of the same model, data and options
            left there is taken over, and the result has the same bits (of a
            `Search`, if the time suffices for the same pipelines); None:
            nothing is kept. It is not removed at the end.
        split_errors: Whether each step says what its error is made of (what
            is inherited, clipping, rounding, unevenness); takes a little time.
    """

    lag: Lag | None = None
    held_out: int = 4
    current_budget: int = CURRENT_BUDGET
    progress: bool | None = None
    checkpoint: str | os.PathLike | None = None
    split_errors: bool = False

    def __post_init__(self):
        """Checks the values.

        Raises:
            TypeError: If the checkpoint is no path.
            ValueError: If a number is out of range.
        """
        object.__setattr__(self, "lag", _checked_lag(self.lag))
        for name, limits in (
            ("held_out", {"low": 2, "high": MIN_IMAGES}),
            ("current_budget", {"low": 0}),
        ):
            default = type(self).__dict__[name]
            value = checked_whole(
                name, getattr(self, name), default=default, **limits
            )
            object.__setattr__(self, name, value)
        place = self.checkpoint
        if not isinstance(place, (str, os.PathLike, type(None))):
            raise TypeError(
                f"checkpoint={place!r}. Supported: the path of a folder, or"
                " None for no checkpoint. Pass one of them."
            )


def sweep(
    conversion: Conversion,
    images: Images,
    timesteps: list[int],
    pipeline: Pipeline,
    config: SweepConfig,
    checkpoint: Checkpoint | None = None,
) -> tuple[dict[int, dict[str, Parameters]], list[Step]]:
    """Calibrates a network for several T in one pass over its segments.

    Args:
        conversion: The prepared network.
        images: `[N, ...]` float32 in random order; of several inputs a tuple.
        timesteps: Every T.
        pipeline: What to do to each segment.
        config: See `SweepConfig`.
        checkpoint: Opened `config.checkpoint`.

    Returns:
        T to name of a neuron, or of a read-out, to parameters; and every step
        tried.

    Raises:
        DataError: If an activation is not finite.
        ExportError: If the checkpoint cannot be written.
    """
    segments = cut(conversion.graph, is_neuron=is_neuron, is_head=is_head)
    # Without a step of theirs, nothing is computed or kept for read-outs.
    calibrated = [s for s in segments if s.role != READOUT or pipeline.readout]
    analog = AnalogFront(calibrated, images)
    kind = conversion.config.kind
    fronts = _fronts(calibrated, images, timesteps, kind, config)
    fixed = _shared_layers(conversion.graph)
    num_alike = collections.Counter(s.role for s in segments)
    parameters = {T: {} for T in timesteps}
    steps = []
    with progress_bar(
        len(calibrated) * len(fronts),
        description="calibrating",
        unit="segment",
        shown=config.progress,
    ) as bar:
        for segment, later in _with_rest_of_block(calibrated):
            affine = compiled(segment)
            target = analog.advance(segment, affine)
            _check_finite(segment, target)
            task = Task(
                segment,
                affine,
                target,
                held_out_images(count_images(images), config),
                fixed,
                config.current_budget,
                analog_current=functools.partial(
                    analog.current, segment, affine
                ),
                alone=num_alike[segment.role] == 1,
                later=later,
                ahead=analog.ahead,
                split_errors=config.split_errors,
            )
            for front in fronts:
                if segment.role == JUNCTION:
                    front.pass_on(segment, affine)
                else:
                    found = finish(task, front, pipeline, checkpoint)
                    parameters[front.timesteps][segment.name] = found.parameters
                    steps += found.steps
                bar.update(note=_note(segment, front, steps))
    return parameters, steps


def _note(segment, front, steps):
    """Where it is, and the error that is left, for people who wait."""
    place = (segment.name, front.timesteps)
    note = "'{}', T = {}".format(*place)
    kept = [
        step.error_after
        for step in steps
        if step.accepted and (step.segment, step.timesteps) == place
    ]
    return f"{note}, error {kept[-1]:.4f}" if kept else note


def _with_rest_of_block(segments):
    """Each segment, and those behind it in its block."""
    for block in blocks(segments):
        for number, segment in enumerate(block):
            yield segment, block[number + 1 :]


def held_out_images(count: int, config: SweepConfig) -> np.ndarray:
    """Which images no step may fit.

    Args:
        count: N.
        config: See `SweepConfig`.

    Returns:
        bool `[N]`.
    """
    return np.arange(count) % config.held_out == config.held_out - 1


def _fronts(segments, images, timesteps, kind, config):
    """The spiking network at every T."""
    # Currents grow with T: all T keep those of the same share of the images.
    share = config.current_budget // sum(timesteps)
    return [
        _front(
            segments,
            images,
            T,
            lag=lag_at(config.lag, T, kind),
            kind=kind,
            junction_budget=T * share,
        )
        for T in timesteps
    ]


def _front(segments, images, timesteps, *, lag, **options):
    """Counts where these say everything, spikes elsewhere."""
    if is_two_phase(segments, lag, timesteps, options["kind"]):
        return CountingFront(segments, images, timesteps, **options)
    return SpikingFront(segments, images, timesteps, lag=lag, **options)


def _checked_lag(lag: Lag | None) -> Lag | None:
    if lag is None:
        return None
    if isinstance(lag, Mapping):
        return {
            name: checked_whole(f"lag[{name!r}]", one, low=0, default=0)
            for name, one in lag.items()
        }
    return checked_whole("lag", lag, low=0, default=None)


def _shared_layers(graph: Graph) -> frozenset[str]:
    """Names of the layers that are called more than once."""
    calls = collections.Counter(call.name for call in graph)
    return frozenset(name for name, count in calls.items() if count > 1)


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
