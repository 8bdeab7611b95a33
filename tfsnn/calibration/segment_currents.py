"""The currents of one segment, kept as far as memory allows."""

from collections.abc import Callable, Iterator

import tensorflow as tf

from tfsnn.graph.segments import Segment

from .fronts import SpikingFront


class SegmentCurrents:
    """Micro-batches of current: the first ones kept, the others computed anew.

    Attributes:
        num_kept: Micro-batches that are kept.
    """

    def __init__(
        self,
        front: SpikingFront,
        segment: Segment,
        affine: Callable[..., tf.Tensor],
        budget: int = 0,
    ):
        """Computes what fits.

        Args:
            front: Whose sources have been emitted.
            segment: The segment.
            affine: Its `compiled` affine part.
            budget: Bytes that may be kept.
        """
        self._front = front
        self._segment = segment
        self._affine = affine
        self._kept = []
        size = 0
        for current in self() if budget else ():
            size += current.dtype.size * int(tf.size(current))
            if size > budget:
                break
            self._kept.append(current)

    @property
    def num_kept(self) -> int:
        """Micro-batches that are kept."""
        return len(self._kept)

    def drained(self) -> Iterator[tf.Tensor]:
        """Walks over all micro-batches, giving up those kept.

        Returns:
            An iterator as from a call; this object is of no use after it.
        """
        kept, self._kept = self._kept[::-1], []
        count = len(kept)
        while kept:
            yield kept.pop()
        yield from self._computed(count, len(self._front.parts))

    def __call__(self, stop: int | None = None) -> Iterator[tf.Tensor]:
        """Walks over the micro-batches, in order.

        Args:
            stop: How many; None: all.

        Returns:
            An iterator over currents, folded, or `[B, ...]` if constant.
        """
        kept = self._kept[:stop]
        yield from kept
        yield from self._computed(len(kept), stop or len(self._front.parts))

    def _computed(self, start: int, stop: int) -> Iterator[tf.Tensor]:
        for index in range(start, stop):
            yield self._front.current(self._segment, self._affine, index)
