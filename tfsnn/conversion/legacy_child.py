"""Reads models of the older world; a program, not a module.

`legacy.py` runs a copy of this file with a folder as its argument: `job.json`
goes in; `plain.h5`, `images.npy`, `outputs.npz` and `facts.json` come out. It
runs where tf_keras is installed, and tensorflow_model_optimization for models
made with it; tfsnn need not be there.
"""

import contextlib
import json
import os
import pathlib
import sys

MISSING = 3
"""Exit code if a package is not installed; its name is the last line."""


def main(folder: pathlib.Path) -> None:
    """Loads, strips and saves a model.

    Args:
        folder: Where the job is and the results go.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import numpy as np

    keras = _imported("tf_keras")
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    tfmot = None
    if job["needs_tfmot"]:
        tfmot = _imported("tensorflow_model_optimization")
    with _scopes(tfmot):
        model = keras.models.load_model(job["path"], compile=False)
    images = [
        np.random.default_rng(0)
        .normal(size=(4, *(axis or 32 for axis in tensor.shape[1:])))
        .astype("float32")
        for tensor in model.inputs
    ]
    before = _run(model, images)
    stripped, kinds = _stripped(model, keras, tfmot)
    stripped.save(folder / "plain.h5", include_optimizer=False)
    np.savez(folder / "images.npz", *images)
    # Activations are no longer rounded; all else must stay.
    wanted = _run(stripped, images) if "quantisation" in kinds else before
    np.savez(folder / "outputs.npz", *wanted)
    facts = {"tf_keras": keras.__version__, "stripped": sorted(kinds)}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _imported(name):
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        sys.stderr.write(f"\n{name}")
        sys.exit(MISSING)


@contextlib.contextmanager
def _scopes(tfmot):
    if tfmot is None:
        yield
        return
    with (
        tfmot.sparsity.keras.prune_scope(),
        tfmot.clustering.keras.cluster_scope(),
        tfmot.quantization.keras.quantize_scope(),
    ):
        yield


def _run(model, images):
    import tensorflow as tf

    given = images[0] if len(images) == 1 else images
    return [value.numpy() for value in tf.nest.flatten(model(given))]


def _stripped(model, keras, tfmot):
    """The model without wrappers, and which ones it had."""
    kinds = {type(layer).__name__ for layer in model.layers}
    found = set()
    if "PruneLowMagnitude" in kinds:
        model = tfmot.sparsity.keras.strip_pruning(model)
        found.add("pruning")
    if "ClusterWeights" in kinds:
        model = tfmot.clustering.keras.strip_clustering(model)
        found.add("clustering")
    if any(kind.startswith("Quantize") for kind in kinds):
        model = _without_quantisers(model, keras)
        found.add("quantisation")
    return model, found


def _without_quantisers(model, keras):
    """Plain layers with the quantised kernels; activations are not rounded.

    The run before has left the quantised kernels in the layers.
    """
    sources = {}

    def clone(layer):
        kind = type(layer).__name__
        if kind == "QuantizeLayer":
            return keras.layers.Activation("linear", name=layer.name)
        if not kind.startswith("QuantizeWrapper"):
            sources[layer.name] = layer
            return type(layer).from_config(layer.get_config())
        inner = layer.layer
        config = inner.get_config()
        activation = config.get("activation")
        if isinstance(activation, dict):
            name = activation["config"]["activation"]
            known = isinstance(name, str) and name != "NoOpActivation"
            config["activation"] = name if known else "linear"
        copy = type(inner).from_config(config)
        sources[copy.name] = inner
        return copy

    copy = keras.models.clone_model(model, clone_function=clone)
    for layer in copy.layers:
        if layer.weights:
            layer.set_weights(_values(layer, sources[layer.name]))
    return copy


def _values(layer, source):
    """What another layer holds in place of a layer's weights, in order.

    By attribute: a quantised kernel is no variable and not among the weights.
    """
    import numpy as np

    names = [v.name.rsplit("/")[-1].split(":")[0] for v in layer.weights]
    if not all(hasattr(source, name) for name in names):
        return source.get_weights()
    return [np.asarray(getattr(source, name)) for name in names]


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
