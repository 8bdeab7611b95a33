import pytest

import tfsnn
from tests.support.convertible import build
from tfsnn.calibration.footprint import held_bytes
from tfsnn.errors import DataError
from tfsnn_tools import calibration_memory, process_memory


def check(available, *, timesteps=(8,), images=100, lag=None):
    calibration_memory.check(
        tfsnn.convert(build("relu_layers")),
        timesteps=list(timesteps),
        lag=lag,
        images=images,
        available=available,
    )


def needed(images=100, timesteps=(8,), lag=None):
    conversion = tfsnn.convert(build("relu_layers"))
    return held_bytes(conversion, images, timesteps, lag)


def test_what_just_fits_is_not_refused():
    check(needed())
    with pytest.raises(DataError, match="T=8 with 100 .*up to 99 images or"):
        check(needed() - 1)


def test_what_the_refusal_names_fits_and_no_more():
    available = needed(images=40, timesteps=[4, 8])
    with pytest.raises(DataError, match="T=4,8 with 100 .*up to 40 images"):
        check(available, timesteps=[4, 8])
    with pytest.raises(DataError, match="or one T of up to 100 with all"):
        check(needed(timesteps=[100]), timesteps=[100, 200])


def test_neither_fewer_images_nor_steps_help():
    with pytest.raises(DataError, match="Supported: smaller networks or im"):
        check(1)


def test_two_phase_fits_at_any_t():
    available = needed(timesteps=[4], lag=4)
    check(available, timesteps=[4000], lag=4000)
    with pytest.raises(DataError, match="T=4000 with"):
        check(available, timesteps=[4000])


def test_calibrate_refuses_before_it_starts(
    command, network_file, images_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(process_memory, "available_bytes", lambda: 2**14)
    outcome = command(
        "calibrate",
        f"--model={network_file}",
        f"--data=npz:{images_file}:calibration",
        "--scale=1/255",
        "--timesteps=8,2000",
        f"--output={tmp_path / 'out'}",
    )
    assert (outcome.code, outcome.out) == (1, "")
    assert "T=8,2000 with 32 calibration images takes at least" in outcome.err
    assert not list(tmp_path.glob("out*"))
