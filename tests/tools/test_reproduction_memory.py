import pytest

import tfsnn
from tests.support.tiny import tiny_network
from tfsnn.errors import DataError
from tfsnn_tools import reproduction_memory


def test_the_largest_t_that_fits_is_named():
    """6x6x4 neurons; 16 images, a bit a spike; one current of 4 bytes."""
    each = 6 * 6 * 4 * (16 // 8 + 4)
    conversion = tfsnn.convert(tiny_network())
    fits = {"images": 16, "available": 100 * each}
    reproduction_memory.check(conversion, timesteps=100, **fits)
    with pytest.raises(DataError, match="T=101 with 16 .*up to T=100[.]"):
        reproduction_memory.check(conversion, timesteps=101, **fits)
