"""The neuron layer of a network that runs without a time axis."""

import keras
import tensorflow as tf

from .if_cell import IFCell
from .timesteps import check_kind_timesteps, checked_timesteps


@keras.saving.register_keras_serializable(package="tfsnn")
class CountActivation(keras.layers.Layer):
    """What a `SpikingActivation` does to means over time, at any T at once.

        count = clip(floor((v0 + T (x + bias)) / threshold), 0, T)
        out = threshold * count / T                          (Eq. 9-10, 15)

    That holds for a neuron which first integrates all T steps and then fires T
    times (lag = T, two-phase). One whose current is constant decides at every
    step; its count is that of `dynamics.count_constant`. Both for the soft
    reset only. Of a cell of another kind, the level is `NeuronKind.count`,
    and a threshold has `levels_per_threshold` of them instead of T.

    Equal to the spiking neuron up to rounding, and to the bit for dyadic
    numbers and T a power of two. In float32 T may be up to 2^24. A compute
    dtype of half precision rounds the means: bfloat16 holds 0...256 of them.

    Args:
        timesteps: T, at least 1.
        cell: The neuron; `IFCell()` by default. Its bias flows at every step.
        temporal_input: Whether the current varies in time and the neuron waits
            for all of it; if not, it is the same at every step.
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Input shape:
        Mean current over time `[B, ...]`, activation units.

    Output shape:
        Mean of the spikes over time `[B, ...]`, 0...threshold (0...1 with
        `spike_values="unit"`), up to n times that with bursts of n.

    Raises:
        ValueError: If T is out of range or the cell resets hard.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 9-10, 15.
    """

    def __init__(
        self,
        timesteps: int,
        cell: IFCell | None = None,
        *,
        temporal_input: bool = True,
        **kwargs,
    ):
        """See the class."""
        # As in SpikingActivation, the cell decides on the dtype.
        super().__init__(autocast=False, **kwargs)
        self.timesteps = checked_timesteps(timesteps)
        self.temporal_input = bool(temporal_input)
        if cell is None:
            cell = IFCell(dtype=self.variable_dtype, name="cell")
        elif isinstance(cell, dict):
            cell = keras.saving.deserialize_keras_object(cell)
        check_kind_timesteps(cell.kind, self.timesteps)
        if not cell.kind.has_counts:
            raise ValueError(
                f"CountActivation received a cell with reset={cell.reset!r}."
                " Supported: 'soft'; with another the count depends on when"
                " the input arrives. Use SpikingActivation."
            )
        self.cell = cell

    def build(self, input_shape):
        """Builds the cell for the feature map."""
        if not self.cell.built:
            self.cell.build(input_shape)

    def call(self, inputs):
        """Mean currents to mean spikes, see the class."""
        kind = self.cell.kind
        start = self.cell.initial_state(tf.shape(inputs))[0]
        current = self.cell.scaled_current(inputs)
        counts = kind.count(
            start, current, self.timesteps, constant=not self.temporal_input
        )
        levels = kind.quantiser(self.timesteps).levels_per_threshold
        # A plain `/` by a constant becomes a product with its inverse.
        levels = tf.cast(levels, counts.dtype)
        rates = tf.math.divide_no_nan(counts, levels)
        return tf.cast(self.cell.emitted(rates), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """The shape of the current."""
        return input_shape

    def get_config(self):
        """The constructor's arguments; the cell as a nested config."""
        return {
            **super().get_config(),
            "timesteps": self.timesteps,
            "cell": keras.saving.serialize_keras_object(self.cell),
            "temporal_input": self.temporal_input,
        }
