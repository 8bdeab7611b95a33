"""Runs signatures in a process without Python's TensorFlow; a program.

    python c_session_program.py JOB.json

with `{"inputs": NPZ, "outputs": NPZ, "num_threads": N, "runs": [[folder,
signature, prefix]]}`: the arrays `PREFIX/INPUT` are fed, and
`FOLDER/SIGNATURE/PREFIX/OUTPUT` written. A copy of `c_session.py` lies beside
the program.
"""

import json
import pathlib
import sys

import numpy as np


def main(job_file):
    import c_session

    job = json.loads(pathlib.Path(job_file).read_text(encoding="utf-8"))
    with np.load(job["inputs"], allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    outputs, sessions = {}, {}
    for folder, signature, prefix in job["runs"]:
        if folder not in sessions:
            sessions[folder] = c_session.CSession(
                folder, num_threads=job["num_threads"]
            )
        values = {
            key.removeprefix(f"{prefix}/"): fed(value)
            for key, value in arrays.items()
            if key.startswith(f"{prefix}/")
        }
        for name, value in sessions[folder].run(signature, values).items():
            outputs[f"{folder}/{signature}/{prefix}/{name}"] = value
    np.savez(job["outputs"], **outputs)
    loaded = {name.partition(".")[0] for name in sys.modules}
    sys.stdout.write(json.dumps(sorted(loaded)))


def fed(value):
    """Files are stored as rows of bytes `[B, length]`, uint8."""
    if value.dtype != np.uint8:
        return value
    return np.array([row.tobytes() for row in value], dtype=object)


if __name__ == "__main__":
    main(sys.argv[1])
