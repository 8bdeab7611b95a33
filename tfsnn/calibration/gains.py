"""Gain calibration: least squares between spiking and analog currents."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from tfsnn.graph.last_layers import last_layers, scaled_weights
from tfsnn.numerics import GainFit
from tfsnn.types import NeuronParameters

from .arguments import is_number
from .fronts import ANALOG_BATCH, compiled, slices
from .tap import SegmentView, Tap


@dataclasses.dataclass(frozen=True)
class GainCalibration:
    """Scales the weights in front of a neuron, channel by channel.

        (g, m) = argmin sum_{N,H,W} (g_c z_c + m_c - y_c)^2
        W <- g W,   b <- m,   g within its limits

    z is what the last kernel layers of the segment add to the spiking current,
    on mean inputs, and y what is missing to the analog one: what comes by a
    shortcut cannot be scaled and is left out of both. Where no weights can be
    changed (none in front of the neuron, or shared with another) nothing is
    proposed: a smaller threshold is no gain, for spikes are then worth less.

    Means hide when spikes arrive: bias calibration should follow.

    Attributes:
        smallest: Smallest gain, above 0, up to 1.
        largest: Largest gain, at least 1, finite.

    References:
        Ordinary least squares, see `tfsnn.numerics.GainFit`.
    """

    sets_threshold = False
    smallest: float = 0.5
    largest: float = 2.0

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If a limit is out of range.
        """
        for name, allowed, supported in (
            ("smallest", lambda x: 0 < x <= 1, "above 0, up to 1"),
            ("largest", lambda x: 1 <= x < np.inf, "from 1, finite"),
        ):
            value = getattr(self, name)
            if not is_number(value) or not allowed(value):
                raise ValueError(
                    f"{name}={value!r}. Supported: numbers {supported}; the"
                    f" default is {GainCalibration.__dict__[name]}. Pass one"
                    " of them."
                )

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes scaled weights and a bias `[C]`, see `Strategy`.

        Args:
            tap: What the segment does now; its view is needed.
            parameters: The present parameters.
            timesteps: T.

        Returns:
            Parameters with `weights` and `bias`; `parameters` itself if no
            weights can be changed, or none have to be.
        """
        weights = _weights(tap.view, parameters)
        if not weights:
            return parameters
        fit = GainFit(limits=(self.smallest, self.largest))
        for spiking, analog in _currents(tap.view, parameters, weights):
            fit.add(spiking, analog)
        gain, shift = fit.result()
        if (gain == 1).all() and not shift.any():
            return parameters
        if parameters.temporal_bias is not None:
            shift = shift - np.mean(parameters.temporal_bias, axis=0)
        layer = tap.view.segment.model.get_layer
        scaled = {
            name: scaled_weights(layer(name), values, gain)
            for name, values in weights.items()
        }
        return parameters.replace(
            weights={**(parameters.weights or {}), **scaled},
            bias=shift.astype("float32"),
        )


def _weights(view: SegmentView, parameters: NeuronParameters) -> dict:
    """Present weights of the layers that can be scaled, by name."""
    present, model = parameters.weights or {}, view.segment.model
    return {
        name: present.get(name, model.get_layer(name).get_weights())
        for name in last_layers(model)
        if name not in view.fixed_layers
    }


def _currents(
    view: SegmentView, parameters: NeuronParameters, weights: dict
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What these layers add, and what they should, `[B, ..., C]` each."""
    without = {
        name: tuple(np.zeros_like(value) for value in values)
        for name, values in weights.items()
    }
    present = parameters.weights or {}
    affine = compiled(view.segment, present)
    rest = compiled(view.segment, {**present, **without})
    inputs, _ = view.training_set()
    analog = view.analog_current()
    for part in slices(len(analog), ANALOG_BATCH):
        batch = [values[part] for values in inputs]
        others = rest(*batch).numpy().astype("float64")
        yield affine(*batch).numpy() - others, analog[part] - others
