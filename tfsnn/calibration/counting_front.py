"""The front of a two-phase network: spike counts, no time axis.

Where every neuron first integrates all its input and then fires (lag = T),
only the number of its spikes matters (of bit planes, the number that they
write). The front then costs what the analog one does, for any T.
"""

import math
from collections.abc import Callable, Iterator

import tensorflow as tf

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.graph.segments import Segment, by_source
from tfsnn.inputs import Images
from tfsnn.types import NeuronParameters

from .fronts import ANALOG_BATCH, SpikingFront


class CountRun:
    """A neuron layer outside of any model, on mean currents.

    Attributes:
        threshold: Its threshold as a tensor.
    """

    def __init__(
        self,
        parameters: NeuronParameters,
        *,
        timesteps: int,
        kind: NeuronKind,
        steady: bool,
    ):
        """Keeps parameters and clock.

        Args:
            parameters: Of the neuron.
            timesteps: T.
            kind: Kind of neuron; it `has_counts`.
            steady: Whether its current is the same at every step, so that it
                decides at every step.
        """
        self.threshold = tf.convert_to_tensor(parameters.threshold)
        bias = parameters.bias
        self._bias = tf.zeros_like(self.threshold) if bias is None else bias
        self._start = parameters.initial_potential / parameters.threshold
        self._kind = kind
        self._steady = steady
        self._timesteps = timesteps
        self._levels = kind.quantiser(timesteps).levels_per_threshold

    def mean_output(self, current: tf.Tensor) -> tf.Tensor:
        """Mean of the spikes over time, activation units.

        Args:
            current: Mean over time, `[B, ...]`.

        Returns:
            `[B, ...]`, float32 or, of a float64 current, float64.
        """
        dtype = tf.float64 if current.dtype == tf.float64 else tf.float32
        current, start, bias, threshold = (
            tf.cast(values, dtype)
            for values in (current, self._start, self._bias, self.threshold)
        )
        current = (current + bias) / threshold
        counts = self._kind.count(
            start, current, self._timesteps, constant=self._steady
        )
        return tf.cast(
            counts * (threshold / self._levels), self.threshold.dtype
        )


class CountingFront(SpikingFront):
    """What the calibrated two-phase network emits at one T, on average."""

    counting = True

    def __init__(
        self,
        segments: list[Segment],
        images: Images,
        timesteps: int,
        *,
        kind: NeuronKind | None = None,
        junction_budget: float = math.inf,
    ):
        """Puts the images in; arguments as in `SpikingFront`."""
        super().__init__(
            segments,
            images,
            timesteps,
            lag=timesteps,
            kind=kind,
            batch=ANALOG_BATCH,
            junction_budget=junction_budget,
        )
        self._steady = set(by_source(images))

    def is_constant(self, segment: Segment) -> bool:
        """True: no current has a time axis here."""
        return True

    def neuron(
        self, segment: Segment, parameters: NeuronParameters
    ) -> CountRun:
        """See `SpikingFront`."""
        return CountRun(
            parameters,
            timesteps=self.timesteps,
            kind=self.kind,
            steady=self._steady.issuperset(segment.sources),
        )

    def emit(
        self, segment: Segment, run: CountRun, currents: Iterator[tf.Tensor]
    ) -> None:
        """Stores a neuron's mean outputs for its readers."""
        self._constant.add(segment.name)
        if self._store.wants(segment.name):
            means = [run.mean_output(current).numpy() for current in currents]
            self._store.put(segment.name, means)
        self._store.done(segment.sources)

    def pass_on(self, segment: Segment, affine: Callable) -> None:
        """See `SpikingFront`."""
        if self._steady.issuperset(segment.sources):
            self._steady.add(segment.name)
        super().pass_on(segment, affine)
