"""A spiking Keras model from a graph of NIR, see `nir_export`."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfsnn.conversion.spiking import build_spiking_model
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.errors import ModelFileError
from tfsnn.extras import import_extra
from tfsnn.graph.trace import trace
from tfsnn.layers import ChannelAffine
from tfsnn.types import NeuronParameters

from .nir_values import problems_of, whole_number

RESETS = ("soft", "hard")
SUPPORTED = (
    "Supported: Input, Output, Conv2d, Affine, Linear, Scale, SumPool2d,"
    " AvgPool2d, Flatten and IF, without loops."
)


def import_nir(
    path: str | os.PathLike,
    *,
    timesteps: int | None = None,
    reset: str | None = None,
) -> keras.Model:
    """Reads a `.nir` file as a spiking model.

    The model takes images with their channels last, feeds them at every step,
    and averages the output over time. Neurons emit 0 or 1, as NIR's do. They
    fire at the threshold, NIR's above it.

    Args:
        path: A file that `export_nir` or another program wrote.
        timesteps: T; that in the file if None.
        reset: `"soft"` (subtract the threshold) or `"hard"` (to zero); what
            the file says if None, and `"hard"`, as NIR defines it, if it says
            nothing.

    Returns:
        A spiking `keras.Model`.

    Raises:
        MissingExtraError: If the extra `nir` is not installed.
        ModelFileError: If it is no NIR file, has nodes or values that have
            no counterpart, with all of them, or no T is known.
        ValueError: If `reset` is another text, or T is below 1.
    """
    nir = import_extra("nir", "nir")
    if reset not in (None, *RESETS):
        raise ValueError(f"reset={reset!r}. Supported: {', '.join(RESETS)}.")
    if timesteps is not None and not whole_number(timesteps):
        raise ValueError(
            f"timesteps={timesteps!r}. Supported: at least 1, or None for that"
            " in the file."
        )
    graph = _read(nir, pathlib.Path(path))
    metadata = graph.metadata if isinstance(graph.metadata, dict) else {}
    timesteps = timesteps or _stated_timesteps(metadata, path)
    if reset is None:
        stated = metadata.get("reset", "")
        reset = "soft" if _text(stated).startswith("subtract") else "hard"
    builder = _Builder(graph, path)
    return build_spiking_model(
        trace(builder.model()),
        timesteps=timesteps,
        lag=builder.lags or 0,
        kind=IntegrateAndFire(reset),
        parameters=builder.parameters,
    )


def _stated_timesteps(metadata: Mapping[str, Any], path) -> int:
    stated = metadata.get("timesteps")
    found = 0 if stated is None else whole_number(stated)
    if found:
        return found
    says = f"says that it runs {_text(stated)!r} steps"
    if stated is None:
        says = "does not say how many steps it runs"
    raise ModelFileError(
        f"'{path}' {says}. Supported: a T of at least 1. Pass timesteps=T."
    )


def _read(nir, path: pathlib.Path) -> Any:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not there"
        raise ModelFileError(
            f"'{path}' is {what}. Supported: a .nir file. Check the path."
        )
    try:
        return nir.read(path)
    except Exception as error:  # It raises many types.
        raise ModelFileError(
            f"'{path}' cannot be read: {type(error).__name__}: {error}."
            f" Supported: files of the package nir {nir.version}. Write it"
            " anew."
        ) from error


class _Builder:
    """Builds an analog model with a ReLU for each neuron."""

    def __init__(self, graph: Any, path: str | os.PathLike):
        self._graph = graph
        self._path = path
        self.parameters: dict[str, NeuronParameters] = {}
        self.lags: dict[str, int] = {}
        self._values: dict[str, Any] = {}

    def model(self) -> keras.Model:
        nodes = self._graph.nodes
        order = self._sorted()
        problems = [
            f"'{name}' ({type(node).__name__})"
            for name, node in nodes.items()
            if not hasattr(self, f"_{type(node).__name__.lower()}")
        ]
        if problems or order is None:
            what = ", ".join(problems) or "edges that form a loop"
            raise ModelFileError(
                f"'{self._path}' has {what}. {SUPPORTED} Change the network"
                " before it is written."
            )
        problems = problems_of(nodes)
        if problems:
            raise ModelFileError(
                f"'{self._path}' has {'; '.join(problems)}. Supported: finite"
                " weights, r and v_threshold above 0, v_reset 0. Change the"
                " network before it is written."
            )
        for name in order:
            node = nodes[name]
            make = getattr(self, f"_{type(node).__name__.lower()}")
            sources = [
                self._values[a] for a, b in self._graph.edges if b == name
            ]
            value = keras.layers.Add()(sources) if sources[1:] else None
            value = sources[0] if value is None and sources else value
            self._values[name] = make(name, node, value)
        ends = {
            kind: [n for n in order if type(nodes[n]).__name__ == kind]
            for kind in ("Input", "Output")
        }
        counts = {kind: len(names) for kind, names in ends.items()}
        if set(counts.values()) != {1}:
            raise ModelFileError(
                f"'{self._path}' has {counts}. {SUPPORTED} One of each."
            )
        (first,), (last,) = ends.values()
        return keras.Model(
            self._values[first], self._values[last], name="imported"
        )

    def _sorted(self) -> list[str] | None:
        """Names in topological order; None if there is none."""
        waiting, order = dict.fromkeys(self._graph.nodes), []
        while waiting:
            ready = [
                name
                for name in waiting
                if not any(b == name and a in waiting for a, b in self._edges())
            ]
            if not ready:
                return None
            order += ready
            for name in ready:
                del waiting[name]
        return order

    def _edges(self):
        return self._graph.edges

    def _input(self, name, node, value):
        channels, *rest = map(int, np.ravel(node.input_type["input"]))
        return keras.Input((*rest, channels), name=name)

    def _output(self, name, node, value):
        return value

    def _conv2d(self, name, node, value):
        weight = np.asarray(node.weight, "float32")
        padding = _padding(node, weight)
        if any(map(any, padding)):
            value = keras.layers.ZeroPadding2D(padding)(value)
        layer = keras.layers.Conv2D(
            len(weight),
            weight.shape[2:],
            strides=_pair(node.stride),
            dilation_rate=_pair(node.dilation),
            groups=int(node.groups),
            name=name,
        )
        value = layer(value)
        layer.set_weights([np.transpose(weight, (2, 3, 1, 0)), node.bias])
        return value

    def _affine(self, name, node, value):
        return self._dense(name, node.weight, node.bias, value)

    def _linear(self, name, node, value):
        return self._dense(name, node.weight, None, value)

    def _dense(self, name, weight, bias, value):
        use_bias = bias is not None
        layer = keras.layers.Dense(len(weight), use_bias=use_bias, name=name)
        value = layer(value)
        layer.set_weights([np.transpose(weight), *([bias] * use_bias)])
        return value

    def _scale(self, name, node, value):
        return _scaled(value, _by_channel(name, node.scale, self._path), name)

    def _sumpool2d(self, name, node, value):
        window = _pair(node.kernel_size)
        mean = self._avgpool2d(f"{name}_mean", node, value)
        total = np.full(mean.shape[-1], np.prod(window), "float32")
        return _scaled(mean, total, name)

    def _avgpool2d(self, name, node, value):
        if np.any(node.padding):
            (rows, columns) = _pair(node.padding)
            value = keras.layers.ZeroPadding2D((rows, columns))(value)
        return keras.layers.AveragePooling2D(
            _pair(node.kernel_size), _pair(node.stride), name=name
        )(value)

    def _flatten(self, name, node, value):
        if len(value.shape) == 4:
            value = keras.layers.Permute((3, 1, 2))(value)
        return keras.layers.Flatten(name=name)(value)

    def _if(self, name, node, value):
        resistance = np.asarray(node.r, "float64")
        threshold = np.asarray(node.v_threshold, "float64") / resistance
        threshold = _by_channel(name, threshold, self._path)
        metadata = node.metadata if isinstance(node.metadata, Mapping) else {}
        start = metadata.get("initial_potential", np.zeros(1))
        start = _by_channel(name, start, self._path) * threshold
        self.parameters[name] = NeuronParameters(
            *(v[0] if np.ptp(v) == 0 else v for v in (threshold, start))
        )
        lag = whole_number(metadata.get("lag", 0))
        if lag:
            self.lags[name] = lag
        value = keras.layers.ReLU(name=name)(value)
        if np.all(threshold == 1):
            return value
        # Our neuron emits its threshold.
        return _scaled(value, 1 / threshold, f"{name}_unit")


def _scaled(value, scale, name):
    layer = ChannelAffine(use_offset=False, name=name)
    value = layer(value)
    layer.set_weights([np.broadcast_to(scale, value.shape[-1:])])
    return value


def _by_channel(name: str, values: Any, path) -> np.ndarray:
    """Values `[C]` or `[1]` of an array `[C, ...]`, equal within channels."""
    values = np.asarray(values, "float64")
    rows = values.reshape(len(values) if values.ndim else 1, -1)
    if np.any(rows != rows[:, :1]):
        raise ModelFileError(
            f"'{path}': node '{name}' has values that differ within a channel."
            " Supported: one value a channel. Change it before it is written."
        )
    return rows[:, 0]


def _pair(value: Any) -> tuple[int, int]:
    values = [int(v) for v in np.ravel(value)]
    return (values[0], values[-1])


def _padding(node, weight):
    """Zeros before and after rows and columns."""
    padding = node.padding
    if isinstance(padding, (bytes, str)):
        if _text(padding) == "valid":
            return ((0, 0), (0, 0))
        total = (np.array(weight.shape[2:]) - 1) * _pair(node.dilation)
        before = total // 2
        return tuple(
            (int(b), int(t - b)) for b, t in zip(before, total, strict=True)
        )
    return tuple((p, p) for p in _pair(padding))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
