"""Spike counts of a network, by its spike trains and by its count form.

All are dicts from the name of a neuron layer, in the order in which they are
computed, to `[B, ...]`.
"""

from typing import NamedTuple

import keras
import numpy as np

from tests.support.networks import outputs_of
from tfsnn.graph.trace import trace
from tfsnn.layers import CountActivation, SpikingActivation


class Counts(NamedTuple):
    """Of one neuron layer of a count model.

    Attributes:
        counts: Spikes in T steps; the level for neurons that are not plain.
        totals: What is rounded down to them: v0 + T x, in thresholds.
    """

    counts: np.ndarray
    totals: np.ndarray


def folded_counts(model, images):
    """Spikes of a folded model."""
    calls, probe = _probe(model, SpikingActivation)
    found = {}
    for call, (_, train) in zip(calls, probe(images), strict=True):
        shape = (call.operation.timesteps, -1, *train.shape[1:])
        found[call.name] = np.sum(train.reshape(shape) != 0, axis=0)
    return found


def folded_levels(model, images):
    """Sum of the spikes of a folded model, in levels."""
    calls, probe = _probe(model, SpikingActivation)
    found = {}
    for call, (_, train) in zip(calls, probe(images), strict=True):
        layer = call.operation
        shape = (layer.timesteps, -1, *train.shape[1:])
        unit = np.float64(layer.cell.emitted(np.ones((), "float32")))
        mean = np.float64(train).reshape(shape).mean(axis=0) / unit
        levels = layer.cell.kind.quantiser(layer.timesteps).levels_per_threshold
        found[call.name] = np.round(mean * levels)
    return found


def counts(model, images):
    """`Counts` of a count model."""
    calls, probe = _probe(model, CountActivation)
    found = {}
    for call, (current, mean) in zip(calls, probe(images), strict=True):
        layer = call.operation
        unit = np.asarray(layer.cell.emitted(np.ones((), "float32")))
        scaled = np.float64(layer.cell.scaled_current(current))
        start = layer.cell.initial_state(current.shape)[0]
        kind = layer.cell.kind
        levels = kind.quantiser(layer.timesteps).levels_per_threshold
        found[call.name] = Counts(
            np.round(mean / unit * levels),
            np.float64(start) + layer.timesteps * scaled,
        )
    return found


def _probe(model, kind):
    """Its calls of a kind, and a function to their inputs and outputs."""
    graph = trace(model)
    calls = [call for call in graph if isinstance(call.operation, kind)]
    pairs = [[call.args[0], call.outputs] for call in calls]
    tapped = keras.Model(graph.model.input, pairs)

    def probe(images):
        values = iter(outputs_of(tapped, images))
        return list(zip(values, values, strict=True))

    return calls, probe
