"""Several pipelines to try."""

import dataclasses

from .arguments import is_number
from .pipeline import Pipeline


@dataclasses.dataclass(frozen=True)
class Search:
    """Pipelines to try, in order, within a time.

    Attributes:
        name: For reports and manifests.
        candidates: The pipelines, each with a name of its own; the first one
            is always run.
        costs: About how long each takes, the first one taking 1.
        budget: Seconds for all of them. A pipeline that would not end in time,
            judging by the slowest so far for its cost, is left out, as is one
            with a step that the kind of neuron, or the network, cannot have.
    """

    name: str
    candidates: tuple[Pipeline, ...]
    costs: tuple[float, ...]
    budget: float

    def __post_init__(self):
        """Checks the numbers.

        Raises:
            ValueError: If there is no candidate, not one cost for each, two
                have one name, or a number is not above 0.
        """
        if not self.candidates or len(self.costs) != len(self.candidates):
            raise ValueError(
                f"Search '{self.name}' has {len(self.candidates)} candidates"
                f" and {len(self.costs)} costs. Supported: at least one"
                " candidate, and a cost for each."
            )
        names = [pipeline.name for pipeline in self.candidates]
        if len(set(names)) < len(names):
            raise ValueError(
                f"Search '{self.name}' has candidates with the names {names}."
                " Supported: each once, for trials are told apart by them."
                " Rename one: dataclasses.replace(pipeline, name=...)."
            )
        for name, values in (("budget", [self.budget]), ("costs", self.costs)):
            if not all(is_number(value) and value > 0 for value in values):
                raise ValueError(
                    f"{name}={getattr(self, name)!r}. Supported: numbers above"
                    " 0. Pass for example budget=600, in seconds."
                )

    def to_dict(self) -> dict:
        """Name, budget and every candidate, plain types."""
        return {
            "name": self.name,
            "candidates": [one.to_dict() for one in self.candidates],
            "costs": list(self.costs),
            "budget": self.budget,
        }
