"""What stands in the way of a conversion, all of it at once."""

import dataclasses
import json
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Finding:
    """One obstacle.

    Attributes:
        layer: Name of the layer or operation; the model's where it is about
            the whole.
        kind: Its class name.
        reason: Why it is in the way.
        remedy: What to do about it.
    """

    layer: str
    kind: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        """One line."""
        return f"'{self.layer}' ({self.kind}): {self.reason}. {self.remedy}"


@dataclasses.dataclass(frozen=True)
class Findings:
    """All obstacles of a model, in the order of its graph.

    Attributes:
        model: Name of the model.
        findings: The obstacles; empty: the model converts.
        num_neuron_layers: How many layers become neurons.
        num_operations: How many operations were looked at.
        warnings: What does not stand in the way, but changes something.
    """

    model: str
    findings: tuple[Finding, ...]
    num_neuron_layers: int = 0
    num_operations: int = 0
    warnings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the model converts."""
        return not self.findings

    def __iter__(self) -> Iterator[Finding]:
        """The obstacles in order."""
        return iter(self.findings)

    def __len__(self) -> int:
        """Number of obstacles."""
        return len(self.findings)

    def __str__(self) -> str:
        """Text for a person: a summary, then a line each."""
        looked = f"{self.num_operations} operations looked at"
        warnings = [f"  warning: {one}" for one in self.warnings]
        if self.ok:
            first = (
                f"Model '{self.model}' converts: {self.num_neuron_layers}"
                f" neuron layers, {looked}."
            )
            return "\n".join([first, *warnings])
        lines = [
            f"Model '{self.model}' does not convert: {len(self)}"
            f" finding{'s' if len(self) > 1 else ''}, {looked}."
        ]
        lines += [f"  {number}. {one}" for number, one in enumerate(self, 1)]
        return "\n".join(lines + warnings)

    def to_dict(self) -> dict:
        """Plain types."""
        return {**dataclasses.asdict(self), "ok": self.ok}

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=2)
