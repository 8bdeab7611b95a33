"""Counts of arithmetic, analog and spiking, for one image."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfsnn.numerics.checks import check_not_negative, check_shape


@dataclasses.dataclass(frozen=True)
class Operations:
    """What a network, or a layer of it, computes for one image.

    Attributes:
        macs: Multiply-accumulates.
        accumulates: Additions of a weight because a spike arrived (synaptic
            operations).
        neuron_updates: Updates of a potential, one a neuron and step in which
            it charges or may fire.
    """

    macs: float = 0.0
    accumulates: float = 0.0
    neuron_updates: float = 0.0

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is negative, NaN or infinite.
        """
        for field in dataclasses.fields(self):
            check_not_negative(field.name, getattr(self, field.name))

    def __add__(self, other: Operations) -> Operations:
        """Those of both."""
        return Operations(
            self.macs + other.macs,
            self.accumulates + other.accumulates,
            self.neuron_updates + other.neuron_updates,
        )


def synaptic_operations(spikes: np.ndarray, fan_out: np.ndarray) -> float:
    """Additions that spikes cause.

        sum over neurons i of spikes_i * fan_out_i

    Borders, strides and groups are in the fan-out, so that this is no estimate
    from a rate.

    Args:
        spikes: Spikes of each neuron, `[...]`, at least 0; a mean over images
            need not be whole.
        fan_out: Connections that a spike of each neuron goes along, same shape.

    Returns:
        The number, added up in float64.

    Raises:
        ValueError: If shapes differ or a number is negative, NaN or infinite.

    References:
        Rathi and Roy, DIET-SNN, 2020, arXiv:2008.03658, as used by Li et al.,
        A Free Lunch From ANN, ICML 2021, section 5.5.
    """
    spikes = np.asarray(spikes, np.float64)
    fan_out = np.asarray(fan_out, np.float64)
    check_shape("spikes", spikes.shape, fan_out.shape)
    check_not_negative("spikes", spikes)
    check_not_negative("fan_out", fan_out)
    return float(np.sum(spikes * fan_out))
