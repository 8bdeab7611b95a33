import numpy as np
import pytest

from tfsnn.calibration.relative_error import mean_square, relative_error


def test_over_the_mean_square_of_the_target():
    target = np.float32([[1, 2], [3, 0]])
    assert relative_error(target, target - 1) == pytest.approx(1 / 3.5)
    assert mean_square(target) == 3.5


def test_of_a_silent_target():
    assert relative_error(np.zeros(4, "float32"), np.full(4, 0.5)) == 0.25
    assert mean_square(np.full(3, 1e-7, "float32")) == 1.0
