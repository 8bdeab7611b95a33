from tfsnn.reports.pareto import on_front


def rows(*pairs):
    return [{"cost": cost, "accuracy": gain} for cost, gain in pairs]


def test_what_nothing_beats():
    found = on_front(rows((1, 0.5), (2, 0.4), (2, 0.7), (3, 0.7)), "cost")
    assert found == [True, False, True, False]


def test_equals_share_a_place():
    assert on_front(rows((1, 0.5), (1, 0.5)), "cost") == [True, True]


def test_missing_entries():
    assert on_front(rows((None, 0.5), (1, None), (1, 0.1)), "cost") == [
        False,
        False,
        True,
    ]
