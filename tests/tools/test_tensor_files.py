import json
import struct

import numpy as np
import pytest

from tfsnn.errors import DataError
from tfsnn_tools import tensor_files

ARRAYS = {
    "conv.weight": np.arange(24, dtype="float32").reshape(2, 3, 2, 2),
    "count": np.array(7),
    "half": np.array([1.5, -2], "float16"),
}


def write_safetensors(path, arrays, **more):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    names = {"float32": "F32", "int64": "I64", "float16": "F16"}
    for name, array in arrays.items():
        start = len(data)
        data += array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, len(data)],
        }
    header |= more
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_arrays_come_back(tmp_path, suffix):
    path = tmp_path / f"weights.{suffix}"
    if suffix == "npz":
        np.savez(path, **ARRAYS)
    else:
        write_safetensors(path, ARRAYS)
    found = tensor_files.read(str(path))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path):
    values = np.array([1.0, -2.5, 0.15625], "float32")
    upper = (values.view("uint32") >> 16).astype("<u2").tobytes()
    path = tmp_path / "weights.safetensors"
    header = {"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + upper)
    np.testing.assert_array_equal(tensor_files.read(str(path))["x"], values)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("weights.pth", b"", "weights.pth'. Supported: .safetensors, and .npz"),
        ("weights.npz", b"no archive", "cannot be read"),
        ("weights.safetensors", b"short", "cannot be read"),
        ("weights.safetensors", b"\x02\0\0\0\0\0\0\0{}x", None),
        (None, None, "no file. Supported"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, text):
    path = tmp_path / (name or "missing.npz")
    if name:
        path.write_bytes(content)
    if text is None:
        assert tensor_files.read(str(path)) == {}
        return
    with pytest.raises(DataError, match=text):
        tensor_files.read(str(path))


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_archive(tmp_path, damage):
    path = tmp_path / "weights.npz"
    np.savez(path, x=np.arange(1000.0))
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    else:
        content[3000:3100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read .BadZipFile"):
        tensor_files.read(str(path))


def test_a_tensor_that_was_cut_off(tmp_path):
    path = tmp_path / "weights.safetensors"
    write_safetensors(path, {"x": ARRAYS["conv.weight"]})
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match="cannot be read.*reshape"):
        tensor_files.read(str(path))
