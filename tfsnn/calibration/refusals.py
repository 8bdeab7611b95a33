"""Which steps of a pipeline a kind of neuron, or a network, cannot have."""

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_neuron
from tfsnn.dynamics.neuron_kind import NeuronKind

from .pipeline import Pipeline
from .search import Search


def refusal(pipeline: Pipeline, kind: NeuronKind) -> str | None:
    """Why a pipeline does not fit a kind of neuron.

    Asks every step that has a method `refusal`.

    Args:
        pipeline: The steps.
        kind: Kind of neuron.

    Returns:
        What each step that does not fit says; None if all do.
    """
    reasons = []
    for strategy in dict.fromkeys((*pipeline.strategies, *pipeline.readout)):
        ask = getattr(strategy, "refusal", None)
        reason = ask(kind) if ask else None
        if reason is not None:
            reasons.append(f"{type(strategy).__name__} {reason}")
    return "; ".join(reasons) or None


def check_steps(pipeline: Pipeline | Search, kind: NeuronKind) -> None:
    """Raises unless the steps fit the kind of neuron.

    Args:
        pipeline: The steps; of a search those of its first candidate, for
            others may be left out.
        kind: Kind of neuron.

    Raises:
        ValueError: If a step does not, naming all of them.
    """
    if isinstance(pipeline, Search):
        pipeline = pipeline.candidates[0]
    reason = refusal(pipeline, kind)
    if reason is not None:
        raise ValueError(
            f"Pipeline '{pipeline.name}' with neurons of kind '{kind.name}':"
            f" {reason}. Take another pipeline, such as light(), or another"
            " neuron in the ConversionConfig."
        )


def size_refusal(pipeline: Pipeline, conversion: Conversion) -> str | None:
    """Why a pipeline does not fit a network for images of any size.

    Args:
        pipeline: The steps.
        conversion: The network.

    Returns:
        Which steps set something for each neuron, and the layers whose number
        of neurons depends on the size of the image; None if all fit.
    """
    tied = {
        type(step).__name__: None
        for step in pipeline.strategies
        if getattr(step, "needs_sizes", False)
    }
    shapes = {
        call.name: call.output_tensors[0].shape
        for call in conversion.graph
        if is_neuron(call)
    }
    open_ended = [
        f"'{name}' {tuple(shape)}"
        for name, shape in shapes.items()
        if None in shape[1:]
    ]
    if not tied or not open_ended:
        return None
    return (
        f"sets values for each neuron ({', '.join(tied)}), and the size of"
        f" these layers depends on the image: {', '.join(open_ended)}"
    )


def check_sizes(pipeline: Pipeline | Search, conversion: Conversion) -> None:
    """Raises unless feature maps have the sizes that the steps need.

    Args:
        pipeline: The steps; of a search those of its first candidate, for
            others may be left out.
        conversion: The network.

    Raises:
        ValueError: See `size_refusal`.
    """
    if isinstance(pipeline, Search):
        pipeline = pipeline.candidates[0]
    reason = size_refusal(pipeline, conversion)
    if reason is not None:
        raise ValueError(
            f"Pipeline '{pipeline.name}' {reason}. Supported: networks for"
            " images of one size, or values per channel. Build the network"
            " with a keras.Input of that size, or pass per='channel'"
            " (potentials_per='channel' to advanced())."
        )
