"""What the held-out error of one segment is made of."""

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.time import unfold
from tfsnn.graph.segments import Segment
from tfsnn.numerics.error_parts import ErrorSums, error_parts
from tfsnn.numerics.mean_response import mean_response
from tfsnn.types import NeuronParameters

from .fronts import SpikingFront
from .segment_currents import SegmentCurrents


class ErrorSplit:
    """Splits the error of a proposal into parts that add up to it."""

    def __init__(
        self,
        segment: Segment,
        front: SpikingFront,
        target: np.ndarray,
        *,
        held_out: np.ndarray,
        scale: float,
    ):
        """Keeps what all proposals share.

        Args:
            segment: The segment of a neuron.
            front: The spiking network up to it.
            target: Analog activations of the images measured, `[N, ..., C]`.
            held_out: Which of them no step fits, bool `[N]`.
            scale: What mean squared errors are divided by.
        """
        self._segment = segment
        self._front = front
        self._target = target[held_out]
        self._held_out = held_out
        self._size = scale * self._target.size
        self._source: np.ndarray | None = None

    def look_at_source(self, currents: SegmentCurrents) -> None:
        """Notes the mean currents that the source's weights give.

        Args:
            currents: Of the segment, with the weights of the source.
        """
        self._source = self._means(currents)

    def __call__(
        self,
        parameters: NeuronParameters,
        currents: SegmentCurrents,
        measured: np.ndarray,
    ) -> dict[str, float]:
        """Splits the error of one proposal, see `error_parts`.

        Args:
            parameters: What was proposed.
            currents: With its weights.
            measured: Mean output of its neuron, `[N, ..., C]`.

        Returns:
            Part to contribution; they add up to the relative error.
        """
        timesteps = self._front.timesteps
        current = self._means(currents)
        if parameters.bias is not None:
            current = current + parameters.bias
        if parameters.temporal_bias is not None:
            extra = parameters.temporal_bias.sum(axis=0) / timesteps
            current = current + extra
        quantiser = self._front.kind.quantiser(timesteps)
        closed_form = mean_response(
            current,
            parameters.threshold,
            parameters.initial_potential,
            timesteps,
            quantiser,
        )
        sums = ErrorSums()
        sent = measured[self._held_out]
        parts = error_parts(
            self._target,
            self._answer(self._source),
            self._answer(current),
            closed_form,
            sent,
            quantiser.largest_value(parameters.threshold),
        )
        sums.add(self._target, sent, parts)
        return {
            name: value / self._size
            for name, value in sums.contributions.items()
        }

    def _answer(self, current):
        return np.asarray(self._segment.neuron.operation(current))

    def _means(self, currents: SegmentCurrents) -> np.ndarray:
        """Mean currents of the held-out images, without biases."""
        found, start = [], 0
        for current in currents():
            mean = self._over_time(current)
            stop = min(start + len(mean), len(self._held_out))
            chosen = self._held_out[start:stop]
            found.append(mean[: len(chosen)][chosen])
            start = stop
            if start == len(self._held_out):
                break
        return np.concatenate(found)

    def _over_time(self, current):
        front = self._front
        if front.counting or front.is_constant(self._segment):
            return current.numpy()
        return tf.reduce_mean(unfold(current, front.timesteps), 0).numpy()
