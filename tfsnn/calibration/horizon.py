"""A segment and those behind it, up to the end of its block."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfsnn.graph.segments import Segment


@dataclasses.dataclass(frozen=True, eq=False)
class Horizon:
    """What is needed to train a segment for what others make of it.

    Attributes:
        segments: The segment being calibrated, then those that follow, in
            order; what they read is among them or in `inputs`.
        inputs: Name of every other source to its mean output over time,
            `[N, ...]`, activation units.
        targets: Name of each of the segments to what it answers in the analog
            network, `[N, ..., C]`; of a junction its current.
    """

    segments: tuple[Segment, ...]
    inputs: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]
