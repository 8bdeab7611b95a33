"""One run over labelled data: accuracy at every step, agreement, rates."""

import time
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from tfsnn.conversion.compiled_neurons import CompiledNeurons
from tfsnn.conversion.stepping import SteppingForm
from tfsnn.conversion.timetable import timetable
from tfsnn.graph.trace import trace
from tfsnn.inputs import input_shapes, take
from tfsnn.layers import SpikingActivation
from tfsnn.progress import progress_bar

from .checks import check_positive, checked_num_classes
from .connections import connections
from .cost import cost_of
from .counted import CountRunner
from .execution import plan
from .folded import FoldedRunner
from .labelled import labelled_batches
from .plain import PlainRunner, graph_without_head
from .record import Evaluation
from .reference import StoredPredictions, predictor
from .stepped import SteppedRunner
from .tally import Tally

MEMORY_BUDGET = 2**30
PLAIN_BATCH = 128


def evaluate(
    model: keras.Model,
    data: Any,
    *,
    reference: keras.Model | np.ndarray | None = None,
    batch_size: int | None = None,
    num_images: int | None = None,
    memory_budget: int = MEMORY_BUDGET,
    progress: bool | None = None,
) -> Evaluation:
    """Evaluates a network on labelled images, in one run over them.

    A prediction is the largest output, after t steps that of the mean over
    them; a last softmax or sigmoid is left out, because saturated outputs
    would tie. A spiking network whose T steps do not fit into memory at once
    is run step by step; a two-phase one in its count form, whatever its T.

    Args:
        model: A spiking model, or a plain network: then without T and rates.
            One output `[B, K]`.
        data: Images with labels, see `labelled_batches`; for several inputs
            `((left, right), labels)`, or a dict by their names in place of the
            tuple.
        reference: The network to agree with, usually the source. Or its
            predictions, so that it runs only once for many evaluations: class
            indices `[N]` or logits `[N, K]`, in the order of the images.
        batch_size: Images at once; None: chosen for speed.
        num_images: Use the first so many; None: all there are.
        memory_budget: Bytes that feature maps and states may take.
        progress: Whether to say how far it is: a bar on a terminal, else a
            line every few seconds; None: on a terminal only.

    Returns:
        The record.

    Raises:
        TypeError: If a network is not a Keras 3 model.
        ValueError: If a network has several outputs, the reference does not
            fit, or a number is below 1.
        ConversionError: If a spiking model has unknown axes and its T is too
            large to compute all steps at once.
        DataError: If images, labels or predictions of the reference are
            missing or do not fit.

    Example:
        >>> print(tfsnn.evaluate(snn, (images, labels), reference=ann))
    """
    start = time.monotonic()
    num_classes = checked_num_classes(model, "model")
    other = predictor(reference, model, num_classes)
    check_positive("batch_size", batch_size)
    check_positive("num_images", num_images)
    check_positive("memory_budget", memory_budget)
    runner, batch_size, clock, table = _runner(model, batch_size, memory_budget)
    batches = labelled_batches(
        data, input_shape=input_shapes(model), batch_size=batch_size
    )
    tally = Tally(runner, num_classes)
    size = _known_size(data, num_images)
    for images, labels in _first(batches, num_images, size, progress):
        tally.add(images, labels, other)
    if isinstance(other, StoredPredictions) and num_images is None:
        other.check_end()
    return Evaluation(
        model=model.name,
        execution=runner.execution,
        batch_size=batch_size,
        seconds=time.monotonic() - start,
        **clock,
        **tally.entries(clock.get("timesteps")),
        cost=_cost(table, tally),
    )


def _cost(table, tally):
    targets = None if table is None else connections(table)
    if targets is None:
        return None
    return cost_of(targets, tally.accumulates(), table.timesteps)


def _runner(model, batch_size, memory_budget):
    """Runner, batch size, entries about time and neurons, timetable."""
    if not any(isinstance(x, SpikingActivation) for x in model.layers):
        return PlainRunner(model), batch_size or PLAIN_BATCH, {}, None
    graph = graph_without_head(trace(model))
    table = timetable(graph)
    chosen = plan(
        graph, table, memory_budget=memory_budget, batch_size=batch_size
    )
    if chosen.execution == "counts":
        runner = CountRunner(graph, table)
    elif chosen.execution == "folded":
        runner = FoldedRunner(graph.model, table)
    else:
        form = SteppingForm(graph.model, neurons=CompiledNeurons())
        runner = SteppedRunner(form)
    kinds = {call.operation.cell.kind.name for call in table.neurons}
    clock = {
        "neuron": ", ".join(sorted(kinds)),
        "timesteps": table.timesteps,
        "lag": table.max_lag,
        "latency_steps": table.latency_steps,
    }
    return runner, chosen.batch_size, clock, table


def _known_size(data: Any, num_images: int | None) -> int | None:
    """How many images there will be; None where only the end tells."""
    if isinstance(data, tuple) and data and _are_arrays(data[0]):
        count = len(keras.tree.flatten(data[0])[0])
        return count if num_images is None else min(count, num_images)
    return num_images


def _are_arrays(images: Any) -> bool:
    return all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(images))


def _first(
    batches: Iterable,
    num_images: int | None,
    size: int | None,
    shown: bool | None,
):
    """Batches up to a number of images, with progress."""
    with progress_bar(
        size, description="evaluating", unit="image", shown=shown
    ) as bar:
        missing = num_images
        for images, labels in batches:
            yield take(images, slice(missing)), labels[:missing]
            bar.update(len(labels[:missing]))
            if missing is not None:
                missing -= min(missing, len(labels))
                if not missing:
                    return
