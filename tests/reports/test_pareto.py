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


def test_two_costs():
    found = on_front(
        [
            {"steps": 8, "energy": 2.0, "accuracy": 0.8},
            {"steps": 8, "energy": 1.0, "accuracy": 0.7},
            {"steps": 16, "energy": 0.5, "accuracy": 0.7},
            {"steps": 16, "energy": 2.0, "accuracy": 0.8},
        ],
        "steps",
        "energy",
    )
    assert found == [True, True, True, False]


def test_other_data_are_not_compared():
    pair = rows((1, 0.5), (2, 0.4))
    assert on_front(pair, "cost") == [True, False]
    pair[0]["data"] = "tfds:cifar10"
    assert on_front(pair, "cost") == [True, True]
    pair[1]["data"] = "tfds:cifar10"
    pair[1]["num_images"] = 100
    assert on_front(pair, "cost") == [True, True]
