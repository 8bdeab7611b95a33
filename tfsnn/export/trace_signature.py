"""The signature `trace`: the logits after every step."""

from collections.abc import Callable

import tensorflow as tf

from tfsnn.conversion.stepping import (
    Readouts,
    SteppingForm,
    added,
    averaged,
    batch_size_of,
)


def logits_so_far(
    form: SteppingForm, constants: tuple, sums: Readouts, number: tf.Tensor
) -> tf.Tensor:
    """The logits if time ended now.

    Args:
        form: A network whose first output are logits.
        constants: What its `prelude` returned.
        sums: What its read-outs added up.
        number: Steps in these sums, int32 `[]`; below 1 is taken as 1.

    Returns:
        `[B, ...]`.
    """
    means = averaged(sums, tf.maximum(number, 1))
    return form.finish(constants, means)[0]


def window_start(form: SteppingForm) -> int:
    """Step of the whole run at which the read-out begins to count."""
    return form.latency_steps - form.timesteps


def trace_function(
    form: SteppingForm,
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Images to the logits after 1, 2, ... T steps of the read-out.

    Without lags, row t is what the network gives that runs t steps. With lags
    the read-out begins late, and the row is the mean of what has arrived: of
    all T steps the same, of fewer not what a network for that T would give.

    Args:
        form: A network with one read-out whose first output are logits.

    Returns:
        A function, images `[B, ...]` to `logits` `[B, T, ...]`.
    """
    first = window_start(form)
    logits = form.model.outputs[0]
    features = logits.shape[1:]

    def run(images):
        batch_size = batch_size_of(images)
        constants = form.prelude(images)

        def update(step, readouts, spikes, carried):
            sums, rows = carried
            sums = added(sums, readouts)
            number = step - first + 1
            row = logits_so_far(form, constants, sums, number)
            # Before the window, row 0 is written, and overwritten later.
            index = tf.reshape(tf.maximum(number - 1, 0), [1, 1])
            rows = tf.tensor_scatter_nd_update(rows, index, row[tf.newaxis])
            return sums, rows

        shape = tf.stack([form.timesteps, batch_size, *features])
        _, rows = form.over_time(
            constants,
            update,
            (form.zero_sums(batch_size), tf.zeros(shape, logits.dtype)),
            batch_size=batch_size,
        )
        order = [1, 0, *range(2, len(features) + 2)]
        rows = tf.transpose(rows, order)
        return {
            "logits": tf.ensure_shape(rows, [None, form.timesteps, *features])
        }

    return run
