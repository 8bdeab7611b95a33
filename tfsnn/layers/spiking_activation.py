"""The neuron layer of a converted network: folded time in, folded time out."""

import keras
import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import State, charge
from tfsnn.dynamics.time import fold, scan, unfold

from .if_cell import IFCell
from .timesteps import (
    check_kind_lag,
    check_kind_timesteps,
    checked_lag,
    checked_timesteps,
)


@keras.saving.register_keras_serializable(package="tfsnn")
class SpikingActivation(keras.layers.Layer):
    """Replaces a ReLU: runs an `IFCell` for T steps in the folded layout.

    For a constant current x and half a threshold of initial potential, the
    mean of the output over time is the closed form (Eq. 9-10, 15)

        threshold / T * clip(floor(T x / threshold + 1/2), 0, T).

    A cell of a kind that must know all its input (bit-plane) has lag = T. A
    constant current tells it all at once: then T times that is charged before
    the first decision, and there is no lag.

    Args:
        timesteps: T, at least 1.
        cell: The neuron; `IFCell()` by default.
        lag: Steps the neuron charges before it may fire, 0...T.
        temporal_input: Whether the input is folded time `[T*B, ...]`; if not
            it is a current `[B, ...]` that is the same at every step.
        use_temporal_bias: Whether a charge per channel and firing step is
            added before each decision (forward temporal bias correction);
            zero at first, calibration sets the variable `[T, C]`.
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Input shape:
        `[T*B, ...]`, time first, or `[B, ...]`; see `temporal_input`.

    Output shape:
        Spikes `[T*B, ...]`, time first, each 0 or the threshold (0 or 1 with
        `spike_values="unit"`); multiples of it for other kinds of neuron.

    Raises:
        ValueError: If T or the lag is out of range, or the cell's kind of
            neuron does not have them.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 2-4, 9-10, 15.
    """

    def __init__(
        self,
        timesteps: int,
        cell: IFCell | None = None,
        *,
        lag: int = 0,
        temporal_input: bool = True,
        use_temporal_bias: bool = False,
        **kwargs,
    ):
        """See the class."""
        # The cell decides on the dtype of currents and potentials; only the
        # spikes are sent in the compute dtype.
        super().__init__(autocast=False, **kwargs)
        self.timesteps = checked_timesteps(timesteps)
        self.lag = checked_lag(lag, self.timesteps)
        self.temporal_input = bool(temporal_input)
        self.use_temporal_bias = bool(use_temporal_bias)
        self.temporal_bias = None
        if cell is None:
            cell = IFCell(dtype=self.variable_dtype, name="cell")
        elif isinstance(cell, dict):
            cell = keras.saving.deserialize_keras_object(cell)
        self.cell = cell
        self._check_kind()

    def _check_kind(self):
        check_kind_timesteps(self.cell.kind, self.timesteps)
        if self.temporal_input:
            check_kind_lag(self.cell.kind, self.lag, self.timesteps)
        elif self.cell.kind.needs_two_phase and self.lag:
            raise ValueError(
                f"lag={self.lag} with temporal_input=False and neurons of kind"
                f" '{self.cell.kind.name}'. Supported: 0, for a constant"
                " current is known at once. Leave the lag out."
            )

    def build(self, input_shape):
        """Builds the cell for the feature map."""
        if not self.cell.built:
            self.cell.build(input_shape)
        if self.use_temporal_bias:
            self.temporal_bias = self.add_weight(
                name="temporal_bias",
                shape=(self.timesteps, input_shape[-1]),
                initializer="zeros",
                trainable=False,
                autocast=False,
                dtype=self.cell.variable_dtype,
            )

    def call(self, inputs):
        """Currents to spikes, see the class."""
        if self.temporal_input:
            sequence = unfold(inputs, self.timesteps)
            shape = tf.shape(sequence)[1:]

            def current(step):
                return self.cell.scaled_current(sequence[step])

        else:
            shape = tf.shape(inputs)
            constant = self.cell.scaled_current(inputs)

            def current(step):
                return self.constant_current(constant, step)

        train, _ = scan(
            current,
            self.cell.initial_state(shape),
            self.fire,
            timesteps=self.timesteps,
            lag=self.lag,
            emit=self._emit,
        )
        return fold(train)

    def constant_current(
        self, current: tf.Tensor, step: tf.Tensor | int
    ) -> tf.Tensor:
        """What a constant current charges at one step.

        Args:
            current: `[B, ...]` in thresholds.
            step: Index of the step, from 0.

        Returns:
            `[B, ...]`: the current; for a kind that must know all its input
            T times that at step 0 and nothing later.
        """
        if not self.cell.kind.needs_two_phase:
            return current
        whole = self.timesteps * current
        return tf.where(tf.equal(step, 0), whole, tf.zeros_like(whole))

    def fire(
        self, state: State, step: tf.Tensor | int
    ) -> tuple[tf.Tensor, State]:
        """The decision of one firing step.

        Args:
            state: Charged state of the cell, potential `[B, ...]`.
            step: Index of the firing step, 0...T-1.

        Returns:
            Spikes `[B, ...]` in thresholds, and the state.
        """
        if self.temporal_bias is not None:
            extra = tf.gather(self.temporal_bias.value, step)
            state = charge(state, self.cell.in_thresholds(extra))
        return self.cell.kind.fire(state, step, self.timesteps)

    def _emit(self, spikes):
        return tf.cast(self.cell.emitted(spikes), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """The batch axis grows by T where the input is constant."""
        batch, *features = input_shape
        if batch is not None and not self.temporal_input:
            batch *= self.timesteps
        return (batch, *features)

    def get_config(self):
        """The constructor's arguments; the cell as a nested config."""
        return {
            **super().get_config(),
            "timesteps": self.timesteps,
            "cell": keras.saving.serialize_keras_object(self.cell),
            "lag": self.lag,
            "temporal_input": self.temporal_input,
            "use_temporal_bias": self.use_temporal_bias,
        }
