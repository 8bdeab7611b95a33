"""Tries several pipelines and keeps, for each T, what answers best."""

import time

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion import Conversion
from tfsnn.conversion.counting_model import counting_model, runs_on_counts
from tfsnn.conversion.stepping import SteppingForm
from tfsnn.conversion.timetable import timetable
from tfsnn.graph.arguments import arguments
from tfsnn.graph.trace import trace
from tfsnn.inputs import Images, count_images, each, in_batches, take
from tfsnn.types import NeuronParameters

from .checkpoint import Checkpoint
from .record import Step, Trial, lag_at
from .refusals import refusal, size_refusal
from .search import Search
from .sweep import SweepConfig, held_out_images, sweep

BATCH = 64

Parameters = dict[int, dict[str, NeuronParameters]]


def run_search(
    conversion: Conversion,
    images: Images,
    timesteps: list[int],
    search: Search,
    config: SweepConfig,
    checkpoint: Checkpoint | None = None,
) -> tuple[Parameters, list[Step], list[Trial]]:
    """Calibrates with every candidate that fits in the time.

    One with a step that the kind of neuron, or a network for images of any
    size, cannot have is left out.

    A candidate is judged by what users see: the outputs of the whole spiking
    network on the held-out images, against those of the analog one.

    Args:
        conversion: The prepared network.
        images: `[N, ...]` float32 in random order; of several inputs a tuple.
        timesteps: Every T.
        search: What to try.
        config: See `SweepConfig`; the lag is the same for all.
        checkpoint: Opened `config.checkpoint`, with a part for each candidate.
            The time of earlier sessions counts, and a candidate that was begun
            is finished.

    Returns:
        Parameters and steps of the best candidate at each T, and all trials.

    Raises:
        DataError: If an activation is not finite.
        ExportError: If the checkpoint cannot be written.
    """
    start = time.monotonic()
    count = count_images(images)
    watched = take(images, held_out_images(count, config))
    target = _outputs(_calls(conversion.analog), watched)
    best: dict[int, tuple] = {}
    trials = []
    unit = 0.0  # Most seconds for a cost of 1 so far.
    pairs = zip(search.candidates, search.costs, strict=True)
    for number, (pipeline, cost) in enumerate(pairs):
        began = time.monotonic()
        spent = (
            began - start + (checkpoint.earlier_seconds if checkpoint else 0)
        )
        part = checkpoint and checkpoint.part(f"candidate-{number}")
        is_begun = not trials or (part and part.num_finished)
        in_time = is_begun or spent + cost * unit <= search.budget
        if not in_time or _misfits(pipeline, conversion):
            trials += [Trial(pipeline.name, T) for T in timesteps]
            continue
        found, steps = sweep(
            conversion, images, timesteps, pipeline, config, part
        )
        seconds = time.monotonic() - began
        seconds += part.earlier_seconds if part else 0
        unit = max(unit, seconds / cost)
        for T in timesteps:
            model = conversion.spiking_model(
                T,
                lag=lag_at(config.lag, T, conversion.config.kind),
                parameters=found[T],
            )
            error = output_error(model, watched, target)
            trials.append(Trial(pipeline.name, T, error, seconds))
            of_t = [step for step in steps if step.timesteps == T]
            if T not in best or error < best[T][0] or np.isnan(best[T][0]):
                best[T] = (error, pipeline.name, found[T], of_t)
    chosen = {T: name for T, (_, name, *_) in best.items()}
    return (
        {T: best[T][2] for T in timesteps},
        [step for T in timesteps for step in best[T][3]],
        [trial.judged(chosen[trial.timesteps]) for trial in trials],
    )


def _misfits(pipeline, conversion) -> bool:
    reason = refusal(pipeline, conversion.config.kind)
    return bool(reason or size_refusal(pipeline, conversion))


def output_error(
    model: keras.Model, images: Images, target: list[np.ndarray]
) -> float:
    """How far a spiking network's outputs are from the analog ones.

    Args:
        model: A spiking model.
        images: `[N, ...]`.
        target: The analog outputs, `[N, ...]` each.

    Returns:
        Squared difference over the square of the target, over all outputs.
    """
    outputs = _spiking_outputs(model, images)
    pairs = list(zip(outputs, target, strict=True))
    scale = sum(float(np.sum(np.square(a, dtype="float64"))) for _, a in pairs)
    error = sum(
        float(np.sum(np.square(s.astype("float64") - a))) for s, a in pairs
    )
    return error / scale if scale else error


def _calls(model: keras.Model):
    return lambda images: model(arguments(model, images))


def _spiking_outputs(model, images) -> list[np.ndarray]:
    table = timetable(trace(model))
    if runs_on_counts(table):
        return _outputs(_calls(counting_model(model)), images)
    if table.has_unknown_axes:  # Stepping has to know the shape of its state.
        return _outputs(_calls(model), images, table.folded_images)
    run = tf.function(SteppingForm(model).run, reduce_retracing=True)
    return _outputs(run, images)


def _outputs(run, images, batch_size=BATCH) -> list[np.ndarray]:
    parts = [
        keras.tree.flatten(run(each(tf.constant, batch)))
        for batch in in_batches(images, batch_size)
    ]
    return [
        np.concatenate([np.asarray(part) for part in output])
        for output in zip(*parts, strict=True)
    ]
