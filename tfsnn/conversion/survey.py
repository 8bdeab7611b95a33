"""What would become of every operation of a model, and what it would take."""

import dataclasses
import json
import math

import keras

from tfsnn.errors import ConversionError
from tfsnn.graph.passes import PASSES, fold_batch_norm
from tfsnn.graph.passes.fold_batch_norm import fold_targets
from tfsnn.graph.passes.pool_to_convolution import (
    POOL_NEURON,
    pools_with_neurons,
)
from tfsnn.graph.segments import Segment, by_source, cut
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph

from .check import check, check_graph, is_head, is_neuron
from .config import ConversionConfig
from .estimate import Estimate, estimate
from .findings import Findings
from .operation_rules import HEAD, NEURON, POOL
from .preparation import reference_graph, with_options
from .rules import REMOVED, rule_for


@dataclasses.dataclass(frozen=True)
class OperationRow:
    """What becomes of one call of the source.

    Attributes:
        name: Its name.
        kind: Its class name.
        fate: `"kept affine"`, `"folded"`, `"neuron"`, `"spiking pool"`,
            `"average pool"`, `"neuron pool"`, `"applied at the end"`,
            `"removed"`, `"refused"`.
        into: The layer that a folded one becomes part of, or the neuron that
            a fused ReLU becomes or an average pool gets; empty otherwise.
        shape: Of its output, without the batch; None where it is unknown.
        num_parameters: Of the layer; 0 at its second use.
    """

    name: str
    kind: str
    fate: str
    into: str
    shape: tuple[int | None, ...]
    num_parameters: int


@dataclasses.dataclass(frozen=True)
class SegmentRow:
    """One segment.

    Attributes:
        name: That of its neuron, its junction, or `"readout"`.
        role: `"neuron"`, `"junction"` or `"readout"`.
        sources: What it reads: `"/input"`, of several inputs `"/NAME"`, or
            names of other segments.
        operations: Names of its affine operations.
        num_neurons: Number of neurons at its end, 0 for other roles; None if
            their feature map has unknown axes.
        num_parameters: Of its layers.
    """

    name: str
    role: str
    sources: tuple[str, ...]
    operations: tuple[str, ...]
    num_neurons: int | None
    num_parameters: int


@dataclasses.dataclass(frozen=True)
class Survey:
    """All that `tfsnn check` says.

    Attributes:
        findings: What stands in the way.
        operations: One row for each call, in the order of the graph.
        segments: In topological order; empty if the model does not convert.
        estimate: Memory and time for a T; None if none was asked for.
    """

    findings: Findings
    operations: tuple[OperationRow, ...] = ()
    segments: tuple[SegmentRow, ...] = ()
    estimate: Estimate | None = None

    @property
    def num_parameters(self) -> int:
        """Of the source."""
        return sum(row.num_parameters for row in self.operations)

    @property
    def num_neurons(self) -> int | None:
        """Spiking neurons for one image; None if axes are unknown."""
        numbers = [row.num_neurons for row in self.segments]
        return None if None in numbers else sum(numbers)

    def to_dict(self) -> dict:
        """Plain types; the entries of the findings on top."""
        return {
            **self.findings.to_dict(),
            "num_parameters": self.num_parameters,
            "num_neurons": self.num_neurons,
            "operations": [dataclasses.asdict(row) for row in self.operations],
            "segments": [dataclasses.asdict(row) for row in self.segments],
            "estimate": self.estimate and self.estimate.to_dict(),
        }

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=2)


def survey(
    model: keras.Model,
    *,
    config: ConversionConfig | None = None,
    timesteps: int | None = None,
) -> Survey:
    """Looks a model over: findings, operations, segments, what it would take.

    Args:
        model: A trained Functional or Sequential model; not changed.
        config: Options of the conversion; the defaults if None.
        timesteps: T to estimate memory and time for; None: no estimate, which
            would run the model once or twice.

    Returns:
        The survey.

    Raises:
        TypeError: If `model` is not a Keras 3 model.
        ValueError: If T is below 1.
    """
    config = config or ConversionConfig()
    try:
        source = trace(model, stand_ins=True, affine=config.affine)
    except ConversionError:
        return Survey(check(model, config=config))
    findings = check_graph(source, config)
    if not findings.ok:
        rows = _operation_rows(source, config, {}, findings)
        return Survey(findings, rows)
    graph = reference_graph(source, config)
    for apply_pass in PASSES:
        if apply_pass is fold_batch_norm:
            targets = fold_targets(graph)
        graph = apply_pass(graph)
    graph = with_options(graph, config)
    if config.average_pool == "neuron":
        targets |= pools_with_neurons(graph)
    segments = cut(graph, is_neuron=is_neuron, is_head=is_head)
    return Survey(
        findings,
        _operation_rows(source, config, targets, findings),
        tuple(_segment_row(one, graph.model) for one in segments),
        timesteps and estimate(graph, timesteps, kind=config.kind),
    )


def _operation_rows(
    graph: Graph,
    config: ConversionConfig,
    targets: dict[str, str],
    findings: Findings,
) -> tuple[OperationRow, ...]:
    counted = set()
    refused = {one.layer for one in findings}
    rows = []
    for call in graph:
        fate, into = _fate(call, config, targets, refused)
        new = id(call.operation) not in counted
        counted.add(id(call.operation))
        rows.append(
            OperationRow(
                call.name,
                call.kind,
                fate,
                into,
                tuple(call.output_tensors[0].shape[1:]),
                _num_parameters(call.operation) if new else 0,
            )
        )
    return tuple(rows)


_FATES = {
    NEURON: "neuron",
    REMOVED: "removed",
    HEAD: "applied at the end",
}


def _fate(call: Call, config, targets, refused) -> tuple[str, str]:
    if call.name in refused:
        return "refused", ""
    if call.name in targets:
        pool = targets[call.name].endswith(POOL_NEURON)
        return "neuron pool" if pool else "folded", targets[call.name]
    ruling = rule_for(call)
    if ruling.role == POOL:
        average = config.max_pool == "average"
        return ("average pool" if average else "spiking pool"), ""
    if ruling.role in _FATES:
        fused = ruling.role == HEAD and bool(_num_parameters(call.operation))
        return ("kept affine" if fused else _FATES[ruling.role]), ""
    return "kept affine", f"{call.name}_relu" if ruling.has_neuron else ""


def _num_parameters(operation: keras.Operation) -> int:
    operation = getattr(operation, "original", operation)
    return getattr(operation, "count_params", lambda: 0)()


def _segment_row(segment: Segment, model: keras.Model) -> SegmentRow:
    names = tuple(f"/{tensor.name}" for tensor in model.inputs)
    named = {} if len(names) == 1 else by_source(names)
    inputs = keras.layers.InputLayer
    operations = [
        operation
        for operation in segment.model.operations
        if not isinstance(operation, inputs)
    ]
    size = 0
    if segment.neuron is not None:
        shape = segment.neuron.outputs.shape[1:]
        size = None if None in shape else math.prod(shape)
    return SegmentRow(
        segment.name,
        segment.role,
        tuple(named.get(source, source) for source in segment.sources),
        tuple(operation.name for operation in operations),
        size,
        sum(map(_num_parameters, operations)),
    )
