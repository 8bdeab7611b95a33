from tfsnn_tools import calibration_report

STEP = {
    "timesteps": 8,
    "segment": "a",
    "seconds": 1.0,
    "accepted": True,
    "error_before": 0.5,
}


def test_summary():
    first = {**STEP, "error_before": None}
    record = {
        "timesteps": [8],
        "latency_steps": {"8": 9},
        "steps": [
            {**first, "error_after": 0.5},
            {**first, "segment": "b", "error_after": 0.25},
            {**STEP, "segment": "b", "error_after": 9.0, "accepted": False},
        ],
    }
    assert calibration_report.summary(record) == [
        ("8", "9", "0.2500", "2 of 3", "3.0")
    ]


def test_summary_of_a_readout_left_as_it_is():
    readout = {"segment": "readout", "error_before": 0.125, "accepted": False}
    steps = [
        {**STEP, "error_before": None, "error_after": 0.5},
        {**STEP, **readout, "error_after": 9.0},
    ]
    record = {"timesteps": [8], "steps": steps, "latency_steps": {"8": 9}}
    assert calibration_report.summary(record) == [
        ("8", "9", "0.1250", "1 of 2", "2.0")
    ]


def test_what_a_search_tried():
    row = {"pipeline": "light", "timesteps": 8, "error": 0.25, "seconds": 2.0}
    left_out = {"pipeline": "fitted", "timesteps": 8, "error": None}
    trials = [
        {**row, "chosen": True},
        {**left_out, "seconds": 0.0, "chosen": False},
    ]
    assert calibration_report.tried({"trials": trials}) == [
        ("light", "8", "0.2500", "2.0", "kept"),
        ("fitted", "8", "-", "-", ""),
    ]
    wrong = {**row, "error": None, "chosen": False}
    assert calibration_report.tried({"trials": [wrong]}) == [
        ("light", "8", "not finite", "2.0", "")
    ]


def test_an_error_that_is_not_finite():
    steps = [{**STEP, "error_before": None, "error_after": None}]
    record = {"timesteps": [8], "steps": steps, "latency_steps": {"8": 9}}
    assert calibration_report.summary(record) == [
        ("8", "9", "not finite", "1 of 1", "1.0")
    ]


def test_what_helped_nowhere_is_said():
    steps = [
        {**STEP, "strategy": "MmseThreshold"},
        {**STEP, "strategy": "BiasCalibration", "accepted": False},
        {**STEP, "strategy": "BiasCalibration"},
        {**STEP, "strategy": "PotentialCalibration", "accepted": False},
        {**STEP, "strategy": "PotentialCalibration", "accepted": False},
    ]
    assert calibration_report.unhelpful({"timesteps": [8], "steps": steps}) == [
        "T = 8: PotentialCalibration made no layer better on held-out images,"
        " and nothing of it was kept."
    ]
    assert not calibration_report.unhelpful(
        {"timesteps": [8], "steps": steps[:3]}
    )
