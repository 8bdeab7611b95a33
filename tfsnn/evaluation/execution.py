"""Chooses how a spiking network is run: folded, step by step, on counts."""

import dataclasses
import math

import keras

from tfsnn.conversion.counting_model import runs_on_counts
from tfsnn.conversion.timetable import FOLDED_ROWS, Timetable
from tfsnn.errors import ConversionError
from tfsnn.graph.view import Graph

FOLDED_TIMESTEPS = {"CPU": 7, "GPU": 64}
"""Largest T that is folded. On a CPU a batch of images fills the cores at
every step, and stepping spares the copies between steps: measured faster from
T = 8. A GPU wants fewer and larger launches."""
STEPPING_BATCH = 64
COUNTS_BATCH = 128


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to run.

    Attributes:
        execution: `"counts"`, `"folded"` or `"stepping"`.
        batch_size: Images at once.
    """

    execution: str
    batch_size: int


def folded_timesteps() -> int:
    """Largest T that is folded on this machine."""
    has_gpu = keras.distribution.list_devices("gpu")
    return FOLDED_TIMESTEPS["GPU" if has_gpu else "CPU"]


def plan(
    graph: Graph,
    table: Timetable,
    *,
    memory_budget: int,
    batch_size: int | None = None,
) -> Plan:
    """Chooses the execution and the batch size.

    Args:
        graph: A spiking network.
        table: Its timetable.
        memory_budget: Bytes that feature maps and states may take.
        batch_size: Images at once; None: to be chosen.

    Returns:
        Counts for a two-phase network, if they tell the spikes of its kinds
        of neuron. Else folded where T is small and a batch fits, else
        stepping. A model with unknown axes cannot be stepped.

    Raises:
        ConversionError: If axes are unknown and T is too large to fold.
    """
    kinds = [call.operation.cell.kind for call in table.neurons]
    if runs_on_counts(table) and all(kind.has_events for kind in kinds):
        one_image = feature_map_bytes(graph, table, folded=False)
        fitting = max(1, memory_budget // one_image)
        return Plan("counts", batch_size or min(COUNTS_BATCH, fitting))
    folded_bytes = feature_map_bytes(graph, table)
    fitting = memory_budget // folded_bytes
    fits = fitting >= (batch_size or 1)
    if table.has_unknown_axes:
        if not fits or table.timesteps > FOLDED_ROWS:
            _refuse_unknown_axes(graph, table)
    else:
        fits = fits and table.timesteps <= folded_timesteps()
    if fits:
        batch = min(table.folded_images, fitting)
        return Plan("folded", batch_size or batch)
    fitting = max(1, memory_budget // step_bytes(graph, table))
    return Plan("stepping", batch_size or min(STEPPING_BATCH, fitting))


def feature_map_bytes(
    graph: Graph, table: Timetable, *, folded: bool = True
) -> int:
    """Bytes of the feature maps that are alive at once, for one image.

    Args:
        graph: A spiking network.
        table: Its timetable.
        folded: Whether T steps are there at once.

    Returns:
        The largest sum, walking the calls in order. A call's output counts
        twice: a neuron collects its steps before it stacks them, and a
        convolution has a work space. Unknown axes count as one.
    """
    times = _rows_per_image(table) if folded else {}
    last_use = {
        id(tensor): index
        for index, call in enumerate(graph)
        for tensor in call.input_tensors
    }
    alive = {id(x): _bytes(x) for x in graph.model.inputs}
    peak = 0
    for index, call in enumerate(graph):
        made = {}
        for tensor in call.output_tensors:
            made[id(tensor)] = _bytes(tensor) * times.get(id(tensor), 1)
        alive |= made
        peak = max(peak, sum(alive.values()) + sum(made.values()))
        alive = {
            key: size
            for key, size in alive.items()
            if last_use.get(key, 0) > index
        }
    return peak


def step_bytes(graph: Graph, table: Timetable) -> int:
    """Bytes of one image in the stepping form: states and feature maps.

    Args:
        graph: A spiking network.
        table: Its timetable.

    Returns:
        Bytes; the state counts twice, before and after a step.
    """
    states = sum(
        _bytes(call.outputs) * call.operation.cell.kind.num_states
        for call in table.neurons
    )
    states += sum(_bytes(x) * delay for x, delay in table.delays.values())
    return 2 * states + feature_map_bytes(graph, table, folded=False)


def _refuse_unknown_axes(graph, table):
    raise ConversionError(
        f"Model '{graph.model.name}' has feature maps with unknown axes and"
        f" T={table.timesteps}, too large to compute all steps at once."
        f" Supported for such models: T up to {FOLDED_ROWS}, in batches that"
        " fit into memory_budget. Give the Input a full shape, then it is run"
        " step by step."
    )


def _rows_per_image(table):
    """Id of each tensor that the folded run has T times."""
    late = [call.outputs for call in (*table.readouts, *table.finale)]
    late = map(id, keras.tree.flatten(late)) if table.has_prefixes else {}
    return dict.fromkeys([*table.offsets, *late], table.timesteps)


def _bytes(tensor: keras.KerasTensor) -> int:
    size = math.prod(axis or 1 for axis in tensor.shape[1:])
    return 4 * size  # potentials and most feature maps are float32
