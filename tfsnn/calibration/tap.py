"""What a calibration step sees of one segment."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.plain_neuron import IntegrateAndFire
from tfsnn.graph.segments import Segment
from tfsnn.numerics import SortedActivations
from tfsnn.types import NeuronParameters

from .graphs import Graphs
from .horizon import Horizon


class Neuron(Protocol):
    """A neuron layer with parameters of its own."""

    def mean_output(self, current: tf.Tensor) -> tf.Tensor:
        """Mean of its spikes over time.

        Args:
            current: Folded `[T*B, ...]`, or `[B, ...]` if constant.

        Returns:
            `[B, ...]`, activation units.
        """


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentView:
    """A segment as it is now, for steps that need more than its outputs.

    Attributes:
        segment: Its affine part and neuron; not to be changed.
        fixed_layers: Names of layers whose weights other segments use, too.
        lag: Lag of its neuron.
        kind: Kind of its neuron.
        training_set: Gives its mean inputs over time, one `[N, ...]` a source,
            and the targets `[N, ..., C]`, of all images that may be fitted.
        chunks: Walks over the currents at hand in batches, at least one:
            current, and which of its images may be fitted, bool `[B]`. A
            current is folded `[T*B, ...]`, or `[B, ...]` where `constant`.
        constant: Whether the current is the same at every step.
        graphs: Where compiled graphs of this T are kept.
        analog_current: Computes what the ReLU gets in the analog network,
            `[N, ..., C]`, of the images of the training set; None for a
            read-out.
        horizon: Gives the segment and those behind it, up to the end of its
            block and at most so many, of the images of the training set; None
            for a read-out.
        neuron: Gives its neuron with other parameters, to be run on a chunk's
            current; None for a read-out.
        counting: Whether only mean currents are known, because only the
            number of spikes matters (lag = T).
    """

    segment: Segment
    fixed_layers: frozenset[str]
    lag: int
    kind: NeuronKind
    training_set: Callable[[], tuple[list[np.ndarray], np.ndarray]]
    chunks: Callable[[], Iterator[tuple[tf.Tensor, np.ndarray]]]
    constant: bool
    graphs: Graphs
    analog_current: Callable[[], np.ndarray] | None = None
    horizon: Callable[[int], Horizon] | None = None
    neuron: Callable[[NeuronParameters], Neuron] | None = None
    counting: bool = False


class Tap:
    """What a strategy sees of one segment: the images it may fit on.

    Attributes:
        analog: Target activations `[N, ..., C]`, float32.
        spiking: Mean output of the neurons over time with the present
            parameters, `[N, ..., C]`, same units; None before thresholds are
            set.
        view: The segment itself; None where only its outputs are known.
    """

    def __init__(
        self,
        analog: np.ndarray,
        spiking: np.ndarray | None,
        shared: dict | None = None,
        *,
        view: SegmentView | None = None,
    ):
        """Keeps the arrays.

        Args:
            analog: See the class.
            spiking: See the class.
            shared: Cache that taps of the same segment share.
            view: See the class.
        """
        self.analog = analog
        self.spiking = spiking
        self.view = view
        self._shared = {} if shared is None else shared

    @property
    def kind(self) -> NeuronKind:
        """Kind of the neurons; plain where there is no view."""
        return IntegrateAndFire() if self.view is None else self.view.kind

    def sorted_activations(
        self, granularity: str, max_values: int | None = None
    ) -> SortedActivations:
        """Sorted target activations, computed once for all T.

        Args:
            granularity: `"layer"` or `"channel"`.
            max_values: Values used a channel (a layer), or the default.

        Returns:
            See `SortedActivations`.
        """
        # Taps of one segment may see a different number of its first images.
        key = (granularity, max_values, len(self.analog))
        if key not in self._shared:
            self._shared[key] = SortedActivations(
                self.analog, granularity, max_values_per_channel=max_values
            )
        return self._shared[key]
