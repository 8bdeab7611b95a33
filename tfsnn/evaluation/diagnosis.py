"""Where the accuracy went: the record of a diagnosis."""

import dataclasses
import json

from .explanation import explain


@dataclasses.dataclass(frozen=True)
class LayerDiagnosis:
    """The conversion error of one neuron layer, or of the read-out.

    Errors are squared and divided by the square of the analog activations.

    Attributes:
        name: Name of the layer.
        error: Squared error of its mean output.
        contributions: Part to what it adds to `error`: they add up to it; see
            `tfsnn.numerics.error_parts`. Negative: it works against others.
        sizes: Part to its own square; these do not add up.
        clipped: Share of values above the most that the neuron can send.
        enters: Share of the squared error of the logits that enters here: the
            difference it makes to put this layer, too, in its spiking form,
            with all layers before it spiking and all behind it analog. The
            shares of all layers add up to 1.
        norm: Norm of the error over that of the analog activations.
        bound: The same of what Lemma 4.1 (Eq. 12) states: local errors of all
            layers so far, each taken on by the weights behind it.
    """

    name: str
    error: float
    contributions: dict[str, float]
    sizes: dict[str, float]
    clipped: float
    enters: float
    norm: float
    bound: float


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """The conversion error of a spiking network, layer by layer.

    Attributes:
        model: Name of the spiking model.
        timesteps: T.
        num_images: Images it was measured on.
        logit_error: Squared error of the logits over their square.
        agreement: Share of images with the same largest logit, 0...1; None
            without classes: with one logit, or several outputs.
        correlation: Correlation of analog and spiking logits; None if either
            are constant.
        layers: In order; read-outs last.
        seconds: Duration.
    """

    model: str
    timesteps: int
    num_images: int
    logit_error: float
    agreement: float | None
    correlation: float | None
    layers: list[LayerDiagnosis]
    seconds: float

    @property
    def explanation(self) -> str:
        """One or two plain sentences."""
        return explain(dataclasses.asdict(self))

    def to_dict(self) -> dict:
        """All entries as plain types, with the explanation."""
        return {**dataclasses.asdict(self), "explanation": self.explanation}

    @classmethod
    def from_dict(cls, values: dict) -> "Diagnosis":
        """The inverse of `to_dict`."""
        values = {k: v for k, v in values.items() if k != "explanation"}
        layers = [LayerDiagnosis(**layer) for layer in values.pop("layers")]
        return cls(**values, layers=layers)

    def to_json(self) -> str:
        """All entries as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def __str__(self) -> str:
        """The explanation."""
        return self.explanation
