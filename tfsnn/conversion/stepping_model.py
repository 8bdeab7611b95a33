"""A spiking network as a Keras model that remembers where it was."""

import keras
import tensorflow as tf

from .stepping import SteppingForm


class SteppingModel(keras.Model):
    """Images `[B, ...]` to what each read-out gets in this step.

    Attributes:
        form: The network as a step function.
        batch_size: B that the state holds.
    """

    def __init__(self, form: SteppingForm, batch_size: int):
        """Starts from the initial state.

        Args:
            form: The network.
            batch_size: B.
        """
        super().__init__(name=f"{form.model.name}_step")
        self.form = form
        self.batch_size = _checked_batch_size(batch_size)
        state = form.initial_state(self.batch_size)
        with tf.init_scope():
            # Any batch size fits, so that a compiled call outlives a reset.
            self._state = [
                tf.Variable(part, trainable=False, shape=loose.shape)
                for part, loose in zip(
                    tf.nest.flatten(state),
                    tf.nest.flatten(form.state_spec()),
                    strict=True,
                )
            ]

    def call(self, images):
        """Computes the next step and keeps its state."""
        self._check_batch_size(keras.tree.flatten(images)[0].shape[0])
        state = tf.nest.pack_sequence_as(
            self.form.state_spec(), [v.value() for v in self._state]
        )
        readouts, state = self.form.step(self.form.prelude(images), state)
        self._assign(state)
        return readouts[0] if len(readouts) == 1 else list(readouts)

    def reset_state(self, batch_size: int | None = None) -> None:
        """Goes back to before the first step.

        Args:
            batch_size: B from now on; as before if None.

        Raises:
            ValueError: If it is below 1.
        """
        if batch_size is not None:
            self.batch_size = _checked_batch_size(batch_size)
        self._assign(self.form.initial_state(self.batch_size))

    def _assign(self, state):
        for variable, value in zip(
            self._state, tf.nest.flatten(state), strict=True
        ):
            variable.assign(value)

    def _check_batch_size(self, received):
        if received not in (None, self.batch_size):
            raise ValueError(
                f"Model '{self.name}' received {received} images. Supported:"
                f" the {self.batch_size} that its state holds. Call"
                f" reset_state({received}) first."
            )


def stepping_model(model: keras.Model, *, batch_size: int = 1) -> SteppingModel:
    """Wraps a spiking model so that each call is one step.

    The mean of the outputs over the T calls from step `latency_steps - T` on
    is what the model averages; what follows its read-out (a softmax) is left
    to the caller. The image may differ from step to step.

    Args:
        model: A spiking model; it is copied.
        batch_size: B.

    Returns:
        A Keras model with `reset_state()`: images `[B, ...]` (for several
        inputs a tuple, a list or a dict by name) to the logits of this step
        `[B, K]`, a list of them for several read-outs.

    Raises:
        ConversionError: If it is not a spiking model.
        ValueError: If `batch_size` is below 1.
    """
    return SteppingModel(SteppingForm(model), batch_size)


def _checked_batch_size(batch_size):
    if batch_size < 1:
        raise ValueError(
            f"batch_size={batch_size}. Supported: 1 and more. Pass the number"
            " of images in a call."
        )
    return int(batch_size)
