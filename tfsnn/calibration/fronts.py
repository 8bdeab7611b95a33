"""The two fronts a sweep carries through the network.

The analog front holds what the untouched network computes, the spiking front
(one for each T) what its calibrated neurons emit, both on the same images in
the same order, in micro-batches.

Memory: what later segments still read; of the analog front also what the
present one reads. The analog front holds 4 bytes a neuron and image, the
spiking front the bits of one spike a neuron, image and step, one bit for plain
neurons, and float32 currents of junctions up to a budget; see `FrontierStore`.
"""

import collections
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfsnn.conversion.lags import Lag, lag_of
from tfsnn.conversion.spiking import with_spiking_pools
from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.plain_neuron import IntegrateAndFire
from tfsnn.dynamics.time import fold, repeat, unfold
from tfsnn.graph.passes.max_pools import is_max_pool
from tfsnn.graph.segments import Segment, by_source
from tfsnn.inputs import Images, count_images
from tfsnn.types import NeuronParameters

from .graphs import Graphs
from .neuron_run import NeuronRun
from .spike_store import FrontierStore, total, train_of

ANALOG_BATCH = 128
FOLDED_BATCH = 512
"""Rows (T times images) of a micro-batch: keeps feature maps in the cache."""


def num_readers(segments: list[Segment]) -> dict[str, int]:
    """How many segments read each source."""
    return collections.Counter(
        source for segment in segments for source in segment.sources
    )


def compiled(
    segment: Segment,
    weights: Mapping[str, tuple] | None = None,
    *,
    timesteps: int | None = None,
) -> Callable[..., tf.Tensor]:
    """A segment's affine part as one graph, for any batch size.

    Args:
        segment: It is not changed.
        weights: Layer name to weights that replace its own.
        timesteps: T if the sources come in folded time, which max pooling has
            to know; None: they are constant, or means over time.

    Returns:
        A function of the sources to the current.
    """
    model = segment.model
    if timesteps is not None:
        model = with_spiking_pools(model, timesteps)
    replaced = _variables_with(model, weights or {})
    signature = [
        tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)
        for tensor in model.inputs
    ]

    @tf.function(input_signature=signature)
    def affine(*sources):
        arguments = sources[0] if len(sources) == 1 else list(sources)
        if not weights:
            return model(arguments, training=False)
        return model.stateless_call(*replaced, arguments, training=False)[0]

    graph = affine.get_concrete_function()

    def current(*sources):
        # Images and spikes come as float32, whatever the model computes in.
        pairs = zip(sources, signature, strict=True)
        return graph(*(tf.cast(source, spec.dtype) for source, spec in pairs))

    return current


def _variables_with(model, weights):
    """Values of the trainable and the other variables, some replaced."""
    new = {}
    for layer in model.layers:
        for variable, value in zip(
            layer.weights, weights.get(layer.name, ()), strict=False
        ):
            new[id(variable)] = tf.constant(value, variable.dtype)
    return tuple(
        [new.get(id(variable), variable.value) for variable in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
        )
    )


def slices(count: int, size: int) -> list[slice]:
    """Consecutive slices of at most `size` that cover `count`."""
    return [
        slice(start, min(start + size, count))
        for start in range(0, count, size)
    ]


class AnalogFront:
    """What the analog network computes, segment by segment."""

    def __init__(self, segments: list[Segment], images: Images):
        """Puts the images in.

        Args:
            segments: All segments.
            images: `[N, ...]`; of several inputs a tuple.
        """
        self._slices = slices(count_images(images), ANALOG_BATCH)
        self._store = FrontierStore(num_readers(segments))
        self._store.put_inputs(images, self._slices)
        self._read: tuple[str, ...] = ()

    def advance(self, segment: Segment, current: Callable) -> np.ndarray:
        """Runs one segment and its ReLU over all images.

        What it reads is kept until the next segment, for `current`.

        Args:
            segment: The next segment.
            current: Its `compiled` affine part.

        Returns:
            Activations `[N, ...]`; the plain current where there is no neuron.
        """
        self._store.done(self._read)
        self._read = segment.sources
        outputs = _Gathered(self._slices)
        for output in self._currents(segment, current):
            if segment.neuron is not None:
                output = segment.neuron.operation(output)
            outputs.append(output.numpy())
        if self._store.wants(segment.name):
            self._store.put(segment.name, outputs.batches)
        return outputs.whole.astype("float32", copy=False)

    def current(self, segment: Segment, current: Callable) -> np.ndarray:
        """What the ReLU of the segment just run gets.

        Args:
            segment: The segment that `advance` ran last.
            current: Its `compiled` affine part.

        Returns:
            `[N, ...]`, float32; computed again.
        """
        outputs = [c.numpy() for c in self._currents(segment, current)]
        return np.concatenate(outputs).astype("float32", copy=False)

    def ahead(self, segments: Sequence[Segment]) -> dict[str, np.ndarray]:
        """What segments will answer, without going on to them.

        Args:
            segments: Those that follow the one just run, in order.

        Returns:
            Name to what `advance` will return.
        """
        outputs = {}
        for segment in segments:
            currents = self._currents(segment, compiled(segment), outputs)
            outputs[segment.name] = [
                current.numpy()
                if segment.neuron is None
                else segment.neuron.operation(current).numpy()
                for current in currents
            ]
        return {
            name: np.concatenate(batches).astype("float32", copy=False)
            for name, batches in outputs.items()
        }

    def _currents(self, segment, current, outputs=None):
        """The currents of a segment; `outputs` go before what is stored."""
        outputs = outputs or {}
        for index in range(len(self._slices)):
            sources = [
                outputs[name][index]
                if name in outputs
                else self._store.get(name, index)
                for name in segment.sources
            ]
            yield current(*map(tf.convert_to_tensor, sources))


class _Gathered:
    """Micro-batches that share the memory of the whole.

    Attributes:
        whole: `[N, ...]`.
        batches: Its slices so far.
    """

    def __init__(self, parts: list[slice]):
        self._parts = parts
        self.whole: np.ndarray | None = None
        self.batches: list[np.ndarray] = []

    def append(self, batch: np.ndarray) -> None:
        if self.whole is None:
            shape = (self._parts[-1].stop, *batch.shape[1:])
            self.whole = np.empty(shape, batch.dtype)
        place = self.whole[self._parts[len(self.batches)]]
        place[...] = batch
        self.batches.append(place)


class SpikingFront:
    """What the calibrated spiking network emits at one T.

    Attributes:
        counting: Whether only mean outputs are held, see `CountingFront`.
        timesteps: T.
        lag: Lag of the neurons with a temporal current, see `Lag`.
        kind: Kind of neuron.
        parts: The slice of images of each micro-batch.
        graphs: Graphs compiled for this T.
    """

    counting = False

    def __init__(
        self,
        segments: list[Segment],
        images: Images,
        timesteps: int,
        *,
        lag: Lag = 0,
        kind: NeuronKind | None = None,
        batch: int | None = None,
        junction_budget: float = math.inf,
    ):
        """Puts the images in.

        Args:
            segments: All segments.
            images: `[N, ...]`; of several inputs a tuple.
            timesteps: T.
            lag: Lag of the neurons with a temporal current, 0...T, see `Lag`.
            kind: Kind of neuron; plain ones if None.
            batch: Images of a micro-batch; None: as fit `FOLDED_BATCH`.
            junction_budget: Bytes of junctions' currents kept; beyond, a
                current is computed again whenever it is read.
        """
        self.timesteps = timesteps
        self.graphs = Graphs()
        self.lag = lag
        self.kind = IntegrateAndFire() if kind is None else kind
        batch = batch or max(1, FOLDED_BATCH // timesteps)
        self.parts = slices(count_images(images), batch)
        self._store = FrontierStore(num_readers(segments), junction_budget)
        self._store.put_inputs(images, self.parts)
        self._values: dict[str, tf.Tensor] = {}
        self._junctions: dict[str, tuple[Segment, Callable]] = {}
        self._constant = set(by_source(images))

    @property
    def num_bytes(self) -> int:
        """Bytes of spikes and currents held now."""
        return self._store.num_bytes

    @property
    def num_current_bytes(self) -> int:
        """Bytes of junctions' currents held now, within the budget."""
        return self._store.num_current_bytes

    def is_constant(self, segment: Segment) -> bool:
        """Whether a segment's current is the same at every step."""
        return all(source in self._constant for source in segment.sources)

    def lag_of(self, segment: Segment) -> int:
        """The lag of a segment's neuron, 0 where its current is constant."""
        return (
            0 if self.is_constant(segment) else lag_of(self.lag, segment.name)
        )

    def affine(
        self,
        segment: Segment,
        plain: Callable,
        weights: Mapping[str, tuple] | None = None,
    ) -> Callable:
        """A segment's affine part, as `current` needs it.

        Args:
            segment: A segment whose sources have been emitted.
            plain: What `compiled` returns for it.
            weights: Layer name to weights that replace its own.

        Returns:
            What `compiled` returns for it with these weights, in time if that
            makes a difference.
        """
        pools = any(map(is_max_pool, segment.model.layers))
        if pools and not self.is_constant(segment):
            return compiled(segment, weights, timesteps=self.timesteps)
        return compiled(segment, weights) if weights else plain

    def neuron(
        self, segment: Segment, parameters: NeuronParameters
    ) -> NeuronRun:
        """A segment's neuron with given parameters.

        Args:
            segment: A segment whose sources have been emitted.
            parameters: Of the neuron.

        Returns:
            What runs it on currents.
        """
        return NeuronRun(
            parameters,
            timesteps=self.timesteps,
            lag=lag_of(self.lag, segment.name),
            kind=self.kind,
            constant=self.is_constant(segment),
            graphs=self.graphs,
        )

    def mean_inputs(self, segment: Segment) -> list[np.ndarray]:
        """What a segment reads, averaged over time.

        Args:
            segment: A segment whose sources have been emitted.

        Returns:
            One `[N, ...]` a source, in the order of `segment.sources`.
        """
        return [self.mean_source(name) for name in segment.sources]

    def mean_source(self, name: str) -> np.ndarray:
        """What a source emits, averaged over time.

        Args:
            name: A source that has been emitted and is still to be read.

        Returns:
            `[N, ...]`, activation units.
        """
        return np.concatenate(
            [self._mean(name, index) for index in range(len(self.parts))]
        )

    def current(
        self, segment: Segment, affine: Callable, index: int
    ) -> tf.Tensor:
        """A segment's current for one micro-batch.

        Args:
            segment: A segment whose sources have been emitted.
            affine: See `affine`.
            index: Which micro-batch.

        Returns:
            `[B, ...]` if it is constant in time, else folded `[T*B, ...]`.
        """
        constant = self.is_constant(segment)
        return affine(
            *(self._source(name, index, constant) for name in segment.sources)
        )

    def emit(
        self, segment: Segment, run: NeuronRun, currents: Iterator[tf.Tensor]
    ) -> None:
        """Stores a neuron's spikes for its readers.

        Args:
            segment: The segment of the neuron.
            run: The neuron with its final parameters.
            currents: One for each micro-batch, in order. What they are
                computed from is given up on the way if nothing else reads it.
        """
        if self._store.wants(segment.name):
            self._values[segment.name] = run.threshold
            trains = []
            for index, current in enumerate(currents):
                trains.append(run.packed_train(current).numpy())
                self._store.release(segment.sources, index)
            self._store.put(segment.name, trains)
        self._store.done(segment.sources)

    def pass_on(self, segment: Segment, affine: Callable) -> None:
        """Keeps a junction's current for its readers, or how to compute it.

        Args:
            segment: A junction whose sources have been emitted.
            affine: Its `compiled` affine part.
        """
        if self.is_constant(segment):
            self._constant.add(segment.name)
        if not self._store.wants(segment.name):
            self._store.done(segment.sources)
            return
        affine = self.affine(segment, affine)
        self._junctions[segment.name] = (segment, affine)
        currents = (
            self.current(segment, affine, index).numpy()
            for index in range(len(self.parts))
        )
        self._store.put_currents(segment.name, currents, segment.sources)

    def _mean(self, name, index):
        batch = self._store.get(name, index)
        if name in self._constant:
            return self._source(name, index, True).numpy()
        if name in self._values:
            packed = tf.convert_to_tensor(batch)
            rate = total(packed, self.kind, self.timesteps) / self.timesteps
            return (rate * self._values[name]).numpy()
        folded = self._source(name, index, False)
        return tf.reduce_mean(unfold(folded, self.timesteps), axis=0).numpy()

    def _source(self, name, index, constant):
        batch = self._store.get(name, index)
        if batch is None:
            batch = self.current(*self._junctions[name], index)
        batch = tf.convert_to_tensor(batch)
        if name in self._values:
            return self._folded(batch, self._values[name])
        if name in self._constant and not constant:
            return repeat(batch, self.timesteps)
        return batch

    def _folded(self, packed, value):
        specs = [
            tf.TensorSpec([None, None, *packed.shape[2:]], packed.dtype),
            tf.TensorSpec(value.shape, value.dtype),
        ]
        settings = (self.kind, self.timesteps)
        graph = self.graphs(_folded_train, settings, *specs)
        return graph(packed, value)


def _folded_train(kind, timesteps, packed, threshold):
    """Packed spikes to folded time, in activation units."""
    return fold(train_of(packed, kind, timesteps, threshold.dtype) * threshold)
