"""Records of runs as `tfsnn evaluate --output` writes them, without a run."""

import copy

from tfsnn.evaluation import (
    Activity,
    Cost,
    Diagnosis,
    Evaluation,
    LayerCost,
    LayerDiagnosis,
)
from tfsnn.numerics.error_parts import PARTS
from tfsnn.reports import EVALUATION_SCHEMA, Run

LAYERS = ("first_relu", "second_relu", "readout")


def evaluation(timesteps=4, accuracy=0.75, **changes):
    """An evaluation of a network with two neuron layers."""
    curve = [accuracy * t / timesteps for t in range(1, timesteps + 1)]
    values = {
        "model": f"net_t{timesteps}",
        "num_images": 100,
        "accuracy": accuracy,
        "execution": "folded",
        "batch_size": 10,
        "seconds": 1.5,
        "timesteps": timesteps,
        "lag": 0,
        "latency_steps": timesteps,
        "accuracy_at": curve,
        "reference_accuracy": 0.9,
        "agreement": 0.8,
        "agreement_at": curve,
        "firing_rates": dict.fromkeys(LAYERS[:2], 0.25),
        "mean_firing_rate": 0.25,
        "neuron": "if",
        "activity": [
            Activity(name, 30, 3, 0.25, [0], [], [10] * 3 + [0] * 17)
            for name in LAYERS[:2]
        ],
        "cost": Cost(
            [
                LayerCost(name, 1000.0, 10.0, 100.0 * timesteps, 50.0)
                for name in LAYERS
            ]
        ),
        **changes,
    }
    return Evaluation(**values)


def diagnosis(timesteps=4, worst="second_relu"):
    """A diagnosis that blames one layer."""
    layers = []
    for place, name in enumerate(LAYERS):
        parts = dict.fromkeys(PARTS, 0.01 * (place + 1))
        parts["correction"] = -0.005
        layers.append(
            LayerDiagnosis(
                name=name,
                error=sum(parts.values()),
                contributions=parts,
                sizes={**parts, "clipping": 1.0 if name == worst else 0.1},
                clipped=0.03,
                enters=0.9 if name == worst else 0.05,
                norm=sum(parts.values()) ** 0.5,
                bound=0.5,
            )
        )
    return Diagnosis("net", timesteps, 64, 0.04, 0.8, 0.97, layers, 2.0)


def calibration(timesteps=(4,)):
    """What calibration.json holds, as far as reports read it."""
    steps = [
        {
            "segment": name,
            "timesteps": T,
            "strategy": strategy,
            "error_before": before,
            "error_after": 0.1 / T,
            "accepted": True,
            "seconds": 0.1,
        }
        for T in timesteps
        for name in LAYERS[:2]
        for strategy, before in (("MmseThreshold", None), ("Bias", 0.2))
    ]
    return {
        "timesteps": list(timesteps),
        "pipeline": {"name": "light"},
        "conversion": {"reset": "soft"},
        "lag": 0,
        "num_images": 128,
        "digest": "ab" * 32,
        "seed": 0,
        "seconds": 3.0,
        "steps": steps,
        "model": "net.keras",
        "model_sha256": "cd" * 32,
        "preprocessing": {"scale": "1/255"},
        "versions": {"tfsnn": "0.1.0"},
        "command": "tfsnn calibrate --model=net.keras",
        "data": "npz:images.npz",
    }


def record(timesteps=(4, 8), name_of_layer=None):
    """What evaluation.json holds."""
    points = [
        {
            "timesteps": T,
            "evaluation": evaluation(T, 0.6 + 0.02 * T).to_dict(),
            "diagnosis": diagnosis(T).to_dict(),
            "neurons": [
                {
                    "layer": "second_relu",
                    "channel": 1,
                    "timesteps": T,
                    "threshold": 2.0,
                    "initial_potential": 1.0,
                    "bias": 0.0,
                    "levels": T,
                    "levels_per_threshold": T,
                }
            ],
            "rasters": [
                {
                    "layer": "first_relu",
                    "neurons": [0, 5],
                    "steps": T,
                    "spikes": [[0, 0], [1, 2], [0, 3]],
                }
            ],
        }
        for T in timesteps
    ]
    return {
        "schema": EVALUATION_SCHEMA,
        "command": "tfsnn evaluate --model=spiking",
        "versions": {"tfsnn": "0.1.0"},
        "machine": "2 cores",
        "model": "spiking",
        "reference": "net.keras",
        "sha256": {"net.keras": "cd" * 32},
        "data": "npz:images.npz:test",
        "preprocessing": {"scale": "1/255"},
        "seed": 0,
        "calibration": calibration(timesteps),
        "thresholds": [
            {
                "layer": "second_relu",
                "timesteps": [2, 4, 8],
                "maximum": 3.0,
                "percentile": 2.0,
                "mmse": [1.0, 1.5, 2.0],
            }
        ],
        "points": points,
    }


def run(name="light", **options):
    """A run."""
    return Run(name, copy.deepcopy(record(**options)))


def large_run(name, timesteps=(4, 8, 16), depth=19):
    """A run of a network of many layers, with as many spikes as are kept."""
    found = run(name, timesteps=timesteps)
    for point in found.record["points"]:
        T = point["timesteps"]
        for part, key in (
            (point["evaluation"]["activity"], "name"),
            (point["evaluation"]["cost"]["layers"], "name"),
            (point["diagnosis"]["layers"], "name"),
        ):
            _repeat(part, key, depth)
        point["rasters"] = [
            {
                "layer": f"layer_{place}",
                "neurons": list(range(32)),
                "steps": T,
                "spikes": [[n, t] for n in range(32) for t in range(T)],
            }
            for place in range(4)
        ]
        point["neurons"] *= 4
    for rows, key in (
        (found.record["calibration"]["steps"], "segment"),
        (found.record["thresholds"], "layer"),
    ):
        _repeat(rows, key, depth)
    return found


def _repeat(rows, key, depth):
    """Puts copies of the first row in front, under names of their own."""
    first = rows[0]
    rows[:0] = [
        {**copy.deepcopy(first), key: f"layer_{place}"}
        for place in range(depth - 2)
    ]
