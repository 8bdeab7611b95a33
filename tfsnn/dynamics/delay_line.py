"""A delay line: gives a value back a fixed number of steps later.

A ring of `length` slots, written once a step. A value may be read up to
`length` steps after it was written, in a step before that step's write.
"""

import tensorflow as tf


def empty_line(length: int, shape: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """A line of zeros.

    Args:
        length: Longest delay, at least 1.
        shape: Shape of a value, `[B, ...]`.
        dtype: Its dtype.

    Returns:
        `[length, B, ...]`.
    """
    return tf.zeros(tf.concat([[length], shape], axis=0), dtype)


def read_line(line: tf.Tensor, step: tf.Tensor, delay: int) -> tf.Tensor:
    """The value written `delay` steps ago, `[B, ...]`; zeros before that.

    Args:
        line: `[length, B, ...]`.
        step: Index of this step.
        delay: 1...length.

    Returns:
        `[B, ...]`.
    """
    return line[tf.math.floormod(step - delay, line.shape[0])]


def write_line(
    line: tf.Tensor, step: tf.Tensor, value: tf.Tensor, after: list
) -> tf.Tensor:
    """Puts this step's value in place of the oldest one.

    Args:
        line: `[length, B, ...]`.
        step: Index of this step.
        value: `[B, ...]`.
        after: What was read from the line in this step; once that is done the
            slot can be overwritten in place.

    Returns:
        The line.
    """
    slot = tf.math.floormod(step, line.shape[0])
    with tf.control_dependencies(after):
        return tf.tensor_scatter_nd_update(line, [[slot]], value[None])
