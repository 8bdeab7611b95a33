"""What a calibration found for one segment at one T, as bytes."""

import dataclasses
import io
import json
import zipfile

import numpy as np

from tfsnn.types import NeuronParameters, Parameters, ReadoutParameters

from .record import Step

RECORD = "record"
"""Entry of the .npz with everything but arrays, as JSON."""
MALFORMED = (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
"""What `decode` raises on other content."""


@dataclasses.dataclass(frozen=True, eq=False)
class FinishedSegment:
    """A calibrated segment at one T.

    Attributes:
        segment: Name of the neuron layer, or of the read-out.
        timesteps: T.
        parameters: What was accepted.
        steps: What was tried, in order.
    """

    segment: str
    timesteps: int
    parameters: Parameters
    steps: tuple[Step, ...]


def encode(finished: FinishedSegment, seconds: float) -> bytes:
    """Writes a segment as .npz, without pickle.

    Args:
        finished: The segment.
        seconds: Duration of the calibration so far.

    Returns:
        Content of the file.
    """
    arrays, weights = {}, None
    for field in dataclasses.fields(finished.parameters):
        value = getattr(finished.parameters, field.name)
        if field.name != "weights" and value is not None:
            arrays[field.name] = np.asarray(value)
    if finished.parameters.weights is not None:
        weights = []
        for number, (layer, values) in enumerate(
            finished.parameters.weights.items()
        ):
            weights.append([layer, len(values)])
            for index, value in enumerate(values):
                arrays[_key(number, index)] = np.asarray(value)
    record = {
        "segment": finished.segment,
        "timesteps": finished.timesteps,
        "steps": [dataclasses.asdict(step) for step in finished.steps],
        "weights": weights,
        "dtypes": {name: array.dtype.name for name, array in arrays.items()},
        "seconds": seconds,
    }
    content = io.BytesIO()
    arrays = {name: _storable(array) for name, array in arrays.items()}
    np.savez(content, **{RECORD: np.array(json.dumps(record))}, **arrays)
    return content.getvalue()


def decode(content: bytes) -> tuple[FinishedSegment, float]:
    """The inverse of `encode`.

    Args:
        content: Content of the file.

    Returns:
        The segment and the seconds, bit for bit.

    Raises:
        ValueError: If the content is no such file; or another error of
            `MALFORMED`.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        record = json.loads(str(file[RECORD]))
        arrays = {
            name: file[name].view(np.dtype(dtype))
            for name, dtype in record["dtypes"].items()
        }
    if record["weights"] is not None:
        arrays["weights"] = {
            layer: tuple(arrays.pop(_key(number, i)) for i in range(count))
            for number, (layer, count) in enumerate(record["weights"])
        }
    kind = NeuronParameters if "threshold" in arrays else ReadoutParameters
    finished = FinishedSegment(
        record["segment"],
        record["timesteps"],
        kind(**arrays),
        tuple(Step(**step) for step in record["steps"]),
    )
    return finished, record["seconds"]


def _key(number, index):
    return f"weights/{number}/{index}"


def _storable(array):
    """NumPy's files know no bfloat16: its bits as a whole number."""
    if array.dtype.kind == "V":
        return array.view(f"u{array.dtype.itemsize}")
    return array
