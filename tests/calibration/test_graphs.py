import gc
import weakref

import tensorflow as tf

from tfsnn.calibration.graphs import Graphs

ROWS = tf.TensorSpec([None, 2], tf.float32)


def power(exponent, values):
    return values**exponent


def test_settings_come_first():
    got = Graphs()(power, (3,), ROWS)(tf.constant([[1.0, 2.0]]))
    assert got.numpy().tolist() == [[1, 8]]


def test_equal_requests_are_traced_once():
    graphs = Graphs()
    first = graphs(power, (2,), ROWS)
    assert graphs(power, (2,), tf.TensorSpec([None, 2], tf.float32)) is first
    assert len(graphs) == 1


def test_other_settings_or_shapes_are_traced_by_themselves():
    graphs = Graphs()
    graphs(power, (2,), ROWS)
    graphs(power, (3,), ROWS)
    graphs(power, (2,), tf.TensorSpec([None], tf.float32))
    assert len(graphs) == 3


def test_graphs_go_with_their_owner():
    graphs = Graphs()
    graph = weakref.ref(graphs(power, (2,), ROWS))
    del graphs
    gc.collect()
    assert graph() is None
