import numpy as np
import pytest

from tfsnn.numerics.error_parts import PARTS, ErrorSums, error_parts


def drawn(rng, shape=(5, 4)):
    analog, on_spikes, answer, closed, output = rng.random((5, *shape))
    return analog, on_spikes, answer, closed, output


def test_parts_add_up(rng):
    values = drawn(rng)
    parts = error_parts(*values, largest=np.full(4, 0.5))
    assert tuple(parts) == PARTS
    # A few additions of numbers below 1.
    np.testing.assert_allclose(
        sum(parts.values()), values[0] - values[-1], atol=1e-15
    )


def test_each_part_is_one_difference():
    parts = error_parts(
        *map(np.array, ([5.0], [4.5], [4.0], [2.5], [2.0])), largest=3.0
    )
    expected = {
        "inherited": 0.5,
        "correction": 0.5,
        "clipping": 1.0,
        "rounding": 0.5,
        "unevenness": 0.5,
    }
    assert {name: part.item() for name, part in parts.items()} == expected


def test_contributions_add_up_to_the_squared_error(rng):
    sums = ErrorSums()
    whole = 0.0
    for _ in range(3):
        values = drawn(rng)
        parts = error_parts(*values, largest=0.7)
        sums.add(values[0], values[-1], parts)
        whole += np.sum((values[0] - values[-1]) ** 2)
    assert sums.error == pytest.approx(whole)
    assert sum(sums.contributions.values()) == pytest.approx(whole)
    assert all(square >= 0 for square in sums.squares.values())


def test_a_silent_layer_is_divided_by_one():
    sums = ErrorSums()
    sums.add(np.zeros(3), -np.ones(3), {"rounding": np.ones(3)})
    assert (sums.scale, sums.error) == (1.0, 3.0)


def test_parts_that_do_not_add_up_do_not_change_the_error():
    sums = ErrorSums()
    sums.add(np.full(3, 2.0), np.ones(3), {"rounding": np.full(3, 0.5)})
    assert (sums.error, sums.contributions) == (3.0, {"rounding": 1.5})
