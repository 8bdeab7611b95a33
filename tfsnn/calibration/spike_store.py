"""Spike trains of the live frontier, one bit a spike.

A stored train takes T / 8 bytes a neuron and image (rounded up to a byte), so
this memory grows with T. Independent of T is only running a network step by
step; calibration needs the trains, as it visits the segments one by one.
"""

import math
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

_BITS = 8


def pack(train: tf.Tensor) -> tf.Tensor:
    """Packs spikes of 0 and 1 along time, eight steps a byte.

    Args:
        train: `[T, B, ...]`, 0 or 1, any dtype.

    Returns:
        uint8 `[ceil(T / 8), B, ...]`; step t is bit t mod 8 of byte t div 8.
    """
    num_whole, num_left = divmod(train.shape[0], _BITS)
    bits = tf.cast(train, tf.uint8)
    weights = _weights(len(train.shape))
    # Not -1: an empty batch would leave it undetermined.
    shape = tf.concat([[num_whole, _BITS], tf.shape(bits)[1:]], axis=0)
    whole = tf.reshape(bits[: num_whole * _BITS], shape)
    packed = tf.reduce_sum(whole * weights, axis=1)
    if num_left:
        left = bits[None, num_whole * _BITS :] * weights[:, :num_left]
        packed = tf.concat([packed, tf.reduce_sum(left, axis=1)], axis=0)
    return packed


def unpack(packed: tf.Tensor, timesteps: int, value: tf.Tensor) -> tf.Tensor:
    """The inverse of `pack`, with spikes of a given value.

    Args:
        packed: uint8 `[ceil(T / 8), B, ...]`.
        timesteps: T.
        value: What a spike carries, `[]`, `[C]` or a feature map's shape.

    Returns:
        `[T, B, ...]` in the dtype of `value`, 0 or `value`.
    """
    weights = _weights(len(packed.shape))
    bits = tf.bitwise.bitwise_and(packed[:, None], weights)
    length = -(-timesteps // _BITS) * _BITS
    shape = tf.concat([[length], tf.shape(packed)[1:]], axis=0)
    bits = tf.reshape(bits, shape)[:timesteps]
    spikes = tf.ensure_shape(bits, [timesteps, *packed.shape[1:]])
    return tf.cast(tf.cast(spikes, tf.bool), value.dtype) * value


def count(packed: tf.Tensor) -> tf.Tensor:
    """Number of spikes of each neuron.

    Args:
        packed: uint8 `[ceil(T / 8), B, ...]`.

    Returns:
        `[B, ...]`, float32.
    """
    bits = tf.raw_ops.PopulationCount(x=packed)
    return tf.reduce_sum(tf.cast(bits, tf.float32), axis=0)


def _weights(rank):
    """What each bit of a byte is worth, `[1, 8, 1, ...]`."""
    values = tf.constant([2**bit for bit in range(_BITS)], tf.uint8)
    return tf.reshape(values, [1, _BITS] + [1] * (rank - 1))


class FrontierStore:
    """What each live source emitted, freed when its last reader is done.

    Holds a list of micro-batches a source. Packed spikes take `ceil(T / 8)`
    bytes a neuron and image, for the largest frontier of the network.
    Currents of junctions take as many bytes as the budget allows; what is not
    held has to be computed again, so a junction's sources then live as long
    as the junction.
    """

    def __init__(
        self, num_readers: dict[str, int], current_budget: float = math.inf
    ):
        """Starts empty.

        Args:
            num_readers: Source name to the number of segments that read it.
            current_budget: Bytes of currents held at most.
        """
        self._left = dict(num_readers)
        self._budget = current_budget
        self._batches: dict[str, list] = {}
        self._currents: dict[str, list] = {}
        self._claims: dict[str, tuple[str, ...]] = {}
        self._num_current_bytes = 0

    def wants(self, name: str) -> bool:
        """Whether anything will read a source."""
        return self._left.get(name, 0) > 0

    def put(self, name: str, batches: list) -> None:
        """Keeps a source's micro-batches until its last reader is done."""
        self._batches[name] = batches

    def put_currents(
        self,
        name: str,
        currents: Iterable[np.ndarray],
        sources: tuple[str, ...],
    ) -> None:
        """Keeps a junction's first micro-batches, as many as the budget allows.

        Says `done` for it: to sources it needs no more now, to the others
        when its own last reader is done.

        Args:
            name: Name of the junction.
            currents: Its micro-batches; computed no further than needed.
            sources: What it is computed from.
        """
        held = self._currents[name] = []
        for index, current in enumerate(currents):
            # Junctions that nothing else reads give their place.
            spent = [
                self._currents[source]
                for source in sources
                if self._left[source] == 1
                and index < len(self._currents.get(source, ()))
            ]
            spent = [kept for kept in spent if kept[index] is not None]
            given = sum(kept[index].nbytes for kept in spent)
            size = self._num_current_bytes - given + current.nbytes
            if size > self._budget:
                self._claims[name] = sources
                return
            self._num_current_bytes = size
            for kept in spent:
                kept[index] = None
            held.append(current)
        self.done(sources)

    def get(self, name: str, index: int):
        """One micro-batch of a source; None: of a junction and not held."""
        if name not in self._currents:
            return self._batches[name][index]
        held = self._currents[name]
        return held[index] if index < len(held) else None

    def done(self, names: tuple[str, ...]) -> None:
        """Says that one reader of each of these sources has finished."""
        for name in names:
            self._left[name] -= 1
            if not self._left[name]:
                self._batches.pop(name, None)
                currents = self._currents.pop(name, [])
                self._num_current_bytes -= _num_bytes(currents)
                self.done(self._claims.pop(name, ()))

    @property
    def num_bytes(self) -> int:
        """Bytes held now, spikes and currents."""
        return self._num_current_bytes + sum(
            map(_num_bytes, self._batches.values())
        )

    @property
    def num_current_bytes(self) -> int:
        """Bytes of currents held now, at most the budget."""
        return self._num_current_bytes


def _num_bytes(batches):
    return sum(np.asarray(b).nbytes for b in batches if b is not None)
