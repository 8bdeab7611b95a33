import numpy as np
import pytest

from tfsnn.calibration.arguments import checked_whole, is_number


@pytest.mark.parametrize("value", [2, 5, np.int64(3), np.uint8(2)])
def test_whole_numbers_become_int(value):
    got = checked_whole("n", value, low=2, high=5, default=3)
    assert got == value
    assert type(got) is int


@pytest.mark.parametrize("value", [1, 6, 2.0, "3", None, True, np.float32(3)])
def test_other_values_are_refused(value):
    text = "n=.*Supported: whole numbers, 2 to 5; the default is 3. Pass"
    with pytest.raises(ValueError, match=text):
        checked_whole("n", value, low=2, high=5, default=3)


def test_without_an_upper_limit():
    assert checked_whole("n", 10**9, low=0, default=1) == 10**9
    with pytest.raises(ValueError, match="n=-1. Supported: .* 0 and more;"):
        checked_whole("n", -1, low=0, default=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, True), (0.5, True), (np.float32(1), True), (True, False), ("1", False)]
    + [(None, False), (np.ones(2), False)],
    ids=repr,
)
def test_is_number(value, expected):
    assert is_number(value) == expected
