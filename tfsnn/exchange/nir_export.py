"""A spiking network as a graph of the Neuromorphic Intermediate Representation.

Reference: Pedersen et al., Neuromorphic intermediate representation: a unified
instruction set for interoperable brain-inspired computing, Nature
Communications 15, 8122 (2024).
"""

import json
import os
import pathlib
import types
from typing import Any

import keras
import numpy as np

from tfsnn.conversion.timetable import is_spiking, timesteps_of, timetable
from tfsnn.conversion.unit_spikes import with_unit_spikes
from tfsnn.errors import ExportError
from tfsnn.extras import import_extra
from tfsnn.graph.passes.slice_to_pool import slice_to_pool
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph
from tfsnn.layers import TimeAverage

from .loss_report import Loss, LossReport
from .nir_file import write_nir
from .nir_kernels import placed
from .nir_layers import NirLayers
from .nir_neurons import neuron_node

INPUT, OUTPUT = "input", "output"
POTENTIALS = ("bias", "metadata")
SUPPORTED = (
    "Supported: Conv2D, DepthwiseConv2D, Dense, average pools, Flatten, channel"
    " scales and padding, Add and Concatenate between plain neurons."
)


def export_nir(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    potential: str = "bias",
    overwrite: bool = False,
) -> LossReport:
    """Writes a spiking network as a `.nir` file, whole or not at all.

    Spikes are 0 and 1, thresholds 1: the weights carry the thresholds. Feature
    maps have their channels first. The image is to be fed at every one of the
    T steps, and the output averaged over them. A NIR neuron

        v += I;  z = v > 1;  v = 0 where z

    is not ours: it resets to zero, fires above the threshold and starts at
    zero. What readers make of it differs, so the report lists it, and the
    metadata of the graph and of each neuron tell what is meant.

    Args:
        model: A spiking model with one input and one output.
        path: File to write; missing parents are made.
        potential: Where the initial potential goes: `"bias"`, a T-th of it
            into the bias of each step, which keeps the charge but not the
            spikes; or `"metadata"`, for readers that follow it.
        overwrite: Whether an existing file may be replaced.

    Returns:
        What the file cannot carry.

    Raises:
        ConversionError: If it is no spiking model.
        ExportError: If a layer has no counterpart, with all such layers, or
            the file cannot be written.
        MissingExtraError: If the extra `nir` is not installed.
        ValueError: If `potential` is another text.
    """
    nir = import_extra("nir", "nir")
    if potential not in POTENTIALS:
        raise ValueError(
            f"potential={potential!r}. Supported: {', '.join(POTENTIALS)}."
        )
    path = pathlib.Path(path)
    if path.exists() and not (overwrite and path.is_file()):
        raise ExportError(
            f"'{path}' exists. Supported: a new file, or with overwrite=True"
            " one to be replaced. Choose another path."
        )
    graph, report = nir_graph(nir, model, potential)
    write_nir(nir, graph, path)
    return report


def nir_graph(
    nir: types.ModuleType, model: keras.Model, potential: str = "bias"
) -> tuple[Any, LossReport]:
    """The graph that `export_nir` writes.

    Args:
        nir: The package.
        model: See `export_nir`.
        potential: See `export_nir`.

    Returns:
        An `NIRGraph`, and what it cannot carry.

    Raises:
        ConversionError: See `export_nir`.
        ExportError: See `export_nir`.
    """
    graph = slice_to_pool(trace(with_unit_spikes(model)))
    timesteps = timesteps_of(graph.model)
    builder = _Builder(nir, graph, timesteps, potential)
    for call in graph:
        builder.add(call)
    return builder.finished()


class _Builder:
    """Adds calls in topological order."""

    def __init__(self, nir, graph: Graph, timesteps: int, potential: str):
        self._nir = nir
        self._layers = NirLayers(nir)
        self._graph = graph
        self._table = timetable(graph)
        self._timesteps = timesteps
        self._potential = potential
        self._nodes: dict[str, Any] = {}
        self._edges: list[tuple[str, str]] = []
        # Id of a tensor to the nodes whose outputs add up to it, and to its
        # shape before it was flattened.
        self._sources: dict[int, list[str]] = {}
        self._flattened: dict[int, tuple] = {}
        # Nodes whose outputs go to more than one place.
        self._shared: set[str] = set()
        self._problems: list[str] = []
        self._losses: list[Loss] = []
        self._start()

    def _start(self):
        inputs, outputs = self._graph.model.inputs, self._graph.model.outputs
        if len(inputs) != 1 or len(outputs) != 1:
            self._problems.append(
                f"the network has {len(inputs)} inputs and {len(outputs)}"
                " outputs, supported is one of each"
            )
        shape = tuple(inputs[0].shape[1:])
        self._nodes[INPUT] = self._nir.Input({"input": _first(shape)})
        self._sources[id(inputs[0])] = [INPUT]

    def add(self, call: Call) -> None:
        """Adds the nodes of a call."""
        sources = [self._sources.get(id(t)) for t in call.input_tensors]
        if None in sources:
            return  # It follows what has no counterpart, or the read-out.
        try:
            self._add(call, sources)
        except ValueError as error:
            self._problems.append(f"'{call.name}' ({call.kind}): {error}")

    def _add(self, call: Call, sources: list[list[str]]) -> None:
        (output,) = call.output_tensors
        flattened = self._flattened.get(id(call.input_tensors[0]))
        if isinstance(call.operation, TimeAverage):
            self._read_out(call, sources[0])
            return
        if type(call.operation).__name__ == "Add":
            found = [name for names in sources for name in names]
            if len(set(found)) < len(found):
                raise ValueError("it adds a value to itself")
        elif call.kind == "Concatenate":
            found = self._concatenated(call, sources)
        else:
            nodes = self._made(call, flattened, sources[0])
            found = self._chain(call.name, sources[0], nodes)
        self._sources[id(output)] = found
        if len(self._graph.consumers(output)) != 1:
            self._shared.update(found)
        if call.kind == "Flatten" and len(call.input_tensors[0].shape) == 4:
            shape = tuple(call.input_tensors[0].shape[1:])
            self._flattened[id(output)] = shape
        elif flattened is not None and output.shape == (
            call.input_tensors[0].shape
        ):
            self._flattened[id(output)] = flattened

    def _made(self, call, flattened, sources):
        if not is_spiking(call):
            return self._layers.nodes(call, flattened)
        neuron = neuron_node(
            self._nir,
            call,
            flattened=flattened,
            in_bias=self._potential == "bias",
        )
        self._losses += neuron.losses
        if np.all(neuron.scale == 1):
            if not np.any(neuron.offset):
                return [neuron.node]
            for name in sources:
                node = self._nodes[name]
                if name not in self._shared and hasattr(node, "bias"):
                    node.bias = (node.bias + neuron.offset).astype("float32")
                    return [neuron.node]
        shape = tuple(call.input_tensors[0].shape[1:])
        charge = self._layers.channels(neuron.scale, neuron.offset, shape)
        return [charge, neuron.node]

    def _concatenated(self, call, sources):
        shapes = [tuple(t.shape[1:]) for t in call.input_tensors]
        if {len(shape) for shape in shapes} != {3} or (
            call.operation.axis not in (-1, 3)
        ):
            raise ValueError("it joins something else than channels of images")
        total, start, found = call.output_tensors[0].shape[-1], 0, []
        for number, (shape, names) in enumerate(
            zip(shapes, sources, strict=True)
        ):
            kernel = placed(shape[-1], total, start)
            node = self._layers.conv(kernel, shape[:2])
            found += self._chain(f"{call.name}_{number}", names, [node])
            start += shape[-1]
        return found

    def _chain(self, name, sources, nodes):
        for number, node in enumerate(nodes):
            last = number == len(nodes) - 1
            key = self._free(name if last else f"{name}_in_{number}")
            self._nodes[key] = node
            self._edges += [(source, key) for source in sources]
            sources = [key]
        return sources

    def _free(self, name):
        """A legal key near a name that no other node has."""
        key = legal = _legal(name)
        number = 1
        while key in self._nodes or key in (INPUT, OUTPUT):
            number += 1
            key = f"{legal}_{number}"
        return key

    def _read_out(self, call, sources):
        shape = tuple(call.output_tensors[0].shape[1:])
        self._nodes[OUTPUT] = self._nir.Output({"output": _first(shape)})
        self._edges += [(source, OUTPUT) for source in sources]
        if self._table.finale:
            names = ", ".join(c.name for c in self._table.finale)
            self._losses.append(
                Loss(
                    names,
                    "what follows the mean over time",
                    "left out: the output is the logits",
                    True,
                )
            )

    def finished(self) -> tuple[Any, LossReport]:
        """The graph and the report."""
        if OUTPUT not in self._nodes and not self._problems:
            self._problems.append("no path leads to a mean over time")
        if self._problems:
            raise ExportError(
                f"Model '{self._graph.model.name}' has no NIR graph:"
                f" {'; '.join(self._problems)}. {SUPPORTED} Replace these"
                " layers before the conversion."
            )
        graph = self._nir.NIRGraph(self._nodes, self._edges)
        soft = any(
            call.operation.cell.reset == "soft" for call in self._table.neurons
        )
        report = LossReport((*_of_network(self._table, soft), *self._losses))
        graph.metadata = {
            "producer": "tfsnn",
            "timesteps": self._timesteps,
            "input": "the image at every step",
            "output": "to be averaged over the steps",
            "reset": "subtract the threshold" if soft else "to zero",
            "fires": "at or above the threshold",
            "initial_potential": self._potential,
            "losses": json.dumps(report.to_dict()),
        }
        return graph, report


def _of_network(table, soft: bool) -> list[Loss]:
    """What holds for all neurons."""
    resets = Loss(
        "network",
        "neurons reset by subtraction",
        "NIR resets to a value; metadata 'reset' tells",
        True,
    )
    losses = [
        *[resets] * soft,
        Loss(
            "network",
            "neurons fire at v >= threshold",
            "NIR fires at v > threshold; metadata 'fires' tells",
            True,
        ),
    ]
    if table.max_lag:
        losses.append(
            Loss(
                "network",
                f"neurons listen up to {table.max_lag} steps before they fire",
                "all fire at once; metadata 'lag' of each neuron tells",
                True,
            )
        )
    return losses


def _first(shape: tuple[int, ...]) -> np.ndarray:
    """A shape with its channels first."""
    return np.array([shape[-1], *shape[:-1]])


def _legal(name: str) -> str:
    """A name that readers can use as an attribute."""
    return name.replace("/", "_").replace(".", "_")
