"""The record of an evaluation as types, text and table."""

import json

from tfsnn.evaluation import Evaluation

PLAIN = Evaluation(
    model="resnet20",
    num_images=200,
    accuracy=0.915,
    execution="plain",
    batch_size=128,
    seconds=1.25,
)
SPIKING = Evaluation(
    **PLAIN.to_dict()
    | {
        "timesteps": 2,
        "lag": 0,
        "latency_steps": 2,
        "accuracy_at": [0.5, 0.915],
        "reference_accuracy": 0.92,
        "agreement": 0.9,
        "agreement_at": [0.4, 0.9],
        "firing_rates": {"a": 0.25},
        "mean_firing_rate": 0.25,
    }
)


def test_json_and_back():
    values = json.loads(SPIKING.to_json())
    assert Evaluation.from_dict(values) == SPIKING
    assert values == SPIKING.to_dict()


def test_table_shows_what_there_is():
    assert str(SPIKING).splitlines() == [
        "model               resnet20",
        "images              200",
        "timesteps           2",
        "latency steps       2",
        "accuracy            91.50 %",
        "reference accuracy  92.00 %",
        "agreement           90.00 %",
        "mean firing rate    0.2500",
        "seconds             1.2",
    ]


def test_neurons_that_are_not_plain_are_labelled():
    bursts = Evaluation(**SPIKING.to_dict() | {"neuron": "burst"})
    assert "neurons             burst (not plain)" in str(bursts).splitlines()
    plain = Evaluation(**SPIKING.to_dict() | {"neuron": "if"})
    assert str(plain) == str(SPIKING)


def test_table_leaves_out_what_there_is_not():
    names = [line.split("  ")[0] for line in str(PLAIN).splitlines()]
    assert names == ["model", "images", "accuracy", "seconds"]
