"""An interrupted calibration, resumed: the bits of one that was not."""

import dataclasses
import functools
import json

import numpy as np
import pytest

from tests.support.convertible import build, make_images
from tfsnn import calibrate, convert, pipelines
from tfsnn.calibration import (
    BiasCalibration,
    BlockCalibration,
    MmseThreshold,
    Pipeline,
    ReadoutCalibration,
    Search,
    SweepConfig,
    TemporalBiasCalibration,
    visit,
)
from tfsnn.calibration import checkpoint as checkpoint_module
from tfsnn.calibration.finished_segment import decode, encode
from tfsnn.errors import CheckpointError, ExportError

IMAGES = make_images(24)
TIMESTEPS = (2, 4)


@dataclasses.dataclass(frozen=True)
class Reweighted:
    """Multiplies the kernels in front of every neuron."""

    sets_threshold = False
    factor: float

    def __call__(self, tap, parameters, timesteps):
        weights = {
            layer.name: tuple(
                np.float32(self.factor) * w for w in layer.get_weights()
            )
            for layer in tap.view.segment.model.layers
            if layer.weights and layer.name not in tap.view.fixed_layers
        }
        return parameters.replace(weights=weights)


WEIGHTED = Pipeline(
    "weighted",
    (MmseThreshold(), Reweighted(0.9), BiasCalibration()),
    guarded=False,
)
TEMPORAL = Pipeline("temporal", (MmseThreshold(), TemporalBiasCalibration(2)))
BLOCKS = Pipeline(
    "blocks",
    (
        MmseThreshold(),
        BlockCalibration(iterations=10, batch_size=8, check_every=5),
        BiasCalibration(),
    ),
    readout=(ReadoutCalibration(),),
)
RUNS = {
    "residual": ("residual", pipelines.light(iterations=2)),
    "junctions": ("pre_activation", pipelines.light(iterations=1)),
    "concatenated": ("concatenated", pipelines.uncalibrated()),
    "weights": ("residual", WEIGHTED),
    "temporal bias": ("pre_activation", TEMPORAL),
    "fitted": ("residual", pipelines.fitted()),
    "trained blocks": ("pre_activation", BLOCKS),
}

# Every interruption of every run; a few of them at once, the rest with the slow
# tests.
INTERRUPTIONS = [
    pytest.param(
        name,
        count,
        id=f"{name}-{count}",
        marks=[]
        if name == "weights" or (count == 3 and name != "trained blocks")
        else [pytest.mark.slow],
    )
    for name in RUNS
    for count in range(6)
]


@functools.cache
def conversion(name):
    return convert(build(name))


def run(
    network="residual",
    pipeline=RUNS["residual"][1],
    checkpoint=None,
    *,
    images=IMAGES,
    timesteps=TIMESTEPS,
    seed=0,
    **options,
):
    return calibrate(
        conversion(network),
        images,
        timesteps=timesteps,
        pipeline=pipeline,
        config=SweepConfig(progress=False, checkpoint=checkpoint, **options),
        seed=seed,
    )


@functools.cache
def uninterrupted(network, pipeline):
    return run(network, pipeline)


def same(first, second):
    """Whether two parameter arrays have the same bits."""
    if first is None or second is None:
        return first is second
    first, second = np.asarray(first), np.asarray(second)
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()


def assert_same(first, second):
    assert list(first.parameters) == list(second.parameters)
    for T in first.parameters:
        one, two = first.parameters[T], second.parameters[T]
        assert list(one) == list(two)
        for name in one:
            for field in dataclasses.fields(one[name]):
                if field.name != "weights":
                    values = [getattr(p[name], field.name) for p in (one, two)]
                    assert same(*values), (name, field.name)
            before, after = one[name].weights or {}, two[name].weights or {}
            assert list(before) == list(after)
            for layer in before:
                assert all(map(same, before[layer], after[layer]))
    assert untimed(first.steps) == untimed(second.steps)


def untimed(steps):
    return [dataclasses.replace(step, seconds=0.0) for step in steps]


@pytest.fixture
def interrupted(monkeypatch):
    """Runs until Ctrl-C comes in the k-th calibrated pair of segment and T."""

    def go(count, *arguments, **options):
        left = [count]
        calibrate_one = visit.Visit.calibrate

        def calibrate_some(self, pipeline):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return calibrate_one(self, pipeline)

        with monkeypatch.context() as patch:
            patch.setattr(visit.Visit, "calibrate", calibrate_some)
            with pytest.raises(KeyboardInterrupt):
                run(*arguments, **options)

    return go


@pytest.fixture
def calibrated(monkeypatch):
    """Names and T of what is calibrated rather than taken over."""
    seen = []
    calibrate_one = visit.Visit.calibrate

    def remember(self, pipeline):
        seen.append((self._task.segment.name, self._front.timesteps))
        return calibrate_one(self, pipeline)

    monkeypatch.setattr(visit.Visit, "calibrate", remember)
    return seen


@pytest.mark.parametrize(("name", "count"), INTERRUPTIONS)
def test_resumed_after_any_segment_has_the_same_bits(
    tmp_path, interrupted, calibrated, name, count
):
    network, pipeline = RUNS[name]
    expected = uninterrupted(network, pipeline)
    calibrated.clear()
    interrupted(count, network, pipeline, tmp_path / "run")
    assert len(calibrated) == count
    resumed = run(network, pipeline, tmp_path / "run")
    every = [(n, T) for n in conversion(network).neuron_names for T in (2, 4)]
    assert calibrated == every  # None of them twice.
    assert_same(resumed, expected)
    outputs = [result[4](IMAGES).numpy() for result in (resumed, expected)]
    np.testing.assert_array_equal(*outputs)


def test_interrupted_again_and_again(tmp_path, interrupted):
    for count in (1, 2, 0, 2):
        interrupted(count, "residual", WEIGHTED, tmp_path)
    resumed = run("residual", WEIGHTED, tmp_path)
    assert_same(resumed, uninterrupted("residual", WEIGHTED))


@pytest.mark.parametrize("network", ["residual", "pre_activation"])
def test_two_phase_networks_are_resumed(tmp_path, interrupted, network):
    """With lag = T the sweep runs on counts: another front."""
    clock = {"timesteps": [2, 4], "lag": 4}
    expected = run(network, WEIGHTED, **clock)
    interrupted(3, network, WEIGHTED, tmp_path, **clock)
    assert_same(run(network, WEIGHTED, tmp_path, **clock), expected)


def test_a_checkpoint_changes_nothing(tmp_path):
    assert_same(run(checkpoint=tmp_path), uninterrupted(*RUNS["residual"]))


def test_a_finished_run_is_only_read(tmp_path, calibrated):
    first = run(checkpoint=tmp_path)
    calibrated.clear()
    before = sorted(tmp_path.iterdir())
    again = run(checkpoint=tmp_path)
    assert calibrated == []
    assert sorted(tmp_path.iterdir()) == before
    assert again.steps == first.steps  # Their seconds too.


def test_seconds_are_those_of_all_sessions(tmp_path, interrupted):
    interrupted(4, checkpoint=tmp_path)
    resumed = run(checkpoint=tmp_path)
    assert resumed.seconds > sum(step.seconds for step in resumed.steps)


def test_before_the_first_segment_nothing_is_written(tmp_path, interrupted):
    interrupted(0, checkpoint=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_segment_is_calibrated_again(
    tmp_path, interrupted, calibrated
):
    interrupted(5, checkpoint=tmp_path)
    second = conversion("residual").neuron_names[1]
    (file,) = tmp_path.glob(f"{second}-t4-*")
    file.write_bytes(file.read_bytes()[:-9])
    calibrated.clear()
    resumed = run(checkpoint=tmp_path)
    third = conversion("residual").neuron_names[2]
    assert calibrated == [(second, 4), (third, 4)]
    assert_same(resumed, uninterrupted(*RUNS["residual"]))


def test_a_full_disk_leaves_the_last_good_state(
    tmp_path, monkeypatch, calibrated
):
    left = [4]  # The identity and three segments.
    sync = checkpoint_module.os.fsync

    def fill_up(descriptor):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "_sync_folder", lambda folder: None)
        patch.setattr(checkpoint_module.os, "fsync", fill_up)
        with pytest.raises(ExportError, match="No space left.* 3 segments"):
            run(checkpoint=tmp_path)
    assert len(calibrated) == 4
    calibrated.clear()
    resumed = run(checkpoint=tmp_path)
    assert len(calibrated) == 3
    assert_same(resumed, uninterrupted(*RUNS["residual"]))


OTHERS = {
    "model": ({"network": "pre_activation"}, "Different: model. "),
    "data": ({"images": IMAGES[:20]}, "Different: data. "),
    "T": ({"timesteps": [2]}, r"timesteps \(\[2, 4\] there, \[2\] now\)"),
    "pipeline": ({"pipeline": WEIGHTED}, "pipeline .*light.*weighted"),
    "lag": ({"lag": 2}, r"lag \(0 there, 2 now\)"),
    "seed": ({"seed": 1}, r"seed \(0 there, 1 now\)"),
    "held out": ({"held_out": 2}, r"held_out \(4 there, 2 now\)"),
    "several": ({"seed": 1, "images": IMAGES[1:]}, "Different: data; seed"),
}


@pytest.mark.parametrize(("changes", "text"), OTHERS.values(), ids=OTHERS)
def test_another_run_is_refused(tmp_path, interrupted, changes, text):
    interrupted(1, checkpoint=tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CheckpointError, match=text):
        run(**{"checkpoint": tmp_path, **changes})
    assert sorted(tmp_path.iterdir()) == before


def test_the_order_of_t_does_not_count(tmp_path, interrupted):
    interrupted(3, checkpoint=tmp_path)
    resumed = run(checkpoint=str(tmp_path), timesteps=TIMESTEPS[::-1])
    assert resumed.timesteps == (4, 2)
    expected = uninterrupted(*RUNS["residual"])
    outputs = [result[4](IMAGES).numpy() for result in (resumed, expected)]
    np.testing.assert_array_equal(*outputs)


SEARCH = Search(
    "mine", (pipelines.uncalibrated(), RUNS["residual"][1]), (1, 1), 1e6
)


@pytest.mark.parametrize("count", [4, 9], ids=["first", "second"])
def test_a_search_is_resumed_in_the_candidate_it_was_in(
    tmp_path, interrupted, calibrated, count
):
    expected = uninterrupted("residual", SEARCH)
    calibrated.clear()
    interrupted(count, "residual", SEARCH, tmp_path / "run")
    resumed = run("residual", SEARCH, tmp_path / "run")
    assert len(calibrated) == 2 * 3 * 2  # Each pair once a candidate.
    assert_same(resumed, expected)
    judged = [
        [(t.pipeline, t.timesteps, t.error, t.chosen) for t in result.trials]
        for result in (resumed, expected)
    ]
    assert judged[0] == judged[1]


@pytest.mark.parametrize(("count", "tried"), [(6, False), (7, True)])
def test_earlier_sessions_count_and_what_was_begun_is_finished(
    tmp_path, monkeypatch, interrupted, count, tried
):
    interrupted(count, "residual", SEARCH, tmp_path)
    # Seconds of a month: no time is left for anything else.
    for file in tmp_path.glob("candidate-0/*.npz"):
        found, _ = decode(file.read_bytes())
        file.unlink()
        monkeypatch.setattr(
            checkpoint_module, "encode", lambda found, _: encode(found, 3e6)
        )
        part = checkpoint_module.Checkpoint(tmp_path, identity(tmp_path))
        part.part("candidate-0").save(found)
    monkeypatch.undo()
    result = run("residual", SEARCH, tmp_path)
    assert result.seconds > 3e6
    assert result.trials[0].seconds > 3e6
    assert (result.trials[-1].error is not None) == tried


def identity(folder):
    return json.loads((folder / "identity.json").read_text())


def test_another_search_is_refused(tmp_path, interrupted):
    interrupted(1, "residual", SEARCH, tmp_path)
    other = dataclasses.replace(SEARCH, budget=5)
    for pipeline, text in (
        (other, "'budget': 1000000.0} there, {'budget': 5} now"),
        (SEARCH.candidates[0], "{'name': 'mine'.* now"),
    ):
        with pytest.raises(CheckpointError, match=f"pipeline .*{text}"):
            run("residual", pipeline, tmp_path)
