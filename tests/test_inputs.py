import keras
import numpy as np
import pytest

from tfsnn.batches import in_order
from tfsnn.errors import DataError
from tfsnn.graph.arguments import arguments
from tfsnn.inputs import (
    count_images,
    each,
    every,
    every_shape,
    input_shapes,
    join,
    names_of,
    take,
)

ONE = np.arange(6).reshape(3, 2)
TWO = (ONE, np.arange(3))


def test_one_array_stays_one():
    assert every(ONE) == (ONE,)
    assert each(len, ONE) == count_images(ONE) == 3
    np.testing.assert_array_equal(take(ONE, slice(1)), ONE[:1])
    np.testing.assert_array_equal(join([ONE, ONE])[3:], ONE)
    assert arguments(keras.Sequential([keras.Input((2,))]), ONE) is ONE


def test_several_stay_together():
    assert every(TWO) is TWO
    assert each(len, TWO) == (3, 3)
    assert each(lambda a, b: len(a) + len(b), TWO, TWO) == (6, 6)
    assert count_images(TWO) == 3
    assert [len(x) for x in take(TWO, np.array([0, 2]))] == [2, 2]
    assert [x.shape for x in join([TWO, TWO])] == [(6, 2), (6,)]


def test_shapes_and_names():
    a, b = keras.Input((2,), name="a"), keras.Input((None, 3), name="b")
    shapes = input_shapes(keras.Model([b, a], [a, b]))
    assert shapes == {"b": (None, 3), "a": (2,)}
    assert names_of(shapes) == ("b", "a")
    assert every_shape(shapes) == ((None, 3), (2,))
    one = input_shapes(keras.Model(b, b))
    assert (one, names_of(one), every_shape(one)) == ((None, 3), (), (one,))


def test_arguments_have_the_structure_of_the_model():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    outputs = keras.layers.Subtract()([a, b])
    named = keras.Model({"b": b, "a": a}, outputs)
    assert arguments(named, (1, 2)) == {"a": 1, "b": 2}
    assert arguments(keras.Model([b, a], outputs), (1, 2)) == [1, 2]


def test_in_order():
    assert in_order({"b": 2, "a": 1, "label": 3}, "x", ["a", "b"]) == [1, 2]
    assert in_order([1, 2], "x", ["a", "b"]) == [1, 2]
    assert in_order([1, 2], "x", ["a"]) == [[1, 2]]
    assert in_order({"a": 1}, "x", ["a"]) == [1]
    for wrong in ({"a": 1}, (1,), 1):
        with pytest.raises(DataError, match="as here, for a network with 2"):
            in_order(wrong, "here", ["a", "b"])
