import hashlib
import json
import os
import pathlib

import numpy as np
import pytest

from tfsnn.calibration import checkpoint as module
from tfsnn.calibration.checkpoint import Checkpoint
from tfsnn.calibration.finished_segment import FinishedSegment, encode
from tfsnn.errors import CheckpointError, ExportError
from tfsnn.types import NeuronParameters

IDENTITY = {"model": "a" * 64, "seed": 0}


def finished(segment="a", timesteps=4, threshold=0.5):
    parameters = NeuronParameters(np.float32(threshold), np.float32(0.25))
    return FinishedSegment(segment, timesteps, parameters, ())


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def open_(folder, identity=IDENTITY):
    return Checkpoint(folder, identity)


def fill(folder, *segments):
    for segment in segments:
        open_(folder).save(segment)


def threshold(checkpoint, segment, timesteps=4):
    found = checkpoint.restore(segment, timesteps)
    return found and float(found.parameters.threshold)


def files(folder):
    return sorted(folder.glob("*.npz"))


def test_opening_writes_nothing(folder):
    assert open_(folder).num_finished == 0
    assert open_(folder).restore("a", 4) is None
    assert not folder.exists()


def test_what_was_saved_is_restored(folder):
    fill(folder, finished("a"), finished("b", threshold=3), finished("a", 8))
    again = open_(folder)
    assert again.num_finished == 3
    assert threshold(again, "a") == 0.5
    assert threshold(again, "b") == 3
    assert threshold(again, "a", 8) == 0.5
    assert threshold(again, "b", 8) is None


def test_names_may_be_anything(folder):
    names = ["a/b", "a_b", "..", "é", "x" * 300]
    fill(folder, *map(finished, names))
    assert all(file.parent == folder for file in files(folder))
    again = open_(folder)
    assert [threshold(again, name) for name in names] == [0.5] * 5


def test_what_comes_after_a_missing_one_does_not_count(folder):
    fill(folder, finished("b"), finished("b", 8), finished("a", 8))
    again = open_(folder)
    assert [threshold(again, name) for name in "ab"] == [None, None]
    assert [threshold(again, name, 8) for name in "ab"] == [0.5, 0.5]


def truncate(file):
    file.write_bytes(file.read_bytes()[:-30])


def tamper(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def swap(file):
    file.write_bytes(encode(finished(threshold=9), 0.0))


def retitle(file):
    file.rename(file.with_name(f"b{file.name[1:]}"))


DAMAGES = {
    "truncated": truncate,
    "tampered": tamper,
    "another content": swap,
    "another name": retitle,
    "empty": lambda file: file.write_bytes(b""),
    "no archive": lambda file: file.write_text("x"),
    "gone": pathlib.Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_segment_is_not_finished(folder, damage):
    fill(folder, finished())
    (file,) = files(folder)
    damage(file)
    again = open_(folder)
    assert again.num_finished == 0
    again.save(finished(threshold=2))
    assert threshold(open_(folder), "a") == 2


def test_a_segment_saved_again_replaces_the_first(folder):
    fill(folder, finished(), finished(threshold=2))
    assert len(files(folder)) == 1
    assert threshold(open_(folder), "a") == 2


def test_half_written_files_are_cleared(folder):
    fill(folder, finished())
    stray = folder / ".b.npz.partial"
    stray.write_bytes(b"x")
    assert open_(folder).num_finished == 1
    assert not stray.exists()


def test_a_crash_before_the_first_file_leaves_an_empty_folder(folder):
    folder.mkdir()
    (folder / ".identity.json.partial").write_bytes(b"{")
    fill(folder, finished())
    assert open_(folder).num_finished == 1


def test_seconds_add_up_over_sessions(folder, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for seconds, earlier, segment in ((3, 0, "a"), (4, 3, "b")):
        session = open_(folder)
        assert session.earlier_seconds == earlier
        now[0] += seconds
        session.save(finished(segment))
        now[0] += 50  # Lost: nothing was finished in it.
    assert open_(folder).earlier_seconds == 7


@pytest.mark.parametrize("place", ["write", "rename"])
@pytest.mark.parametrize("number", [28, 13], ids=["full", "forbidden"])
def test_what_cannot_be_written_leaves_the_last_state(
    folder, monkeypatch, place, number
):
    fill(folder, finished())
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    owner = (os, "fsync") if place == "write" else (pathlib.Path, "replace")
    session = open_(folder)
    with monkeypatch.context() as patch:
        patch.setattr(*owner, refuse)
        text = f"cannot be written: {os.strerror(number)}. The 1 segments"
        with pytest.raises(ExportError, match=text):
            session.save(finished("b"))
    assert before == {path: path.read_bytes() for path in folder.iterdir()}
    session.save(finished("b"))
    assert open_(folder).num_finished == 2


def test_an_interrupt_while_writing_leaves_the_last_state(folder, monkeypatch):
    fill(folder, finished())
    before = sorted(folder.iterdir())
    session = open_(folder)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.save(finished("b"))
    assert sorted(folder.iterdir()) == before


def test_another_identity_is_refused_with_all_differences(folder):
    fill(folder, finished())
    text = (
        r"belongs to another calibration\. Different: model; seed \(0 there, 1"
        r" now\)\. Supported: .* or remove the folder"
    )
    with pytest.raises(CheckpointError, match=text):
        open_(folder, {"model": "b" * 64, "seed": 1})
    assert open_(folder).num_finished == 1


def test_parts_are_checkpoints_of_their_own(folder, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for name, seconds in (("first", 2), ("second", 3)):
        part = open_(folder).part(name)
        now[0] += seconds
        part.save(finished(threshold=seconds))
    again = open_(folder)
    assert (again.num_finished, again.earlier_seconds) == (0, 0)
    parts = [again.part(name) for name in ("first", "second", "third")]
    assert [threshold(part, "a") for part in parts] == [2, 3, None]
    assert [part.num_finished for part in parts] == [1, 1, 0]
    assert again.earlier_seconds == 2 + 3
    with pytest.raises(CheckpointError, match="another calibration"):
        open_(folder, {"model": "b" * 64})


def foreign(folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")


def others_partial(folder):
    (folder / "model.partial").mkdir(parents=True)


def damaged(folder):
    fill(folder, finished())
    (folder / "identity.json").write_text('{"model":')


def list_(folder):
    fill(folder, finished())
    (folder / "identity.json").write_text(json.dumps([1]))


@pytest.mark.parametrize(
    "make",
    [
        foreign,
        others_partial,
        damaged,
        list_,
        lambda folder: folder.write_text("x"),
    ],
    ids=["foreign", "partial", "damaged", "list", "file"],
)
def test_what_is_no_checkpoint_is_refused(folder, make):
    make(folder)
    with pytest.raises(CheckpointError, match="no folder of a calibration"):
        open_(folder)
    assert folder.exists()


def test_a_forged_checksum_does_not_crash(folder):
    fill(folder, finished())
    (file,) = files(folder)
    file.unlink()
    name = hashlib.sha256(b"forged").hexdigest()
    (folder / f"a-t4-{name}.npz").write_bytes(b"forged")
    assert open_(folder).num_finished == 0
