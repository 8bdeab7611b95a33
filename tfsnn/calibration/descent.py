"""One step of an optimizer inside of a graph."""

import keras
import tensorflow as tf


def descend(
    optimizer: keras.optimizers.Optimizer,
    gradients: list[tf.Tensor],
    variables: list[keras.Variable],
) -> None:
    """Changes variables along their gradients.

    What `optimizer.apply` does on one device, constraints of variables
    included, for plain optimizers: without clipping, decay, moving average,
    loss scale or accumulated gradients. That one sums the gradients over
    replicas, by a custom gradient, and so the graph it is traced in, with all
    it has captured, is never freed (see `dynamics.surrogate`).

    Args:
        optimizer: Built, for these variables.
        gradients: One for each variable, of its shape.
        variables: To be changed.
    """
    rate = optimizer.learning_rate
    for gradient, variable in zip(gradients, variables, strict=True):
        optimizer.update_step(gradient, variable.value, rate)
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    optimizer.iterations.assign_add(1)
