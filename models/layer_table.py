"""What a network is made of: shapes, parameters, multiply-accumulates."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

KERNEL_LAYERS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dense,
)


class LayerRow(NamedTuple):
    """One layer of a network.

    Attributes:
        name: Of the layer.
        kind: Its class.
        output_shape: Without the batch.
        parameters: Numbers that training changes.
        macs: Multiply-accumulates for one image; of convolutions and dense
            layers only.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int


def layer_table(model: keras.Model) -> list[LayerRow]:
    """The layers of a functional model, in order.

    Args:
        model: With known image size.

    Returns:
        One row a layer.
    """
    return [_row(layer) for layer in model.layers]


def totals(rows: Sequence[LayerRow]) -> tuple[int, int]:
    """Parameters and multiply-accumulates of a whole network.

    Args:
        rows: See `layer_table`.

    Returns:
        Both sums.
    """
    return sum(r.parameters for r in rows), sum(r.macs for r in rows)


def text(rows: Sequence[LayerRow]) -> str:
    """The table as text, a line a layer, and the totals.

    Args:
        rows: See `layer_table`.

    Returns:
        Lines that end with a newline.
    """
    lines = [
        f"{row.name} {row.kind} {'x'.join(map(str, row.output_shape))}"
        f" {row.parameters} {row.macs}"
        for row in rows
    ]
    parameters, macs = totals(rows)
    return "\n".join([*lines, f"total {parameters} {macs}", ""])


def without_weights(build, **options) -> keras.Model:
    """Builds a network without drawing its weights, to look at its shapes.

    Args:
        build: A builder of the zoo.
        **options: Its arguments.

    Returns:
        A model that cannot be called.
    """
    # Not in a keras.StatelessScope: the next one would draw the weights.
    with tf.Graph().as_default():
        return build(**options)


def _row(layer):
    shape = tuple(keras.tree.flatten(layer.output)[0].shape[1:])
    parameters = sum(
        int(np.prod(variable.shape)) for variable in layer.trainable_variables
    )
    macs = 0
    if isinstance(layer, KERNEL_LAYERS):
        positions = int(np.prod(shape[:-1]))
        macs = int(np.prod(layer.kernel.shape)) * positions
    return LayerRow(layer.name, type(layer).__name__, shape, parameters, macs)
