"""What a manifest says."""

import hashlib
import platform
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfsnn.version
from tests.support.spiking_networks import classifier, spiking
from tfsnn.calibration import CalibrationResult, pipelines
from tfsnn.conversion import convert
from tfsnn.dynamics import Burst
from tfsnn.export.manifest import digests, head, model_entry, origin
from tfsnn.export.signatures import served_model
from tfsnn.types import NeuronParameters

THRESHOLDS = np.array([0.5, 1.0, 2.0, 2.5])


def entry(timesteps=4, evaluation=None, **options):
    parameters = {"first": NeuronParameters(THRESHOLDS, THRESHOLDS / 2)}
    network = classifier()
    shares = keras.layers.Softmax()(network.output)
    model = spiking(
        keras.Model(network.input, shares),
        timesteps=timesteps,
        parameters=parameters,
        **options,
    )
    return model_entry(timesteps, model, served_model(model), evaluation)


def test_clock():
    described = entry(lag=3)
    assert described["timesteps"] == 4
    assert described["lag"] == 3
    assert described["latency_steps"] == 4 + 3


@pytest.mark.parametrize(
    "timesteps, lag, execution",
    [(4, 0, "folded"), (129, 0, "stepping"), (129, 129, "counts")],
)
def test_execution(timesteps, lag, execution):
    described = entry(timesteps, lag=lag)
    assert described["execution"] == execution
    assert described["lag"] == lag
    assert described["latency_steps"] == timesteps + lag


def test_signatures():
    images = {"images": {"shape": [None, 6, 6, 2], "dtype": "float32"}}
    scores = {"shape": [None, 3], "dtype": "float32"}
    classes = {"shape": [None], "dtype": "int64"}
    steps = {"shape": [None], "dtype": "int32"}
    answers = {"logits": scores, "probabilities": scores, "classes": classes}
    assert entry()["signatures"] == {
        "serving_default": {"inputs": images, "outputs": answers},
        "trace": {
            "inputs": images,
            "outputs": {"logits": {"shape": [None, 4, 3], "dtype": "float32"}},
        },
        "anytime": {
            "inputs": {
                **images,
                "confidence": {"shape": [None], "dtype": "float32"},
                "max_steps": steps,
            },
            "outputs": {**answers, "steps": steps},
        },
    }


def test_omitted_signatures_have_a_reason():
    (name,) = entry()["omitted_signatures"]
    assert name == "serialized"


def test_plain_neurons():
    plain = {"name": "if", "reset": "soft", "num_levels": 5}
    cost = {"bits_per_step": 1, "spike_cost": "one addition"}
    assert entry()["neurons"] == {"is_plain": True, "kinds": [plain | cost]}


def test_other_neurons_are_labelled():
    bursts = {"name": "burst", "max_spikes": 3, "num_levels": 3 * 4 + 1}
    cost = {
        "bits_per_step": 2,
        "spike_cost": "as many additions as it has spikes",
    }
    assert entry(kind=Burst(3))["neurons"] == {
        "is_plain": False,
        "kinds": [bursts | cost],
    }


def test_thresholds_are_summed_up_by_layer():
    assert entry()["thresholds"] == [
        {
            "layer": "first",
            "granularity": "channel",
            "min": 0.5,
            "mean": 6.0 / 4,
            "max": 2.5,
        },
        {
            "layer": "second",
            "granularity": "layer",
            "min": 1.0,
            "mean": 1.0,
            "max": 1.0,
        },
    ]


def test_accuracy_if_known():
    evaluation = types.SimpleNamespace(to_dict=lambda: {"accuracy": 0.5})
    assert entry(evaluation=evaluation)["evaluation"] == {"accuracy": 0.5}
    assert entry()["evaluation"] is None


def test_origin_of_a_calibration():
    pipeline = pipelines.light()
    conversion = convert(classifier())
    about = origin(
        CalibrationResult(
            conversion, pipeline, 0, {}, (), 256, "abc", seed=7, seconds=1.0
        )
    )
    assert about["pipeline"] == pipeline.to_dict()
    assert about["conversion"] == conversion.config.to_dict()
    assert about["calibration"] == {
        "num_images": 256,
        "digest": "abc",
        "seed": 7,
    }


def test_origin_of_other_models_is_unknown():
    about = origin({})
    assert about["pipeline"] is None
    assert about["conversion"] is None
    assert about["calibration"] is None
    assert about["provenance"] is None


def test_provenance_is_read_where_there_is_one():
    class Stored(dict):
        provenance = {"command": "tfsnn calibrate"}

    assert origin(Stored())["provenance"] == {"command": "tfsnn calibrate"}


def test_versions():
    assert origin({})["versions"] == {
        "tfsnn": tfsnn.version.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def test_head_names_the_producer():
    assert head("net") == {
        "producer": "tfsnn",
        "schema_version": 2,
        "name": "net",
    }


def test_digests_of_all_files_but_the_manifest(tmp_path):
    for name in ("saved_model.pb", "variables/a", "assets.extra/manifest.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode() * 200_000)
    assert digests(tmp_path) == {
        name: hashlib.sha256(name.encode() * 200_000).hexdigest()
        for name in ("saved_model.pb", "variables/a")
    }
