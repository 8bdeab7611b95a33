"""Spike trains of the live frontier, one bit a spike."""

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
    missing = -train.shape[0] % _BITS
    bits = tf.cast(train, tf.uint8)
    packed = []
    for start in range(0, train.shape[0] + missing, _BITS):
        byte = bits[start]
        for offset in range(1, min(_BITS, train.shape[0] - start)):
            byte += bits[start + offset] * tf.constant(2**offset, tf.uint8)
        packed.append(byte)
    return tf.stack(packed)


def unpack(packed: tf.Tensor, timesteps: int, value: tf.Tensor) -> tf.Tensor:
    """The inverse of `pack`, with spikes of a given value.

    Args:
        packed: uint8 `[ceil(T / 8), B, ...]`.
        timesteps: T.
        value: What a spike carries, `[]`, `[C]` or a feature map's shape.

    Returns:
        `[T, B, ...]` in the dtype of `value`, 0 or `value`.
    """
    one = tf.constant(1, tf.uint8)
    steps = []
    for step in range(timesteps):
        shift = tf.constant(step % _BITS, tf.uint8)
        bit = tf.bitwise.right_shift(packed[step // _BITS], shift)
        bit = tf.bitwise.bitwise_and(bit, one)
        steps.append(tf.cast(bit, value.dtype) * value)
    return tf.stack(steps)


class FrontierStore:
    """What each live source emitted, freed when its last reader is done.

    Holds a list of micro-batches a source. Its memory is bounded by the
    largest frontier: packed spikes take `ceil(T / 8)` bytes a neuron and image.
    """

    def __init__(self, num_readers: dict[str, int]):
        """Starts empty.

        Args:
            num_readers: Source name to the number of segments that read it.
        """
        self._left = dict(num_readers)
        self._batches: dict[str, list] = {}

    def wants(self, name: str) -> bool:
        """Whether anything will read a source."""
        return self._left.get(name, 0) > 0

    def put(self, name: str, batches: list) -> None:
        """Keeps a source's micro-batches until its last reader is done."""
        self._batches[name] = batches

    def get(self, name: str, index: int):
        """One micro-batch of a source."""
        return self._batches[name][index]

    def done(self, names: tuple[str, ...]) -> None:
        """Says that one reader of each of these sources has finished."""
        for name in names:
            self._left[name] -= 1
            if not self._left[name]:
                del self._batches[name]

    @property
    def num_bytes(self) -> int:
        """Bytes held now."""
        return sum(
            np.asarray(batch).nbytes
            for batches in self._batches.values()
            for batch in batches
        )
