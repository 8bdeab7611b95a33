"""One step of an integrate-and-fire neuron as a Keras RNN cell."""

import math

import keras
import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import RESETS, State, charge
from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.plain_neuron import IntegrateAndFire

GRANULARITIES = ("layer", "channel", "neuron")
SPIKE_VALUES = ("threshold", "unit")


def parameter_shape(granularity: str, feature_shape: tuple) -> tuple:
    """Shape of a neuron parameter that is shared per `granularity`."""
    if granularity == "layer":
        return ()
    if granularity == "channel":
        return tuple(feature_shape[-1:])
    return tuple(feature_shape)


@keras.saving.register_keras_serializable(package="tfsnn")
class IFCell(keras.layers.Layer):
    """Integrate-and-fire neurons, `(current, [v]) -> (spikes, [v])`.

        v <- v + (current + bias) / threshold;   s = 1 if v >= 1 else 0
        soft reset v <- v - s, hard reset v <- v (1 - s)          (Eq. 2-4)

    The state is the potential in units of the threshold. It is kept in the
    variable dtype also under a mixed dtype policy. Neurons that fire other
    spikes are an `ExtendedCell`.

    Args:
        threshold: Firing threshold in activation units, finite and above 0;
            its first value, calibration sets the variable.
        initial_potential: Potential before the first step, activation units.
            None: half the threshold, which makes the neuron round instead of
            floor.
        reset: `"soft"` (subtract the threshold) or `"hard"` (to zero).
        threshold_per: What shares a threshold: `"layer"` (shape `[]`),
            `"channel"` (`[C]`) or `"neuron"` (the shape of a feature map).
            None: it is the constant 1, no variable, and costs nothing a step.
        initial_potential_per: The same for the initial potential.
        bias_per: The same for a bias current added at every step; None: the
            neuron has none.
        spike_values: Spikes of `"threshold"` (activation units) or `"unit"`
            ({0, 1}; the consumers' weights carry the threshold, Eq. 5).
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Call arguments:
        inputs: Current of one step `[B, ...]`, activation units.
        states: List with the potential `[B, ...]` in thresholds.

    Raises:
        ValueError: If an argument is outside its range.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 2-5.
    """

    def __init__(
        self,
        threshold: float = 1.0,
        initial_potential: float | None = None,
        *,
        reset: str = "soft",
        threshold_per: str | None = "layer",
        initial_potential_per: str = "layer",
        bias_per: str | None = None,
        spike_values: str = "threshold",
        **kwargs,
    ):
        """See the class."""
        super().__init__(**kwargs)
        _check_finite("threshold", threshold)
        if threshold <= 0:
            raise ValueError(
                f"threshold={threshold}. Supported: above 0. Use for example"
                " the largest activation."
            )
        if initial_potential is not None:
            _check_finite("initial_potential", initial_potential)
            initial_potential = float(initial_potential)
        _check_choice("reset", reset, tuple(RESETS))
        _check_choice("threshold_per", threshold_per, (None, *GRANULARITIES))
        if threshold_per is None and threshold != 1:
            raise ValueError(
                f"threshold={threshold} with threshold_per=None. Supported: 1,"
                " the constant. Use threshold_per='layer' for any other."
            )
        _check_choice(
            "initial_potential_per", initial_potential_per, GRANULARITIES
        )
        _check_choice("bias_per", bias_per, (None, *GRANULARITIES))
        _check_choice("spike_values", spike_values, SPIKE_VALUES)
        self.first_threshold = float(threshold)
        self.first_potential = initial_potential
        self.reset = reset
        self.kind: NeuronKind = IntegrateAndFire(reset)
        self.threshold_per = threshold_per
        self.initial_potential_per = initial_potential_per
        self.bias_per = bias_per
        self.spike_values = spike_values
        self.bias = None
        # Unknown until `build`; an RNN asks for it before.
        self.state_size = []
        # A potential in half precision would lose charge at every step.
        self.dtype_policy = keras.DTypePolicy(self.variable_dtype)

    def build(self, input_shape):
        """Creates the parameters for feature maps `input_shape[1:]`."""
        features = tuple(input_shape[1:])
        self.state_size = [features] * self.kind.num_states
        # The whole number is what keras.layers.RNN expects.
        self.output_size = features[0] if len(features) == 1 else features
        self.threshold = 1.0
        if self.threshold_per is not None:
            self.threshold = self._parameter(
                "threshold", self.threshold_per, features, self.first_threshold
            )
        start = self.first_potential
        if start is None:
            start = self.first_threshold / 2
        self.initial_potential = self._parameter(
            "initial_potential", self.initial_potential_per, features, start
        )
        if self.bias_per is not None:
            self.bias = self._parameter("bias", self.bias_per, features, 0.0)

    def _parameter(self, name, granularity, features, value):
        shape = parameter_shape(granularity, features)
        if None in shape:
            raise ValueError(
                f"Neuron '{self.name}' keeps its {name} per {granularity}, but"
                f" the feature map {features} has unknown axes. Supported:"
                " known axes, or a coarser granularity. Give the Input a full"
                " shape, or use 'channel' or 'layer'."
            )
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=keras.initializers.Constant(value),
            trainable=False,
            # Exact also where a layer or model around it computes in half.
            autocast=False,
        )

    def scaled_current(self, current: tf.Tensor) -> tf.Tensor:
        """Current plus bias, in thresholds: `(current + bias) / threshold`."""
        current = tf.cast(current, self.variable_dtype)
        if self.bias is not None:
            current = current + self.bias
        return self.in_thresholds(current)

    def in_thresholds(self, value: tf.Tensor) -> tf.Tensor:
        """A value in activation units over the threshold."""
        return value if self.threshold_per is None else value / self.threshold

    def initial_state(self, shape: tf.Tensor) -> State:
        """The state before the first step.

        Args:
            shape: Shape of the state, `[B, ...]`.

        Returns:
            Potential of that shape, in thresholds, then what else the kind
            keeps.
        """
        start = self.in_thresholds(self.initial_potential)
        return self.kind.initial_state(tf.broadcast_to(start, shape))

    def emitted(self, spikes: tf.Tensor) -> tf.Tensor:
        """Spikes in thresholds as what the neuron sends, see `spike_values`."""
        if self.spike_values == "unit" or self.threshold_per is None:
            return spikes
        return spikes * self.threshold

    def call(self, inputs, states):
        """One step: `(current, [v]) -> (spikes, [v])`."""
        if self.kind.needs_two_phase:
            raise ValueError(
                f"Neuron '{self.name}' of kind '{self.kind.name}' received the"
                " current of one step. Supported step by step: kinds that"
                " decide at every step alike. Use SpikingActivation, which"
                " gives it all of its input first."
            )
        state = charge(tuple(states), self.scaled_current(inputs))
        # These kinds look neither at the step nor at T.
        spikes, state = self.kind.fire(state, 0, 1)
        return self.emitted(spikes), list(state)

    def get_initial_state(self, batch_size=None):
        """Initial state for `batch_size` samples, in thresholds."""
        features = self.state_size[0]
        return list(self.initial_state([batch_size, *features]))

    def compute_output_shape(self, input_shape, states_shape=None):
        """Spikes have the shape of the current."""
        return input_shape, [input_shape] * self.kind.num_states

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "threshold": self.first_threshold,
            "initial_potential": self.first_potential,
            "reset": self.reset,
            "threshold_per": self.threshold_per,
            "initial_potential_per": self.initial_potential_per,
            "bias_per": self.bias_per,
            "spike_values": self.spike_values,
        }


def _check_finite(name, value):
    try:
        finite = math.isfinite(value)
    except TypeError:
        finite = False
    if not finite:
        raise ValueError(
            f"{name}={value!r}. Supported: a finite number, in activation"
            " units. Set the variable for values per channel or neuron."
        )


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(
            f"{name}={value!r}. Supported: {', '.join(map(repr, choices))}."
        )
