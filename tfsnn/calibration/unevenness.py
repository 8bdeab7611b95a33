"""How evenly a neuron layer spreads its output over the steps."""

import numpy as np

from tfsnn.types import NeuronParameters

from .forward_run import ForwardRun
from .tap import SegmentView

MAX_IMAGES = 256
"""Images looked at, at most: the means of channels need no more."""


def unevenness(
    view: SegmentView,
    parameters: NeuronParameters,
    timesteps: int,
    target: np.ndarray,
) -> float:
    """Mean squared error of the mean output of each channel at each step.

        mean_{t,c} (mean_{N,H,W} s_c(t) - mean_{N,H,W} a_c)^2

    Zero means over time can hide a train that comes early and one that comes
    late; a pipelined neuron behind it fires on what is there.

    Args:
        view: The segment; its chunks say which images are looked at.
        parameters: Of its neuron.
        timesteps: T.
        target: Their analog activations, `[N, ..., C]`.

    Returns:
        Squared activation units.
    """
    wanted = target.reshape(-1, target.shape[-1]).mean(axis=0, dtype="float64")
    table = np.zeros((timesteps, len(wanted)))
    if parameters.temporal_bias is not None:
        table += parameters.temporal_bias
    run = ForwardRun(view, parameters, timesteps, MAX_IMAGES)
    run.start()
    errors = []
    for charges in table:
        errors.append(run.charge(charges) - wanted)
        run.fire(charges)
    return float(np.mean(np.square(errors)))
