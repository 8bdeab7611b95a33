"""Labelled images that do not fit into memory at once."""

from collections.abc import Callable, Iterator
from concurrent import futures

import numpy as np

from tfsnn_tools.data_readers import Part, Source


class ImageStream:
    """Parts of a source that are read as they are used, anew in each pass.

    Iterates over images `[n, H, W, C]` as the network takes them, and labels
    `[n]`: a form of data that `tfsnn.evaluate` takes.

    Attributes:
        num_images: How many there are.
    """

    def __init__(
        self,
        source: Source,
        part_size: int,
        finish: Callable[[Part], tuple[np.ndarray, np.ndarray | None]],
    ):
        """Reads nothing yet.

        Args:
            source: What is read, of a known number.
            part_size: Images at a time.
            finish: Makes images and labels of what was read.
        """
        self.num_images = source.count
        self._source = source
        self._part_size = part_size
        self._finish = finish

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Reads from the beginning, a part ahead of what is used."""
        parts = map(self._finish, self._source.parts(self._part_size))
        pool = futures.ThreadPoolExecutor(1)
        try:
            waiting = pool.submit(next, parts, None)
            while (part := waiting.result()) is not None:
                waiting = pool.submit(next, parts, None)
                yield part
        finally:  # Whoever wants no more does not wait for more.
            pool.shutdown(wait=False, cancel_futures=True)
