"""Runs a neuron layer forward in time, all images at one step together."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import State, charge
from tfsnn.dynamics.neuron_kind import NeuronKind
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

        Raises:
            ValueError: If the neuron fires the bits of all its input.
        """
        _check_decides_at_every_step(view.kind)
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
        self._states: list[State] = []
        self._step = 0
        self._fired: np.ndarray | None = None

    def start(self) -> None:
        """Goes back to the initial potential and charges for `lag` steps."""
        self._fired = None
        self._states = [
            self._view.kind.initial_state(
                tf.broadcast_to(
                    tf.cast(self._start, tf.float32),
                    [len(chunk.mask), *self._features],
                )
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
        settings = (self._fired is not None, charges, self._view.kind)
        shared = (self._threshold, self._bias, extra, settled)
        sums = np.zeros(self._features[-1])
        for index, chunk in enumerate(self._chunks):
            state = self._states[index]
            current = self._current(chunk) if charges else state[0]
            tensors = [
                tf.cast(values, tf.float32)
                for values in (current, chunk.mask, *state, *shared)
            ]
            specs = _specs(tensors, 2 + len(state))
            graph = self._view.graphs(
                advance, settings, *specs, jit_compile=True
            )
            *state, found = graph(*tensors)
            self._states[index] = tuple(state)
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
    kind: NeuronKind,
    current: tf.Tensor,
    mask: tf.Tensor,
    *neuron: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """From the charged potential of one firing step to that of the next.

    Args:
        fires: Whether the step before decides now.
        charges: Whether current flows.
        kind: Kind of neuron, one that decides at every step alike.
        current: `[B, ...]`, activation units.
        mask: Weights of the images, `[B]`.
        *neuron: Its state, potential `[B, ...]` in thresholds first; then
            threshold, bias, temporal bias of this step, and that of the step
            before.

    Returns:
        The charged state, this step's temporal bias left out; and the sum of
        the spikes, in thresholds, that the neurons of each channel would fire
        with it, weighted, `[C]`.
    """
    state = neuron[: kind.num_states]
    threshold, bias, extra, settled = neuron[kind.num_states :]

    def fire(state, extra):
        # These kinds look neither at the step nor at T.
        return kind.fire(charge(state, extra / threshold), 0, 1)

    if fires:
        _, state = fire(state, settled)
    if charges:
        state = charge(state, (current + bias) / threshold)
    spikes, _ = fire(state, extra)
    weights = tf.reshape(mask, [-1] + [1] * (len(spikes.shape) - 1))
    axes = list(range(len(spikes.shape) - 1))
    return (*state, tf.reduce_sum(spikes * weights, axis=axes))


def _check_decides_at_every_step(kind):
    if kind.needs_two_phase:
        raise ValueError(
            f"A temporal bias was proposed for neurons of kind '{kind.name}'."
            " Supported: kinds that decide at every step alike; these fire the"
            " bits of all their input. Leave the step out that proposes it."
        )


def _specs(tensors, num_batches):
    """Specifications with an unknown batch axis for the first ones."""
    return [
        tf.TensorSpec(
            [None, *values.shape[1:]] if index < num_batches else values.shape,
            values.dtype,
        )
        for index, values in enumerate(tensors)
    ]
