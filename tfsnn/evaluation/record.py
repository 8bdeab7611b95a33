"""What one evaluation found out."""

import dataclasses
import json

from .activity import Activity
from .cost import Cost


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Accuracy, agreement and firing rates of one network on one data set.

    A plain network has neither T nor rates: those entries are None. So are
    those that compare with a reference where none was given.

    Attributes:
        model: Name of the network.
        num_images: Number of labelled images.
        accuracy: Share of images whose largest output, of the mean over time,
            is that of the label, 0...1.
        execution: `"folded"` (all steps of a layer at once), `"stepping"`
            (all layers of a step at once), `"counts"` (spike counts without
            steps, two-phase only) or `"plain"` (no time).
        batch_size: Images computed at once.
        seconds: Wall time of the run, compilation included.
        timesteps: T.
        lag: Largest lag of a neuron.
        latency_steps: T plus the largest sum of lags along a path.
        accuracy_at: Accuracy after step 1...T; None where a neuron has a lag
            or fires bits, because a shorter run then gives other outputs than
            those so far.
        reference_accuracy: Accuracy of the reference.
        agreement: Share of images for which the largest output is that of the
            reference, 0...1.
        agreement_at: Agreement after step 1...T; None like `accuracy_at`.
        firing_rates: Layer name to spikes per step and neuron, 0...1. A spike
            is a step at which a neuron sends anything but zero: a burst is
            one, though it costs as many additions as it has spikes.
        mean_firing_rate: The same over all neurons of the network.
        neuron: Kind of the neurons, several with commas; `"if"` is plain.
        activity: Dead and saturated channels and a histogram of rates of
            each neuron layer.
        cost: Operations of the spiking and of the analog network for one
            image; also None for feature maps with unknown axes.
    """

    model: str
    num_images: int
    accuracy: float
    execution: str
    batch_size: int
    seconds: float
    timesteps: int | None = None
    lag: int | None = None
    latency_steps: int | None = None
    accuracy_at: list[float] | None = None
    reference_accuracy: float | None = None
    agreement: float | None = None
    agreement_at: list[float] | None = None
    firing_rates: dict[str, float] | None = None
    mean_firing_rate: float | None = None
    neuron: str | None = None
    activity: list[Activity] | None = None
    cost: Cost | None = None

    def to_dict(self) -> dict:
        """All entries as plain types; of the cost also what follows."""
        cost = None if self.cost is None else self.cost.to_dict()
        return {**dataclasses.asdict(self), "cost": cost}

    @classmethod
    def from_dict(cls, values: dict) -> "Evaluation":
        """The inverse of `to_dict`."""
        values = dict(values)
        if values.get("activity") is not None:
            values["activity"] = [Activity(**x) for x in values["activity"]]
        if values.get("cost") is not None:
            values["cost"] = Cost.from_dict(values["cost"])
        return cls(**values)

    def to_json(self) -> str:
        """All entries as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def __str__(self) -> str:
        """A table of the main entries, one a line."""
        rows = [
            ("model", self.model),
            ("images", f"{self.num_images}"),
            ("neurons", _extended(self.neuron)),
            ("timesteps", _number(self.timesteps)),
            ("latency steps", _number(self.latency_steps)),
            ("accuracy", _percent(self.accuracy)),
            ("reference accuracy", _percent(self.reference_accuracy)),
            ("agreement", _percent(self.agreement)),
            ("mean firing rate", _rate(self.mean_firing_rate)),
            ("energy of the ANN's", _energy(self.cost)),
            ("seconds", f"{self.seconds:.1f}"),
        ]
        rows = [(name, text) for name, text in rows if text is not None]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _number(value):
    return None if value is None else str(value)


def _extended(neuron):
    """A label for neurons that are not plain; none for those that are."""
    return None if neuron in (None, "if") else f"{neuron} (not plain)"


def _percent(value):
    return None if value is None else f"{100 * value:.2f} %"


def _energy(cost):
    """Share of the analog network's, under the first table of constants."""
    if cost is None:
        return None
    row = cost.energy()[0]
    if row["ratio"] is None:
        return None
    return f"{100 * row['ratio']:.1f} % ({row['model']}; an estimate)"


def _rate(value):
    return None if value is None else f"{value:.4f}"
