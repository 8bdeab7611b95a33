"""One step of an optimizer, against Keras' own."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.calibration.descent import descend

RATE = keras.optimizers.schedules.CosineDecay(0.1, 5)
OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(RATE, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(RATE),
}
START = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)


def graph(make, update):
    """A step of minimising (x - data)^2 + y^2, and the variables."""
    variables = [keras.Variable(START), keras.Variable(START[0])]
    variables[1].constraint = keras.constraints.NonNeg()
    optimizer = make()
    optimizer.build(variables)
    data = tf.constant(START[::-1].copy())

    def step():
        values = [variable.value for variable in variables]
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((values[0] - data) ** 2)
            loss += tf.reduce_sum(values[1] ** 2)
        gradients = tape.gradient(loss, values)
        update(optimizer, gradients, variables)

    return tf.function(step).get_concrete_function(), variables


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_it_does_what_keras_does(make):
    ours, variables = graph(make, descend)
    theirs, others = graph(make, lambda o, *rest: o.apply(*rest))
    for _ in range(6):
        ours()
        theirs()
        for variable, other in zip(variables, others, strict=True):
            np.testing.assert_array_equal(variable, other)
    assert not np.array_equal(variables[0], START)
    assert variables[1].numpy().min() >= 0  # They began below.


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_graph_is_freed(make):
    """With the data it has captured."""
    step = graph(make, descend)[0]
    step()
    kept = weakref.ref(step.graph)
    del step
    gc.collect()
    assert kept() is None
