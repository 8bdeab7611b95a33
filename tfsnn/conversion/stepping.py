"""The same spiking network, one step at a time, with explicit state.

The folded model computes all T steps of a layer at once; here all layers of
one step are computed at once, so that memory does not grow with T. Weights,
neurons and windows are the same, and so are the outputs.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from tfsnn.batches import in_order
from tfsnn.dynamics.delay_line import empty_line
from tfsnn.errors import ConversionError
from tfsnn.graph.passes.slice_to_pool import slice_to_pool
from tfsnn.graph.trace import trace
from tfsnn.layers import RepeatTime
from tfsnn.layers.timesteps import checked_lag, checked_timesteps

from .neuron_step import NeuronStep, neuron_step
from .single_step import Observe, SingleStep, StepState, applied, store
from .timetable import is_pool, timetable

Constants = tuple[tf.Tensor, ...]
Readouts = tuple[tf.Tensor, ...]
Update = Callable[[tf.Tensor, Readouts, dict[str, tf.Tensor], Any], Any]


class SteppingForm(tf.Module):
    """A spiking model as `(constants, state) -> (outputs of a step, state)`.

    Each neuron charges during the T steps of its input's window and fires
    during the T steps of its own window, `lag` later; where paths with
    different lags meet, the faster ones wait in delay lines.

    Outputs equal those of the folded model bit for bit where sums are exact
    (dyadic weights); elsewhere up to the order in which a matrix product of
    another number of rows, and the average over time, add up.

    Attributes:
        model: A copy of the model, which holds the weights.
        timetable: When each of its calls runs.
        timesteps: T.
    """

    def __init__(
        self, model: keras.Model, *, neurons: NeuronStep = neuron_step
    ):
        """Copies the model and works out its clock.

        Args:
            model: A spiking model, also one reloaded from a file. Later
                changes to its weights are not seen.
            neurons: Computes the step of each neuron: plain operations, which
                can be saved and loaded everywhere, or `CompiledNeurons()`,
                faster in this process.

        Raises:
            TypeError: If it is not a Keras 3 model.
            ConversionError: If it is not a spiking model, or has feature maps
                with unknown axes.
        """
        super().__init__(name="stepping_form")
        graph = slice_to_pool(trace(model))
        self.model = graph.model
        self.timetable = timetable(graph)
        self.timesteps = self.timetable.timesteps
        self._neurons = neurons
        self._constant_keys = self._find_constants()
        self._check()

    @property
    def latency_steps(self) -> int:
        """Steps from the image to the output, see `latency_steps`."""
        return self._latency(self.timesteps)

    def prelude(self, images: tf.Tensor) -> Constants:
        """Computes what is constant in time, once.

        Args:
            images: `[B, ...]`. For several inputs a tuple or list in the order
                of the model, or a dict from their names.

        Returns:
            The constants that `step` and `finish` need.

        Raises:
            DataError: If there is not one tensor for each input.
        """
        sources = self.model.inputs
        given = in_order(images, "images", [s.name for s in sources])
        values = {
            id(source): tf.cast(tensor, source.dtype)
            for source, tensor in zip(sources, given, strict=True)
        }
        for call in self.timetable.prelude:
            if isinstance(call.operation, RepeatTime):
                # Here a constant stays one value.
                outputs = values[id(call.input_tensors[0])]
            elif is_pool(call):  # Of a constant it is the same at every step.
                outputs = call.operation.pool(values[id(call.input_tensors[0])])
            else:
                outputs = applied(call, lambda tensor: values[id(tensor)])
            store(values, call.outputs, outputs)
        for call in self._neurons_with_constant_current():
            current = values[id(call.input_tensors[0])]
            values[id(call)] = call.operation.cell.scaled_current(current)
        return tuple(values[key] for key in self._constant_keys)

    def initial_state(self, batch_size: int | tf.Tensor) -> StepState:
        """The state before the first step.

        Args:
            batch_size: B.

        Returns:
            Initial potentials, empty delay lines, step 0.
        """
        neurons = []
        for call in self.timetable.neurons:
            features = call.input_tensors[0].shape[1:]
            shape = tf.stack([batch_size, *features])
            neurons.append(call.operation.cell.initial_state(shape))
        lines = tuple(
            empty_line(
                delay, tf.stack([batch_size, *tensor.shape[1:]]), tensor.dtype
            )
            for tensor, delay in self.timetable.delays.values()
        )
        pools = tuple(
            call.operation.initial_state(
                call.input_tensors[0].shape[1:], batch_size
            )
            for call in self.timetable.pools
        )
        return StepState(tf.constant(0), tuple(neurons), lines, pools)

    def state_spec(self) -> StepState:
        """Shapes and dtypes of the state, for any B.

        Returns:
            A `StepState` of `tf.TensorSpec`.
        """
        neurons = []
        for call in self.timetable.neurons:
            cell, current = call.operation.cell, call.input_tensors[0]
            shape = [None, *current.shape[1:]]
            spec = tf.TensorSpec(shape, cell.variable_dtype)
            neurons.append((spec,) * cell.kind.num_states)
        lines = tuple(
            tf.TensorSpec([delay, None, *tensor.shape[1:]], tensor.dtype)
            for tensor, delay in self.timetable.delays.values()
        )
        pools = tuple(
            call.operation.state_spec(call.input_tensors[0].shape[1:])
            for call in self.timetable.pools
        )
        step = tf.TensorSpec([], tf.int32)
        return StepState(step, tuple(neurons), lines, pools)

    def step(
        self,
        constants: Constants,
        state: StepState,
        *,
        timesteps: int | None = None,
        observe: Observe | None = None,
    ) -> tuple[Readouts, StepState]:
        """Computes one step of the whole network.

        Args:
            constants: What `prelude` returns.
            state: State before the step. Without lags it may go on beyond T.
            timesteps: T of the windows; that of the model if None.
            observe: Called with the name and the spikes `[B, ...]`, in
                thresholds, of every neuron.

        Returns:
            What each read-out averages, `[B, ...]`, meaningful within its
            window; and the state after the step.

        Raises:
            ValueError: If T is below 1, below a lag, or not that of bit-plane
                neurons.
        """
        return SingleStep(
            self.timetable,
            self._named(constants),
            state,
            timesteps=self._checked(timesteps),
            observe=observe,
            neuron_step=self._neurons,
        ).run()

    def finish(self, constants: Constants, means: Readouts) -> Any:
        """Computes what follows the read-outs (a softmax), once.

        Args:
            constants: What `prelude` returns.
            means: For each read-out the mean over its window, `[B, ...]`.

        Returns:
            The outputs of the model, in its structure.
        """
        values = self._named(constants)
        for call, mean in zip(self.timetable.readouts, means, strict=True):
            store(values, call.outputs, mean)
        for call in self.timetable.finale:
            outputs = applied(call, lambda tensor: values[id(tensor)])
            store(values, call.outputs, outputs)
        return keras.tree.map_structure(
            lambda tensor: values[id(tensor)], self.model.output
        )

    def over_time(
        self,
        constants: Constants,
        update: Update,
        carried: Any,
        *,
        batch_size: int | tf.Tensor,
        timesteps: int | None = None,
    ) -> Any:
        """Loops over all steps, in memory that does not depend on T.

        Args:
            constants: What `prelude` returns.
            update: `(step, readouts, spikes, carried) -> carried`, called at
                each step with its index, what `step` returns, and the spikes
                `[B, ...]`, in thresholds, of each neuron by name.
            carried: Structure of tensors to start from.
            batch_size: B.
            timesteps: T; that of the model if None.

        Returns:
            The structure after the last step.

        Raises:
            ValueError: If T is below 1, below a lag, or not that of bit-plane
                neurons.
        """
        timesteps = self._checked(timesteps)

        def body(state, carried):
            spikes = {}
            readouts, following = self.step(
                constants,
                state,
                timesteps=timesteps,
                observe=spikes.__setitem__,
            )
            return following, update(state.step, readouts, spikes, carried)

        state = self.initial_state(batch_size)
        _, carried = tf.while_loop(
            lambda state, _: state.step < self._latency(timesteps),
            body,
            (state, carried),
            shape_invariants=(
                tf.nest.map_structure(lambda x: x.shape, self.state_spec()),
                tf.nest.map_structure(_any_batch, carried),
            ),
        )
        return carried

    def zero_sums(self, batch_size: int | tf.Tensor) -> Readouts:
        """Sums over no steps, one `[B, ...]` for each read-out."""
        sums = []
        for call in self.timetable.readouts:
            shape = tf.stack([batch_size, *call.outputs.shape[1:]])
            sums.append(tf.zeros(shape, call.operation.variable_dtype))
        return tuple(sums)

    def run(self, images: tf.Tensor, *, timesteps: int | None = None) -> Any:
        """Computes what the folded model computes; fit for a tf.function.

        Args:
            images: As for `prelude`.
            timesteps: T; that of the model if None.

        Returns:
            The outputs of the model, in its structure.

        Raises:
            ValueError: If T is below 1, below a lag, or not that of bit-plane
                neurons.
        """
        timesteps = self._checked(timesteps)
        batch_size = batch_size_of(images)
        constants = self.prelude(images)
        sums = self.over_time(
            constants,
            lambda step, readouts, spikes, sums: added(sums, readouts),
            self.zero_sums(batch_size),
            batch_size=batch_size,
            timesteps=timesteps,
        )
        return self.finish(constants, averaged(sums, timesteps))

    def per_step(self, images: tf.Tensor) -> Iterator[Any]:
        """Walks over the outputs after 1, 2, ... T steps.

        Args:
            images: As for `prelude`.

        Returns:
            An iterator over the outputs, averaged over the steps so far.

        Raises:
            ValueError: If a neuron has a lag or fires bits: the outputs of a
                shorter run are then not those so far.
        """
        if not self.timetable.has_prefixes:
            raise ValueError(
                f"Model '{self.model.name}' has lags of up to"
                f" {self.timetable.max_lag} steps, or bit-plane neurons."
                " Supported: outputs so far of other neurons, without lags. Use"
                " run(images, timesteps=t) for each t, or a model for each t."
            )
        return self._outputs_so_far(images)

    def _outputs_so_far(self, images):
        batch_size = batch_size_of(images)
        constants = self.prelude(images)
        state = self.initial_state(batch_size)
        sums = self.zero_sums(batch_size)
        step = tf.function(self.step, reduce_retracing=True)
        for number in range(1, self.timesteps + 1):
            readouts, state = step(constants, state)
            sums = added(sums, readouts)
            yield self.finish(constants, averaged(sums, number))

    def _latency(self, timesteps):
        return self.timetable.latency_steps - self.timesteps + timesteps

    def _checked(self, timesteps):
        if timesteps is None:
            return self.timesteps
        timesteps = checked_timesteps(timesteps)
        checked_lag(self.timetable.max_lag, timesteps)
        if timesteps != self.timesteps and self.timetable.has_fixed_steps:
            raise ValueError(
                f"timesteps={timesteps} for model '{self.model.name}', whose"
                f" neurons fire {self.timesteps} bits. Supported: timesteps="
                f"{self.timesteps}. Build a model for each T."
            )
        return timesteps

    def _named(self, constants):
        return dict(zip(self._constant_keys, constants, strict=True))

    def _neurons_with_constant_current(self):
        return [
            call
            for call in self.timetable.neurons
            if self.timetable.arrival(call) is None
        ]

    def _find_constants(self):
        """Keys of what the prelude makes and something later reads."""
        table = self.timetable
        starters = self._neurons_with_constant_current()
        made = [self.model.inputs]
        made += [call.outputs for call in table.prelude]
        made = {id(tensor) for tensor in keras.tree.flatten(made)}
        read = [self.model.outputs]
        for call in (*table.steps, *table.readouts, *table.finale):
            if call not in starters:
                read.append(call.input_tensors)
        read = dict.fromkeys(id(t) for t in keras.tree.flatten(read))
        return [key for key in read if key in made] + list(map(id, starters))

    def _check(self):
        name = self.model.name
        table = self.timetable
        stateful = (*table.neurons, *table.pools)
        tensors = [call.input_tensors[0] for call in stateful]
        tensors += [tensor for tensor, _ in self.timetable.delays.values()]
        for tensor in tensors:
            if None in tensor.shape[1:]:
                raise ConversionError(
                    f"Model '{name}' has a feature map of shape"
                    f" {tuple(tensor.shape[1:])}. Supported for stepping:"
                    " known axes. Give the Input a full shape."
                )


def batch_size_of(images: Any) -> tf.Tensor:
    """B, int32 `[]`, of an image or of a structure of several inputs."""
    return tf.shape(keras.tree.flatten(images)[0])[0]


def added(sums: Readouts, readouts: Readouts) -> Readouts:
    """Sums with one more step."""
    return tuple(a + b for a, b in zip(sums, readouts, strict=True))


def averaged(sums: Readouts, num_steps: int) -> Readouts:
    """Sums over a number of steps as means."""
    # A plain `/` by a constant becomes a product with its rounded inverse.
    return tuple(
        tf.math.divide_no_nan(total, tf.cast(num_steps, total.dtype))
        for total in sums
    )


def _any_batch(tensor: tf.Tensor) -> tf.TensorShape:
    """Shape of a loop variable; the batch may be unknown to the body."""
    shape = tensor.shape.as_list()
    return tf.TensorShape([None, *shape[1:]] if shape else [])
