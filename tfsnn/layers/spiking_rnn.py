"""Neurons over data with an explicit time axis."""

import keras

from .if_cell import IFCell


@keras.saving.register_keras_serializable(package="tfsnn")
class SpikingRNN(keras.layers.RNN):
    """Runs a spiking cell over `[B, T, ...]`, one step after the other.

    A `keras.layers.RNN` whose state may be a feature map, and whose reset goes
    back to the cell's initial potential instead of to zero. For networks built
    by hand and for event data; converted networks use `SpikingActivation`.

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
        the potential `[B, ...]` in thresholds with `return_state`.
    """

    def __init__(
        self,
        cell: IFCell | None = None,
        return_sequences: bool = True,
        **kwargs,
    ):
        """See the class."""
        cell = IFCell(name="cell") if cell is None else cell
        # The shape of the state is known once the cell is built.
        if not cell.built:
            cell.state_size = []
        super().__init__(cell, return_sequences=return_sequences, **kwargs)
        self.dtype_policy = keras.DTypePolicy(self.variable_dtype)

    def build(self, sequences_shape, initial_state_shape=None):
        """Builds the cell for one step's feature map."""
        super().build(sequences_shape, initial_state_shape)
        self.state_size = list(self.cell.state_size)

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Spikes like the currents; states like one step of them."""
        batch, _, *features = sequences_shape
        step = (batch, *features)
        output = tuple(sequences_shape) if self.return_sequences else step
        return (output, step) if self.return_state else output

    def reset_state(self):
        """Sets the states of a `stateful` layer to the initial potential."""
        if self.states is not None:
            batch_size = self.states[0].shape[0]
            for variable, value in zip(
                self.states, self.get_initial_state(batch_size), strict=True
            ):
                variable.assign(value)
