"""Which steps of a pipeline a kind of neuron cannot have."""

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
