"""Runs exported models in a process of its own; a program, not a module.

`reload.py` runs a copy of this file, with a folder as its argument:
`job.json` and `images_0.npz`, `images_1.npz` ... go in, `outputs.npz` and
`facts.json` come out. Neither tfsnn nor Keras can be imported here.
"""

import json
import os
import pathlib
import sys

BLOCKED = ("tfsnn", "keras", "tf_keras")


def main(folder: pathlib.Path) -> None:
    """Runs every version on every batch of images.

    Args:
        folder: Where the job is and the outputs go.
    """
    # An entry of None makes an import fail.
    sys.modules.update(dict.fromkeys(BLOCKED))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import numpy as np
    import tensorflow as tf

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    tf.config.threading.set_intra_op_parallelism_threads(job["intra_op"])
    tf.config.threading.set_inter_op_parallelism_threads(job["inter_op"])
    if not job["use_gpu"]:
        tf.config.set_visible_devices([], "GPU")
    batches = [
        [tf.constant(array) for array in _arrays(np, folder, number)]
        for number in range(job["num_batches"])
    ]
    outputs = {}
    for version, (path, signature, names) in job["versions"].items():
        # Its variables live as long as this object does.
        loaded = tf.saved_model.load(path)
        serve = loaded.signatures[signature]
        for number, images in enumerate(batches):
            given = dict(zip(names, images, strict=True))
            for name, value in serve(**given).items():
                outputs[f"{version}/{number}/{name}"] = value.numpy()
    np.savez(folder / "outputs.npz", **outputs)
    imported = {name.partition(".")[0] for name in sys.modules}
    imported -= {name for name in BLOCKED if sys.modules.get(name) is None}
    facts = {"tensorflow": tf.__version__, "imported": sorted(imported)}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _arrays(np, folder, number):
    """One batch: an array for each input, in order."""
    with np.load(folder / f"images_{number}.npz") as file:
        return [file[f"arr_{place}"] for place in range(len(file.files))]


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
