import keras
import numpy as np

from tfsnn_models import layer_table
from tfsnn_models.mobilenet import mobilenet


def model():
    x = inputs = keras.Input((8, 6, 4), name="image")
    x = keras.layers.Conv2D(
        6, 3, groups=2, padding="same", use_bias=False, name="grouped"
    )(x)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.DepthwiseConv2D(3, strides=2, name="depthwise")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(5, name="dense")(x)
    return keras.Model(inputs, x)


def test_counts_by_hand():
    rows = {row.name: row for row in layer_table.layer_table(model())}
    grouped, depthwise, dense = (
        rows[name] for name in ("grouped", "depthwise", "dense")
    )
    assert grouped.output_shape == (8, 6, 6)
    assert grouped.parameters == 3 * 3 * 2 * 6
    assert grouped.macs == 8 * 6 * 6 * (3 * 3 * 2)
    assert rows["bn"].parameters == 6 + 6
    assert depthwise.output_shape == (3, 2, 6)
    assert depthwise.parameters == 3 * 3 * 6 + 6
    assert depthwise.macs == 3 * 2 * 6 * (3 * 3)
    assert dense.macs == (3 * 2 * 6) * 5
    assert rows["bn"].macs == rows["flatten"].macs == 0


def test_totals_and_text():
    rows = layer_table.layer_table(model())
    parameters, macs = layer_table.totals(rows)
    assert parameters == sum(
        np.prod(v.shape) for v in model().trainable_variables
    )
    lines = layer_table.text(rows).splitlines()
    assert lines[1] == "grouped Conv2D 8x6x6 108 5184"
    assert lines[-1] == f"total {parameters} {macs}"


def test_shapes_are_known_without_weights():
    options = {"input_shape": (16, 16, 3), "blocks": ((64, 2),)}
    empty = layer_table.without_weights(mobilenet, **options)
    full = mobilenet(**options)
    assert layer_table.layer_table(empty) == layer_table.layer_table(full)


def test_weights_are_not_drawn_later_either():
    """Keras would draw them when a stateless scope ends; they fit nowhere."""
    options = {"input_shape": (16, 16, 3), "blocks": ((64, 2),)}
    layer_table.without_weights(mobilenet, width_multiplier=1e4, **options)
    with keras.StatelessScope():
        pass
