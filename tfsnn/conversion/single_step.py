"""One step of a whole spiking network."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfsnn.dynamics.delay_line import read_line, write_line
from tfsnn.dynamics.integrate_and_fire import State
from tfsnn.dynamics.running_maximum import PoolState
from tfsnn.graph.view import Call

from .neuron_step import (
    NeuronOutputs,
    NeuronStep,
    is_within,
    within_window,
)
from .timetable import Timetable, is_pool, is_spiking

Observe = Callable[[str, tf.Tensor], None]


class StepState(NamedTuple):
    """Everything a network carries from one step to the next.

    Attributes:
        step: Index of the step to come, int32 `[]`.
        neurons: State of each neuron; potentials `[B, ...]` in thresholds,
            first, and what else its kind keeps.
        lines: Delay lines `[delay, B, ...]` of values that wait for others.
        pools: State of each max pooling over time.
    """

    step: tf.Tensor
    neurons: tuple[State, ...]
    lines: tuple[tf.Tensor, ...]
    pools: tuple[PoolState, ...] = ()


class SingleStep:
    """Computes one step; made for it and thrown away after it."""

    def __init__(
        self,
        table: Timetable,
        values: Mapping[int, tf.Tensor],
        state: StepState,
        *,
        timesteps: int,
        observe: Observe | None,
        neuron_step: NeuronStep,
    ):
        """Takes what the step starts from.

        Args:
            table: Of the network.
            values: Ids of tensors that are constant in time to their values;
                ids of neurons with a constant current to that, in thresholds.
            state: State before the step.
            timesteps: T of the windows.
            observe: See `SteppingForm.step`.
            neuron_step: Computes the step of each neuron.
        """
        self._table = table
        self._values = dict(values)
        self._state = state
        # Without lags every window is the whole run.
        self._window = timesteps if table.max_lag else None
        self._observe = observe
        self._neuron_step = neuron_step
        self._lines = {key: i for i, key in enumerate(table.delays)}
        self._read = {key: [] for key in table.delays}

    def run(self) -> tuple[tuple[tf.Tensor, ...], StepState]:
        """Returns what `SteppingForm.step` returns."""
        states, pools = [], []
        for call in self._table.steps:
            if is_pool(call):
                outputs, pool = self._pool(call, self._state.pools[len(pools)])
                pools.append(pool)
            elif is_spiking(call):
                index = len(states)
                fired = self._fire(call, self._state.neurons[index])
                states.append(fired.state)
                outputs = fired.emitted
            else:
                outputs = self._apply(call)
            store(self._values, call.outputs, outputs)
        readouts = []
        for call in self._table.readouts:
            value = self._value(call, call.input_tensors[0])
            value = tf.cast(value, call.operation.variable_dtype)
            since = self._state.step - (self._table.arrival(call) or 0)
            value = call.operation.weighted_step(value, since)
            nothing = tf.zeros_like(value)
            readouts.append(within_window(self._window, since, value, nothing))
        step = self._state.step
        lines = tuple(
            write_line(
                self._state.lines[index],
                step,
                self._values[key],
                self._read[key],
            )
            for key, index in self._lines.items()
        )
        return tuple(readouts), StepState(
            step + 1, tuple(states), lines, tuple(pools)
        )

    def _value(self, call: Call, tensor: keras.KerasTensor) -> tf.Tensor:
        """What a call reads at this step: this step's value or a late one."""
        delay = self._table.delay(call, tensor)
        if not delay:
            return self._values[id(tensor)]
        line = self._state.lines[self._lines[id(tensor)]]
        value = read_line(line, self._state.step, delay)
        self._read[id(tensor)].append(value)
        return value

    def _apply(self, call: Call) -> Any:
        """Outside of its window a layer with weights is spared."""
        read = {id(x): self._value(call, x) for x in call.input_tensors}

        def computed():
            return applied(call, lambda tensor: read[id(tensor)])

        if self._window is None or not _is_worth_sparing(call):
            return computed()
        since = self._state.step - self._table.arrival(call)
        temporal = [read[key] for key in read if key in self._table.offsets]

        def nothing():
            batch_size = tf.shape(temporal[0])[0]
            return keras.tree.map_structure(
                lambda x: tf.zeros([batch_size, *x.shape[1:]], x.dtype),
                call.outputs,
            )

        return tf.cond(is_within(since, self._window), computed, nothing)

    def _pool(self, call: Call, state: PoolState) -> tuple:
        """Outside of its window a pool gets nothing, and answers that."""
        value = self._value(call, call.input_tensors[0])
        since = self._state.step - self._table.arrival(call)
        value = within_window(self._window, since, value, tf.zeros_like(value))
        return call.operation.step(value, state)

    def _fire(self, call: Call, state: State) -> NeuronOutputs:
        start = self._table.arrival(call)
        is_constant = start is None
        if is_constant:
            start, current = 0, self._values[id(call)]
            step = self._state.step
            current = call.operation.constant_current(current, step)
        else:
            current = self._value(call, call.input_tensors[0])
        since = self._state.step - start

        def stepped():
            return self._neuron_step(
                call.operation,
                current,
                state,
                since,
                window=self._window,
                is_scaled=is_constant,
            )

        def held():
            spikes = tf.zeros_like(state[0])
            emitted = tf.cast(spikes, call.operation.compute_dtype)
            return NeuronOutputs(emitted, spikes, tuple(state))

        if self._window is None:
            outputs = stepped()
        else:  # It charges first and fires later.
            until = self._window + call.operation.lag
            outputs = tf.cond(is_within(since, until), stepped, held)
        if self._observe is not None:
            self._observe(call.name, outputs.spikes)
        return outputs


def applied(
    call: Call, value_of: Callable[[keras.KerasTensor], tf.Tensor]
) -> Any:
    """Applies the operation of a call to other values of its arguments."""
    args, kwargs = keras.tree.map_structure(
        lambda leaf: (
            value_of(leaf) if isinstance(leaf, keras.KerasTensor) else leaf
        ),
        (call.args, call.kwargs),
    )
    return call.operation(*args, **kwargs)


def _is_worth_sparing(call: Call) -> bool:
    """Whether it multiplies by weights, to outputs of known shape."""
    return (
        isinstance(call.operation, keras.Layer)
        and bool(call.operation.weights)
        and not any(None in x.shape[1:] for x in call.output_tensors)
    )


def store(values: dict[int, tf.Tensor], outputs: Any, computed: Any) -> None:
    """Files the values of a call's output tensors."""
    for tensor, value in zip(
        keras.tree.flatten(outputs), keras.tree.flatten(computed), strict=True
    ):
        values[id(tensor)] = value
