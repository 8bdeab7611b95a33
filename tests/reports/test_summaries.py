import pytest
import tensorflow as tf

from tests.support.run_records import run
from tfsnn.errors import ReportError
from tfsnn.reports import build_report, write_summaries


def scalars(folder):
    found = {}
    for path in folder.glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                pair = (event.step, value.simple_value)
                found.setdefault(value.tag, []).append(pair)
    return found


def test_one_folder_a_run_and_t(tmp_path):
    report = build_report([run("a/b")])
    write_summaries(report, tmp_path / "logs")
    folders = sorted(p.name for p in (tmp_path / "logs").iterdir())
    assert folders == ["0_a_b_t4", "0_a_b_t8"]
    found = scalars(tmp_path / "logs" / "0_a_b_t4")
    assert found["accuracy"] == [(4, pytest.approx(0.68))]
    assert [step for step, _ in found["accuracy_at"]] == [1, 2, 3, 4]
    assert [float(x) for _, x in found["layers/enters"]] == pytest.approx(
        [0.05, 0.9, 0.05]
    )


def test_a_folder_with_something_in_it(tmp_path):
    (tmp_path / "old").write_text("")
    with pytest.raises(ReportError, match="which is not empty"):
        write_summaries(build_report([run()]), tmp_path)
