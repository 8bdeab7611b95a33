"""Loads a SavedModel through TensorFlow's C API, as TensorFlow Serving does.

Nothing but the standard library, NumPy and the shared library inside the
installed TensorFlow is used, so that the file also works on its own, in a
process without Python's TensorFlow, Keras or tfsnn.
"""

import ctypes
import importlib.util
import pathlib
import sys
from collections.abc import Mapping

import numpy as np

LIBRARY = (
    "libtensorflow_cc.2.dylib"
    if sys.platform == "darwin"
    else "libtensorflow_cc.so.2"
)
INVALID_ARGUMENT = 3
_STRING = 7
_DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    9: "int64",
    10: "bool",
}
_NUMBERS = {name: number for number, name in _DTYPES.items()}
_STRING_BYTES = 24  # sizeof(TF_TString)


class SessionError(Exception):
    """TensorFlow refused something.

    Attributes:
        code: Its status code, `INVALID_ARGUMENT` for malformed inputs.
    """

    def __init__(self, code: int, message: str):
        """Keeps the code beside the text."""
        super().__init__(message)
        self.code = code


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("deallocator", ctypes.c_void_p),
    ]


class _Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class CSession:
    """A loaded SavedModel.

    Attributes:
        signatures: Name to a pair of mappings, inputs and outputs: names to
            names of tensors in the graph.
    """

    def __init__(self, folder: str, *, num_threads: int | None = None):
        """Loads it with the tag `serve`.

        Args:
            folder: A version folder.
            num_threads: Threads within and between operations; as many as
                there are cores if None.

        Raises:
            SessionError: If it cannot be loaded.
        """
        self._c = library()
        self._graph = self._c.TF_NewGraph()
        options = self._c.TF_NewSessionOptions()
        status = self._c.TF_NewStatus()
        if num_threads is not None:
            # ConfigProto: intra_op (2) and inter_op (5) parallelism threads.
            config = bytes([2 << 3, num_threads, 5 << 3, num_threads])
            self._c.TF_SetConfig(options, config, len(config), status)
        meta_graph = self._c.TF_NewBuffer()
        tags = (ctypes.c_char_p * 1)(b"serve")
        self._session = self._c.TF_LoadSessionFromSavedModel(
            *(options, None, str(folder).encode(), tags, 1, self._graph),
            *(meta_graph, status),
        )
        self._c.TF_DeleteSessionOptions(options)
        self._check(status)
        content = ctypes.string_at(
            meta_graph.contents.data, meta_graph.contents.length
        )
        self._c.TF_DeleteBuffer(meta_graph)
        self.signatures = _signatures(content)

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: Its name.
            inputs: Name of each input to its value; texts as object arrays of
                bytes.

        Returns:
            Name of each output to its value, numbers.

        Raises:
            SessionError: If a value does not fit.
            KeyError: If there is no such signature or input.
        """
        names, outputs = self.signatures[signature]
        fed = [names[name] for name in inputs]
        values = [self._tensor(np.asarray(value)) for value in inputs.values()]
        received = (ctypes.c_void_p * len(outputs))()
        status = self._c.TF_NewStatus()
        self._c.TF_SessionRun(
            *(self._session, None),
            *(self._places(fed), _pointers(values), len(fed)),
            *(self._places(outputs.values()), received, len(outputs)),
            *(None, 0, None, status),
        )
        for value in values:
            self._c.TF_DeleteTensor(value)
        self._check(status)
        return {
            name: self._array(value)
            for name, value in zip(outputs, received, strict=True)
        }

    def close(self) -> None:
        """Frees it."""
        status = self._c.TF_NewStatus()
        self._c.TF_CloseSession(self._session, status)
        self._c.TF_DeleteSession(self._session, status)
        self._c.TF_DeleteGraph(self._graph)
        self._c.TF_DeleteStatus(status)

    def _check(self, status) -> None:
        code = self._c.TF_GetCode(status)
        message = self._c.TF_Message(status).decode("utf-8", "replace")
        self._c.TF_DeleteStatus(status)
        if code:
            raise SessionError(code, message)

    def _places(self, names):
        names = list(names)
        places = (_Output * len(names))()
        for place, name in zip(places, names, strict=True):
            operation, _, index = name.partition(":")
            place.operation = self._c.TF_GraphOperationByName(
                self._graph, operation.encode()
            )
            place.index = int(index or 0)
        return places

    def _tensor(self, array: np.ndarray):
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        if array.dtype == object:
            return self._texts(array, shape)
        array = np.ascontiguousarray(array)
        number = _NUMBERS[array.dtype.name]
        tensor = self._c.TF_AllocateTensor(
            number, shape, array.ndim, array.nbytes
        )
        target = self._c.TF_TensorData(tensor)
        ctypes.memmove(target, array.ctypes.data, array.nbytes)
        return tensor

    def _texts(self, array, shape):
        tensor = self._c.TF_AllocateTensor(
            _STRING, shape, array.ndim, _STRING_BYTES * array.size
        )
        start = self._c.TF_TensorData(tensor)
        for number, text in enumerate(array.ravel()):
            place = ctypes.c_void_p(start + number * _STRING_BYTES)
            self._c.TF_StringInit(place)
            self._c.TF_StringCopy(place, text, len(text))
        return tensor

    def _array(self, tensor) -> np.ndarray:
        tensor = ctypes.c_void_p(tensor)
        rank = self._c.TF_NumDims(tensor)
        shape = [self._c.TF_Dim(tensor, axis) for axis in range(rank)]
        dtype = np.dtype(_DTYPES[self._c.TF_TensorType(tensor)])
        content = ctypes.string_at(
            self._c.TF_TensorData(tensor), self._c.TF_TensorByteSize(tensor)
        )
        self._c.TF_DeleteTensor(tensor)
        return np.frombuffer(content, dtype).reshape(shape)


def _pointers(values):
    return (ctypes.c_void_p * len(values))(*values)


_loaded: list[ctypes.CDLL] = []


def library() -> ctypes.CDLL:
    """The C API inside the installed TensorFlow, loaded once.

    Raises:
        SessionError: If there is no such TensorFlow.
    """
    if _loaded:
        return _loaded[0]
    found = importlib.util.find_spec("tensorflow")
    folders = list(found.submodule_search_locations) if found else []
    files = [pathlib.Path(folder, LIBRARY) for folder in folders]
    if not files or not files[0].exists():
        raise SessionError(
            0,
            f"{LIBRARY} was not found in {folders}. Supported: TensorFlow's"
            " wheels for Linux. Install tensorflow.",
        )
    # Its symbols stay its own: it brings another OpenSSL than Python's.
    c = ctypes.CDLL(str(files[0]), mode=ctypes.RTLD_LOCAL)
    _declare(c)
    _loaded.append(c)
    return c


def _declare(c: ctypes.CDLL) -> None:
    """Types of everything that returns more than an int."""
    for name in (
        "TF_NewGraph",
        "TF_NewSessionOptions",
        "TF_NewStatus",
        "TF_LoadSessionFromSavedModel",
        "TF_GraphOperationByName",
        "TF_AllocateTensor",
        "TF_TensorData",
    ):
        getattr(c, name).restype = ctypes.c_void_p
    c.TF_NewBuffer.restype = ctypes.POINTER(_Buffer)
    c.TF_Message.restype = ctypes.c_char_p
    c.TF_Dim.restype = ctypes.c_int64
    c.TF_TensorByteSize.restype = ctypes.c_size_t
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, arguments in {
        "TF_SetConfig": [pointer, ctypes.c_char_p, size, pointer],
        "TF_LoadSessionFromSavedModel": [
            *(pointer, pointer, ctypes.c_char_p, pointer, ctypes.c_int),
            *(pointer, ctypes.POINTER(_Buffer), pointer),
        ],
        "TF_SessionRun": [
            *(pointer, pointer, pointer, pointer, ctypes.c_int),
            *(pointer, pointer, ctypes.c_int, pointer, ctypes.c_int),
            *(pointer, pointer),
        ],
        "TF_GraphOperationByName": [pointer, ctypes.c_char_p],
        "TF_AllocateTensor": [ctypes.c_int, pointer, ctypes.c_int, size],
        "TF_StringCopy": [pointer, ctypes.c_char_p, size],
        "TF_Dim": [pointer, ctypes.c_int],
        "TF_CloseSession": [pointer, pointer],
        "TF_DeleteSession": [pointer, pointer],
    }.items():
        getattr(c, name).argtypes = arguments
    for name in (
        *("TF_GetCode", "TF_Message", "TF_DeleteStatus", "TF_DeleteTensor"),
        *("TF_DeleteSessionOptions", "TF_TensorData", "TF_TensorType"),
        *("TF_TensorByteSize", "TF_NumDims", "TF_StringInit"),
        "TF_DeleteGraph",
    ):
        getattr(c, name).argtypes = [pointer]


def _signatures(meta_graph: bytes):
    """Names in a MetaGraphDef: of signatures, and of their tensors."""
    found = {}
    for number, content in _fields(meta_graph):
        if number != 5:  # signature_def, a map
            continue
        entry = dict(_fields(content))
        names = ({}, {})
        for which, pair in _fields(entry.get(2, b"")):
            if which in (1, 2):  # inputs and outputs, maps to TensorInfo
                key_info = dict(_fields(pair))
                info = dict(_fields(key_info[2]))
                names[which - 1][key_info[1].decode()] = info[1].decode()
        if names[0]:
            found[entry[1].decode()] = tuple(
                dict(sorted(one.items())) for one in names
            )
    return found


def _fields(content: bytes):
    """Numbers and values of the fields of a protocol buffer."""
    position = 0
    while position < len(content):
        key, position = _varint(content, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(content, position)
        else:
            length = {1: 8, 5: 4}.get(kind)
            if length is None:
                length, position = _varint(content, position)
            value = content[position : position + length]
            position += length
        yield key >> 3, value


def _varint(content: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
