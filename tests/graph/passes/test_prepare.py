import keras

from tests.support.networks import kinds
from tfsnn.graph import passes, trace

layers = keras.layers


def test_order_of_the_passes():
    assert [apply_pass.__name__ for apply_pass in passes.PASSES] == [
        "remove_inactive",
        "split_activations",
        "canonical_relu",
        "operation_pools",
        "scaled_addition",
        "fold_batch_norm",
    ]


def test_each_pass_works_on_the_result_of_the_one_before():
    """Dropout hides the batch norm, and a fused ReLU its other neighbour."""
    stack = [
        keras.Input((8, 8, 2)),
        layers.Conv2D(2, 3, activation="linear"),
        layers.Dropout(0.5),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Conv2D(2, 3, activation="relu"),
        layers.Dropout(0.5),
        layers.BatchNormalization(),
        layers.Conv2D(2, 3),
    ]
    graph = passes.prepare(trace(keras.Sequential(stack)))
    assert kinds(graph.model) == ["Conv2D", "ReLU"] * 2 + ["Conv2D"]


def test_average_pooling_stays():
    stack = [keras.Input((8, 8, 2)), layers.ReLU(), layers.AveragePooling2D(2)]
    graph = passes.prepare(trace(keras.Sequential(stack)))
    assert kinds(graph.model) == ["ReLU", "AveragePooling2D"]
