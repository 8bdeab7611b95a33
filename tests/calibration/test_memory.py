import re

import pytest

import tfsnn
from tests.support.convertible import build, make_images
from tfsnn.calibration import memory
from tfsnn.calibration.footprint import Footprint
from tfsnn.errors import DataError


@pytest.fixture
def check(monkeypatch):
    def check(available, *, timesteps=(8,), images=100, lag=None):
        monkeypatch.setattr(memory, "available_bytes", lambda: available)
        conversion = tfsnn.convert(build("relu_layers"))
        config = tfsnn.SweepConfig(lag=lag)
        memory.check_memory(conversion, images, list(timesteps), config)

    return check


@pytest.fixture
def named(check):
    """The number that a refusal names."""

    def named(available, pattern, **options):
        with pytest.raises(DataError) as caught:
            check(available, **options)
        return int(re.search(pattern, str(caught.value))[1])

    return named


def needed(images=100, timesteps=(8,), lag=None):
    footprint = Footprint(tfsnn.convert(build("relu_layers")))
    return footprint.held_bytes(images, timesteps, lag)


def test_what_just_fits_is_not_refused(check):
    check(needed())
    with pytest.raises(DataError, match="T=8 with 100 calibration images tak"):
        check(needed() - 1)


def test_the_images_it_names_fit(check, named):
    """With room for what the bound does not count; two digits."""
    several = {"timesteps": [4, 8]}
    available = needed(images=3000, **several)
    pattern = r"here: about (\d+) images"
    number = named(available, pattern, images=10**6, **several)
    assert 100 < number < 2000
    assert number % 10 == 0
    check(available, images=number, **several)


@pytest.mark.parametrize("timesteps", [[100, 30_000], [10**30]])
def test_the_t_it_names_fits_with_all_images(check, named, timesteps):
    available = needed(timesteps=[3000])
    pattern = r"one T of about (\d+) with all these images"
    steps = named(available, pattern, timesteps=timesteps)
    assert 1 < steps < 2000
    check(available, timesteps=[steps])


def test_the_largest_of_several_t_may_fit_alone(named):
    timesteps = 60 * [8]
    available = needed(timesteps=timesteps) - 1
    pattern = r"one T of about (\d+) with all"
    assert named(available, pattern, timesteps=timesteps) == 8


def test_fewer_images_and_steps_together(check, named):
    available = 10 * needed(images=16, timesteps=[8])
    pattern = r"here: 16 images at one T of about (\d+)[.]"
    options = {"timesteps": [10**9], "images": 10**5}
    steps = named(available, pattern, **options)
    check(available, timesteps=[steps], images=16)


def test_neither_fewer_images_nor_steps_help(check):
    with pytest.raises(DataError, match="here: smaller networks or images"):
        check(1)


def test_two_phase_fits_at_any_t(check):
    available = needed(timesteps=[4], lag=4)
    check(available, timesteps=[4000], lag=4000)
    with pytest.raises(DataError, match="T=4000 with"):
        check(available, timesteps=[4000])


def test_calibrate_refuses_before_it_starts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**14)
    folder = tmp_path / "checkpoint"
    config = tfsnn.SweepConfig(checkpoint=folder, progress=False)
    options = {"timesteps": [8, 2000], "config": config}
    with pytest.raises(DataError, match="T=8,2000 with 16 calibration images"):
        tfsnn.calibrate(build("relu_layers"), make_images(16), **options)
    assert not folder.exists()
