"""Compares a network with its NIR file in simulators of others.

    python -m tests.exchange.simulators PYTHON MODEL.keras IMAGES.npz NUM

PYTHON is that of an environment with torch, nir <= 1.0.4, nirtorch, snntorch,
sinabs and norse; IMAGES.npz holds `images` and `labels`. Prints a table: for
each simulator, with its own neuron and with the one that the metadata asks
for, the accuracy, the share of images classified as by the imported network,
and how far the spike counts of a layer are from its, at most.
"""

import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np

from tfsnn.conversion import SteppingForm, timesteps_of
from tfsnn.exchange import export_nir, import_nir

SECONDS = 3000
PROGRAM = pathlib.Path(__file__).parents[1] / "support" / "nir_simulators.py"


def spike_counts(model, images):
    """Mean output `[B, K]`, and spikes a neuron layer `[B]`."""
    form = SteppingForm(model)
    counts = {}
    constants = form.prelude(images)
    state = form.initial_state(len(images))
    total = 0
    for _ in range(form.latency_steps):
        spikes = {}
        readouts, state = form.step(
            constants, state, observe=spikes.__setitem__
        )
        total = total + readouts[0]
        for name, value in spikes.items():
            one = np.asarray(value).reshape(len(images), -1).sum(axis=1)
            counts[name] = counts.get(name, 0) + one
    return np.asarray(total) / form.timesteps, counts


def compared(python, model, images, *, potential="bias"):
    """Each simulator's output and counts, and those of the imported network."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        export_nir(model, folder / "x.nir", potential=potential)
        np.save(folder / "images.npy", np.transpose(images, (0, 3, 1, 2)))
        subprocess.run(
            [
                *(python, PROGRAM, folder / "x.nir"),
                *(folder / "images.npy", str(timesteps_of(model))),
                folder / "out.npz",
            ],
            check=True,
            timeout=SECONDS,
        )
        with np.load(folder / "out.npz") as file:
            found = {}
            for key in file.files:
                simulator, _, part = key.partition("/")
                found.setdefault(simulator, {})[part] = file[key]
        again = import_nir(folder / "x.nir")
    outputs, counts = spike_counts(again, images)
    found["imported"] = {"output": outputs, **counts}
    return found


def largest_difference(counts, reference):
    """Largest relative difference of the spikes of a layer, over all images."""
    gaps = [
        abs(counts[name].sum() - value.sum()) / max(value.sum(), 1)
        for name, value in reference.items()
        if name != "output"
    ]
    return max(gaps)


def main(python, model_file, images_file, count):
    model = keras.models.load_model(model_file, compile=False)
    with np.load(images_file) as file:
        images = file["images"][: int(count)].astype("float32")
        labels = file["labels"][: int(count)]
    outputs, _ = spike_counts(model, images)
    print(f"ours: {np.mean(outputs.argmax(-1) == labels):.4f}")
    for potential in ("bias", "metadata"):
        found = compared(python, model, images, potential=potential)
        reference = found["imported"]
        for name, one in found.items():
            classes = one["output"].argmax(-1)
            print(
                f"{potential} {name}: accuracy"
                f" {np.mean(classes == labels):.4f}, as imported"
                f" {np.mean(classes == reference['output'].argmax(-1)):.4f},"
                f" spikes {largest_difference(one, reference):.5f}",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
