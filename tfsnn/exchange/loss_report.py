"""What another format cannot carry of a spiking network."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Loss:
    """One thing that was changed or left out.

    Attributes:
        where: Name of a layer, or `"network"`.
        what: What cannot be carried.
        instead: What is in the file instead.
        is_exact: Whether a reader that follows the metadata gets the same
            spikes.
    """

    where: str
    what: str
    instead: str
    is_exact: bool

    def __str__(self) -> str:
        """One line."""
        mark = "metadata" if self.is_exact else "approximate"
        return f"{self.where}: {self.what} -> {self.instead} ({mark})"


@dataclasses.dataclass(frozen=True)
class LossReport:
    """Everything that was changed or left out.

    Attributes:
        losses: One entry each.
    """

    losses: tuple[Loss, ...]

    @property
    def is_exact(self) -> bool:
        """Whether nothing was approximated."""
        return all(loss.is_exact for loss in self.losses)

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "is_exact": self.is_exact,
            "losses": [dataclasses.asdict(loss) for loss in self.losses],
        }

    def __str__(self) -> str:
        """A line for each loss."""
        if not self.losses:
            return "Nothing was lost."
        return "\n".join(map(str, self.losses))
