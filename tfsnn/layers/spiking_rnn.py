"""Neurons over data with an explicit time axis."""

import keras
import tensorflow as tf

from .if_cell import IFCell


@keras.saving.register_keras_serializable(package="tfsnn")
class SpikingRNN(keras.layers.RNN):
    """Runs a spiking cell over `[B, T, ...]`, one step after the other.

    A `keras.layers.RNN` whose state may be a feature map, and whose reset goes
    back to the cell's initial potential instead of to zero. For networks built
    by hand and for event data; converted networks use `SpikingActivation`.

    Spikes and potentials are in the variable dtype also under a mixed dtype
    policy. A `.keras` file holds no carried state: a `stateful` layer starts
    afresh when it is loaded.

    Args:
        cell: The neuron; `IFCell()` by default.
        return_sequences: Whether to return all steps; True by default, unlike
            in `keras.layers.RNN`.
        **kwargs: Other arguments as in `keras.layers.RNN` (`return_state`,
            `stateful`, `unroll`, ...).

    Input shape:
        Currents `[B, T, ...]`.

    Output shape:
        Spikes `[B, T, ...]`, or `[B, ...]` without `return_sequences`; then
        the potential `[B, ...]` in thresholds with `return_state`, and what
        else the cell's kind keeps.

    Raises:
        ValueError: If the cell's kind of neuron must know all its input
            before it fires.
    """

    def __init__(
        self,
        cell: IFCell | None = None,
        return_sequences: bool = True,
        **kwargs,
    ):
        """See the class."""
        if cell is None:
            cell = IFCell(name="cell", dtype=kwargs.get("dtype"))
        if cell.kind.needs_two_phase:
            raise ValueError(
                f"SpikingRNN received a cell of kind '{cell.kind.name}'."
                " Supported: kinds that decide at every step alike. Use"
                " SpikingActivation, which gives it all of its input first."
            )
        super().__init__(cell, return_sequences=return_sequences, **kwargs)
        self.dtype_policy = keras.DTypePolicy(self.variable_dtype)
        self._fresh = None

    def build(self, sequences_shape, initial_state_shape=None):
        """Builds the cell for one step's feature map."""
        super().build(sequences_shape, initial_state_shape)
        self.state_size = list(self.cell.state_size)
        if self.stateful and self._fresh is None:
            # The initial potential may be set after the states were made. No
            # Keras variable, so that it is no weight, like the states.
            with tf.init_scope():
                self._fresh = tf.Variable(True, trainable=False)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """As `keras.layers.RNN`, from the cell's initial potential."""
        if initial_state is None:
            initial_state = self._start(sequences)
        outputs = super().call(sequences, initial_state, mask, training)
        if self.stateful:
            self._fresh.assign(False)
        return outputs

    def _start(self, sequences):
        shape = tf.shape(sequences)
        start = self.cell.initial_state(tf.concat([shape[:1], shape[2:]], 0))
        if not self.stateful:
            return list(start)
        return [
            tf.where(self._fresh, first, carried)
            for first, carried in zip(start, self.states, strict=True)
        ]

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Spikes like the currents; states like one step of them."""
        batch, _, *features = sequences_shape
        step = (batch, *features)
        output = tuple(sequences_shape) if self.return_sequences else step
        if not self.return_state:
            return output
        return (output, *[step] * self.cell.kind.num_states)

    def reset_state(self):
        """Sets the states of a `stateful` layer to the initial potential."""
        if self.states is None:
            return
        start = self.get_initial_state(self.states[0].shape[0])
        for variable, value in zip(self.states, start, strict=True):
            variable.assign(value)
        if self._fresh is not None:
            self._fresh.assign(True)
