"""What goes in comes out a fixed number of steps later."""

import numpy as np
import pytest
import tensorflow as tf

from tfsnn.dynamics.delay_line import empty_line, read_line, write_line


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_every_delay_up_to_the_length(length, batch_size, rng):
    values = rng.normal(size=(12, batch_size, 2)).astype("float32")
    line = empty_line(length, tf.constant([batch_size, 2]), tf.float32)
    for step, value in enumerate(values):
        reads = []
        for delay in range(1, length + 1):
            reads.append(read_line(line, tf.constant(step), delay))
            before = step - delay
            wanted = values[before] if before >= 0 else np.zeros_like(value)
            np.testing.assert_array_equal(reads[-1], wanted)
        line = write_line(line, tf.constant(step), tf.constant(value), reads)
