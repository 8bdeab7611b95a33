"""Named arrays from files that PyTorch's weights are kept in."""

import json
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from tfsnn.errors import DataError

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
READ_ERRORS = (
    ValueError,
    KeyError,
    TypeError,
    OSError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
SUPPORTED = (
    "Supported: .safetensors, and .npz with an array a tensor. From a .pth"
    " file, write one where PyTorch is: safetensors.torch.save_file(state,"
    " 'weights.safetensors')."
)


def read(file: str) -> Mapping[str, np.ndarray]:
    """Reads a state dict.

    Args:
        file: `.npz`, or `.safetensors` with the dtypes of NumPy or bfloat16.

    Returns:
        Name to array; bfloat16 as float32.

    Raises:
        DataError: If the file is missing, of another type or damaged.
    """
    path = pathlib.Path(file)
    if not path.is_file():
        raise DataError(f"Received '{file}', which is no file. {SUPPORTED}")
    readers = {".npz": _npz, ".safetensors": _safetensors}
    if path.suffix not in readers:
        raise DataError(f"Received '{file}'. {SUPPORTED}")
    try:
        return readers[path.suffix](path)
    except READ_ERRORS as error:
        raise DataError(
            f"Received '{file}', which cannot be read"
            f" ({type(error).__name__}: {error}). {SUPPORTED}"
        ) from error


def _npz(path):
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return dict(archive)


def _safetensors(path):
    """A length of 8 bytes, a header in JSON, and the tensors' bytes.

    The format is described at https://github.com/huggingface/safetensors.
    """
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    data = memoryview(content)[8 + length :]
    return {name: _tensor(entry, data) for name, entry in header.items()}


def _tensor(entry, data):
    start, stop = entry["data_offsets"]
    part, shape = data[start:stop], entry["shape"]
    if entry["dtype"] == "BF16":  # The upper half of a float32.
        halves = np.frombuffer(part, "<u2").astype("<u4") << 16
        return halves.view("<f4").reshape(shape)
    return np.frombuffer(part, DTYPES[entry["dtype"]]).reshape(shape)
