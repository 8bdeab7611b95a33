"""Segments of which only the currents are known."""

import numpy as np
import tensorflow as tf

from tfsnn.calibration import SegmentView
from tfsnn.calibration.graphs import Graphs
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.dynamics import IntegrateAndFire


def view_of(
    currents, *, lag=0, kind=None, fit=None, constant=False
) -> SegmentView:
    """A view of a segment with given currents.

    Args:
        currents: One array a batch: `[T, B, ...]`, or `[B, ...]` if constant.
        lag: Of the neuron.
        kind: Of the neuron; plain if None.
        fit: Which images may be fitted, bool `[B]` a batch; None: all.
        constant: Whether currents are the same at every step.
    """

    kind = kind or IntegrateAndFire()

    def chunks():
        for number, current in enumerate(currents):
            batch = current.shape[0 if constant else 1]
            mask = np.ones(batch, bool) if fit is None else fit[number]
            if not constant:
                current = np.reshape(current, (-1, *current.shape[2:]))
            yield tf.constant(current, tf.float32), mask

    def neuron(parameters):
        timesteps = 1 if constant else len(currents[0])
        return NeuronRun(
            parameters,
            timesteps=timesteps,
            lag=lag,
            kind=kind,
            constant=constant,
        )

    return SegmentView(
        segment=None,
        fixed_layers=frozenset(),
        lag=lag,
        kind=kind,
        training_set=None,
        chunks=chunks,
        constant=constant,
        graphs=Graphs(),
        neuron=neuron,
    )
