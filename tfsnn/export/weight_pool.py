"""Weights that are equal are stored once, whichever models hold them."""

import hashlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Function = Callable[..., Any]


class WeightPool:
    """Variables by content: dtype, shape and bytes.

    A folded model, its stepping form and its count form each hold a copy of
    the weights, and models for several T differ in a few of them only. What is
    saved reads the variables of a pool in place of all these copies.
    """

    def __init__(self):
        """Starts empty."""
        self._variables: dict[tuple, tf.Variable] = {}

    @property
    def variables(self) -> tuple[tf.Variable, ...]:
        """Every variable, in the order in which their values came."""
        return tuple(self._variables.values())

    @property
    def num_bytes(self) -> int:
        """Size of the values."""
        return sum(
            v.dtype.size * v.shape.num_elements() for v in self.variables
        )

    def reading(self, model: keras.Model, function: Function) -> Function:
        """A function that reads the pool where it would read a model.

        Args:
            model: A built model; its weights are copied to the pool now.
            function: Calls the model; to be traced by a `tf.function`.

        Returns:
            A function of the same arguments and value.
        """
        pairs = [
            (weight, self._stored(keras.ops.convert_to_numpy(weight.value)))
            for weight in model.weights
        ]

        def run(*arguments):
            # Inside, each weight has the value given for it here.
            with keras.StatelessScope(state_mapping=pairs):
                return function(*arguments)

        return run

    def _stored(self, value: np.ndarray) -> tf.Variable:
        content = np.ascontiguousarray(value).tobytes()
        digest = hashlib.sha256(content).digest()
        key = (value.dtype.name, value.shape, digest)
        if key not in self._variables:
            with tf.init_scope():
                self._variables[key] = tf.Variable(
                    value,
                    trainable=False,
                    name=f"weight_{len(self._variables)}",
                )
        return self._variables[key]
