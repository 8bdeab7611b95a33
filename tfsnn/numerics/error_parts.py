"""Where the conversion error of a layer comes from, in parts that add up."""

import dataclasses

import numpy as np

PARTS = ("inherited", "correction", "clipping", "rounding", "unevenness")
LOCAL_PARTS = ("clipping", "rounding", "unevenness")
SMALLEST_SCALE = 1e-12


def error_parts(
    analog: np.ndarray,
    on_spikes: np.ndarray,
    answer: np.ndarray,
    closed_form: np.ndarray,
    output: np.ndarray,
    largest: np.ndarray,
) -> dict[str, np.ndarray]:
    """Splits the error of a layer, value by value.

        e = a - s                       what is split
        inherited  = a - relu(W s')     earlier layers sent s', not a'
        correction = relu(W s') - relu(x)      calibrated biases and weights
        clipping   = relu(x) - min(relu(x), largest)
        rounding   = min(relu(x), largest) - Q(x)     flooring if v0 is 0
        unevenness = Q(x) - s           spikes did not arrive evenly

    Each part ends where the next one begins, so they add up to e.

    Args:
        analog: a, activations of the analog network, `[..., C]`.
        on_spikes: relu(W s'), what the analog layer answers to the mean
            outputs s' of the spiking layers before it, same shape.
        answer: relu(x), what it answers to the mean current x of the spiking
            neuron, calibrated biases and weights included, same shape.
        closed_form: Q(x), what the neuron answers to x if it arrives evenly
            (Eq. 9-10, 15), same shape.
        output: s, the mean of what the neuron really sent, same shape.
        largest: Most that the neuron can send; broadcasts to these.

    Returns:
        `PARTS` to arrays of that shape, float64, activation units.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.1 (flooring and
        clipping), Lemma 4.1 (what is inherited).
    """
    analog, on_spikes, answer, closed_form, output = (
        np.asarray(values, np.float64)
        for values in (analog, on_spikes, answer, closed_form, output)
    )
    clipped = np.minimum(answer, np.asarray(largest, np.float64))
    return {
        "inherited": analog - on_spikes,
        "correction": on_spikes - answer,
        "clipping": answer - clipped,
        "rounding": clipped - closed_form,
        "unevenness": closed_form - output,
    }


@dataclasses.dataclass
class ErrorSums:
    """Sums over batches from which shares of a squared error follow.

    The contribution of a part p to the squared error of e is `sum(p e)`: these
    add up to `sum(e e)`, because the parts add up to e. It is negative where a
    part works against the others.

    Attributes:
        analog: Sum of squares of the analog activations.
        error: Sum of squares of the error.
        contributions: Part to its contribution.
        squares: Part to the sum of its own squares.
    """

    analog: float = 0.0
    error: float = 0.0
    contributions: dict[str, float] = dataclasses.field(default_factory=dict)
    squares: dict[str, float] = dataclasses.field(default_factory=dict)

    def add(
        self,
        analog: np.ndarray,
        sent: np.ndarray,
        parts: dict[str, np.ndarray],
    ) -> None:
        """Adds a batch.

        Args:
            analog: Activations of the analog network.
            sent: Means of what the spiking network sent, of the same shape.
            parts: Name to array, of the same shape.
        """
        error = np.asarray(analog, np.float64) - sent
        self.analog += float(np.sum(np.square(analog, dtype=np.float64)))
        self.error += float(np.sum(error * error))
        for name, part in parts.items():
            both = float(np.sum(part * error))
            own = float(np.sum(part * part))
            self.contributions[name] = self.contributions.get(name, 0.0) + both
            self.squares[name] = self.squares.get(name, 0.0) + own

    @property
    def scale(self) -> float:
        """What errors are divided by: the analog square, 1 if it is silent."""
        return self.analog if self.analog > SMALLEST_SCALE else 1.0
