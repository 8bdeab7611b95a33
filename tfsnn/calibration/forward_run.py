"""Runs a neuron layer forward in time, all images at one step together."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import RESETS, charge
from tfsnn.dynamics.time import unfold
from tfsnn.types import NeuronParameters

from .tap import SegmentView


class _Chunk(NamedTuple):
    """Currents by step, `[T, B, ...]` or `[B, ...]`, and images' weights."""

    current: tf.Tensor
    mask: tf.Tensor


class ForwardRun:
    """Charges, lets the caller look at a step, fires, goes on.

    Call `start`, then `charge` and `fire` in turn, once for each of T steps.
    """

    def __init__(
        self,
        view: SegmentView,
        parameters: NeuronParameters,
        timesteps: int,
        max_images: int,
    ):
        """Takes the currents of the first images.

        Args:
            view: The segment.
            parameters: Of its neuron; a temporal bias is left to the caller.
            timesteps: T.
            max_images: Images used, rounded up to whole micro-batches.
        """
        self._view = view
        self._timesteps = timesteps
        self._threshold = tf.convert_to_tensor(parameters.threshold)
        bias = parameters.bias
        self._bias = tf.zeros_like(self._threshold) if bias is None else bias
        self._start = parameters.initial_potential / parameters.threshold
        self._chunks = self._first_chunks(max_images)
        features = self._chunks[0].current.shape[1 if view.constant else 2 :]
        self._features = tuple(features)
        images = sum(float(tf.reduce_sum(c.mask)) for c in self._chunks)
        self._count = images * np.prod(self._features[:-1])
        self._potentials: list[tf.Tensor] = []
        self._step = 0
        self._fired: np.ndarray | None = None

    def start(self) -> None:
        """Goes back to the initial potential and charges for `lag` steps."""
        self._fired = None
        self._potentials = [
            tf.broadcast_to(
                tf.cast(self._start, tf.float32),
                [len(chunk.mask), *self._features],
            )
            for chunk in self._chunks
        ]
        nothing = np.zeros(self._features[-1])
        self._step = 0
        while self._step < self._view.lag:
            self._advance(nothing)
            self._step += 1

    def charge(self, extra: np.ndarray) -> np.ndarray:
        """Charges the next firing step.

        Args:
            extra: Its temporal bias so far, `[C]`.

        Returns:
            Mean output `[C]` over images and positions if it fired with it.
        """
        sums = self._advance(extra)
        self._step += 1
        threshold = self._threshold.numpy().astype("float64")
        return threshold * sums / self._count

    def fire(self, extra: np.ndarray) -> None:
        """Fires; done together with the charging of the next step.

        Args:
            extra: The temporal bias of this step, `[C]`.
        """
        self._fired = extra

    def _advance(self, extra):
        """Fires if asked to, charges, and sums what `extra` would make fire."""
        charges = self._step < self._timesteps
        settled = extra if self._fired is None else self._fired
        settings = (self._fired is not None, charges, self._view.reset)
        shared = (self._threshold, self._bias, extra, settled)
        sums = np.zeros(self._features[-1])
        for index, chunk in enumerate(self._chunks):
            potential = self._potentials[index]
            current = self._current(chunk) if charges else potential
            tensors = [
                tf.cast(values, tf.float32)
                for values in (potential, current, chunk.mask, *shared)
            ]
            graph = self._view.graphs(
                advance, settings, *_specs(tensors), jit_compile=True
            )
            self._potentials[index], found = graph(*tensors)
            sums += found.numpy()
        return sums

    def _current(self, chunk):
        if self._view.constant:
            return chunk.current
        return chunk.current[self._step]

    def _first_chunks(self, max_images):
        chunks, count = [], 0
        for current, fit in self._view.chunks():
            if not self._view.constant:
                current = unfold(current, self._timesteps)
            chunks.append(_Chunk(current, tf.constant(fit, tf.float32)))
            count += len(fit)
            if count >= max_images:
                break
        return chunks


def advance(
    fires: bool,
    charges: bool,
    reset: str,
    potential: tf.Tensor,
    current: tf.Tensor,
    mask: tf.Tensor,
    *neuron: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """From the charged potential of one firing step to that of the next.

    Args:
        fires: Whether the step before decides now.
        charges: Whether current flows.
        reset: `"soft"` or `"hard"`.
        potential: `[B, ...]` in thresholds.
        current: `[B, ...]`, activation units.
        mask: Weights of the images, `[B]`.
        *neuron: Threshold, bias, temporal bias of this step, and that of the
            step before.

    Returns:
        The charged potential, this step's temporal bias left out; and how
        many neurons of each channel would fire with it, weighted, `[C]`.
    """
    threshold, bias, extra, settled = neuron
    fire, state = RESETS[reset], (potential,)
    if fires:
        _, state = fire(charge(state, settled / threshold))
    if charges:
        state = charge(state, (current + bias) / threshold)
    spikes, _ = fire(charge(state, extra / threshold))
    weights = tf.reshape(mask, [-1] + [1] * (len(potential.shape) - 1))
    axes = list(range(len(potential.shape) - 1))
    return state[0], tf.reduce_sum(spikes * weights, axis=axes)


def _specs(tensors):
    """Specifications with an unknown batch axis for the first three."""
    return [
        tf.TensorSpec(
            [None, *values.shape[1:]] if index < 3 else values.shape,
            values.dtype,
        )
        for index, values in enumerate(tensors)
    ]
