"""One segment at one T: calibrated, or as an earlier session left it."""

from tfsnn.graph.segments import READOUT
from tfsnn.types import NeuronParameters

from .checkpoint import Checkpoint
from .finished_segment import FinishedSegment
from .fronts import SpikingFront
from .pipeline import Pipeline
from .readout_visit import finish_readout
from .segment_currents import SegmentCurrents
from .visit import Task, Visit


def finish(
    task: Task,
    front: SpikingFront,
    pipeline: Pipeline,
    checkpoint: Checkpoint | None = None,
) -> FinishedSegment:
    """Finishes a segment; its spikes are emitted in any case.

    Args:
        task: The segment.
        front: The spiking network up to it, at one T.
        pipeline: What to try where it is not finished yet.
        checkpoint: Where finished segments are; None: nowhere.

    Returns:
        What was found, now or in an earlier session.

    Raises:
        ExportError: If the checkpoint cannot be written.
    """
    if task.segment.role == READOUT:
        return finish_readout(task, front, pipeline, checkpoint)
    name, timesteps = task.segment.name, front.timesteps
    stored = checkpoint and checkpoint.restore(name, timesteps)
    if stored:
        replay(task, front, stored.parameters)
        return stored
    visit = Visit(task, front)
    parameters = visit.calibrate(pipeline)
    finished = FinishedSegment(name, timesteps, parameters, tuple(visit.steps))
    if checkpoint:
        checkpoint.save(finished)
    return finished


def replay(
    task: Task, front: SpikingFront, parameters: NeuronParameters
) -> None:
    """Emits with parameters that are known; measures nothing.

    Args:
        task: The segment.
        front: The spiking network up to it, at one T.
        parameters: Of its neuron.
    """
    affine = front.affine(task.segment, task.affine, parameters.weights)
    currents = SegmentCurrents(front, task.segment, affine)
    neuron = front.neuron(task.segment, parameters)
    front.emit(task.segment, neuron, currents())
