"""Spike trains of the live frontier, a few bits a spike.

The spike of one step takes the `bits` of its kind of neuron, one of plain
ones, and a byte holds as many steps as fit: a stored train takes
ceil(T / (8 // bits)) bytes a neuron and image, T / 8 of plain neurons, and so
grows with T. Independent of T is only running a network step by step;
calibration needs the trains, as it visits the segments one by one.
"""

import math
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.graph.segments import by_source
from tfsnn.inputs import Images


def steps_per_byte(bits: int) -> int:
    """Steps that share a byte.

    Args:
        bits: Bits that hold the spike of one step, 1...8.

    Returns:
        1...8.
    """
    return 8 // bits


def pack(codes: tf.Tensor, bits: int = 1) -> tf.Tensor:
    """Packs the codes of spikes along time, n = 8 // bits steps a byte.

    Args:
        codes: `[T, B, ...]`, below `2**bits`, any dtype.
        bits: Bits a code, 1...8.

    Returns:
        uint8 `[ceil(T / n), B, ...]`; step t has the bits from
        `bits * (t mod n)` of byte t div n.
    """
    number = steps_per_byte(bits)
    num_whole, num_left = divmod(codes.shape[0], number)
    codes = tf.cast(codes, tf.uint8)
    weights = tf.bitwise.left_shift(
        tf.constant(1, tf.uint8), _shifts(bits, len(codes.shape))
    )
    # Not -1: an empty batch would leave it undetermined.
    shape = tf.concat([[num_whole, number], tf.shape(codes)[1:]], axis=0)
    whole = tf.reshape(codes[: num_whole * number], shape)
    packed = tf.reduce_sum(whole * weights, axis=1)
    if num_left:
        left = codes[None, num_whole * number :] * weights[:, :num_left]
        packed = tf.concat([packed, tf.reduce_sum(left, axis=1)], axis=0)
    return packed


def unpack(packed: tf.Tensor, timesteps: int, bits: int = 1) -> tf.Tensor:
    """The inverse of `pack`.

    Args:
        packed: uint8 `[ceil(T / n), B, ...]`.
        timesteps: T.
        bits: Bits a code, 1...8.

    Returns:
        Codes, uint8 `[T, B, ...]`.
    """
    number = steps_per_byte(bits)
    shifts = _shifts(bits, len(packed.shape))
    codes = tf.bitwise.right_shift(packed[:, None], shifts)
    codes = tf.bitwise.bitwise_and(codes, tf.constant(2**bits - 1, tf.uint8))
    length = -(-timesteps // number) * number
    shape = tf.concat([[length], tf.shape(packed)[1:]], axis=0)
    codes = tf.reshape(codes, shape)[:timesteps]
    return tf.ensure_shape(codes, [timesteps, *packed.shape[1:]])


def train_of(
    packed: tf.Tensor, kind: NeuronKind, timesteps: int, dtype: tf.DType
) -> tf.Tensor:
    """Spikes that are stored packed.

    Args:
        packed: uint8, see `pack`; the codes are those of the kind.
        kind: Kind of the neurons.
        timesteps: T.
        dtype: Of the spikes.

    Returns:
        `[T, B, ...]`, in thresholds.
    """
    codes = unpack(packed, timesteps, kind.bits)
    return kind.decode(codes, tf.range(timesteps), timesteps, dtype=dtype)


def total(packed: tf.Tensor, kind: NeuronKind, timesteps: int) -> tf.Tensor:
    """Sum of the spikes of each neuron.

    Args:
        packed: uint8, see `train_of`.
        kind: Kind of the neurons.
        timesteps: T.

    Returns:
        `[B, ...]`, float32, in thresholds.
    """
    if not kind.is_plain:
        train = train_of(packed, kind, timesteps, tf.float32)
        return tf.reduce_sum(train, axis=0)
    bits = tf.raw_ops.PopulationCount(x=packed)
    return tf.reduce_sum(tf.cast(bits, tf.float32), axis=0)


def _shifts(bits, rank):
    """Where the codes of a byte start, `[1, n, 1, ...]`."""
    number = steps_per_byte(bits)
    values = tf.constant([bits * step for step in range(number)], tf.uint8)
    return tf.reshape(values, [1, number] + [1] * (rank - 1))


class FrontierStore:
    """What each live source emitted, freed when its last reader is done.

    Holds a list of micro-batches a source. Packed spikes take
    `ceil(T / (8 // bits))` bytes a neuron and image, for the largest frontier
    of the network.
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

    def put_inputs(self, images: Images, parts: list[slice]) -> None:
        """Keeps what enters the network, for those inputs that are read.

        Args:
            images: `[N, ...]`; of several inputs a tuple.
            parts: The slice of each micro-batch.
        """
        for name, array in by_source(images).items():
            if self.wants(name):
                self.put(name, [array[part] for part in parts])

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

    def release(self, names: tuple[str, ...], index: int) -> None:
        """Frees one micro-batch of sources that nothing else will read.

        Args:
            names: Sources, whose reader says `done` after its last one.
            index: Which micro-batch.
        """
        for name in names:
            if self._left[name] == 1 and name in self._batches:
                self._batches[name][index] = None

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
