"""The methods we compare with, as pipelines.

None of them looks at held-out images: they are not guarded. Spikes are soft
reset unless the conversion says `reset="hard"`, as some of the originals do.
"""

from tfsnn.calibration import (
    MaximumThreshold,
    PercentileThreshold,
    Pipeline,
    Strategy,
)

from .local_balancing import LocalBalancing
from .shifted import ShiftedThreshold
from .spike_norm import SpikeNormThreshold


def maximum() -> Pipeline:
    """Maximum activation: theta_l = max a_l, potentials start at 0.

    The original resets to zero: `ConversionConfig(reset="hard")`. It scales
    weights so that thresholds are 1, which is the same, see `with_unit_spikes`;
    in the authors' code theta_l / theta_(l-1) is not below the largest weight
    of the layer, either. Here, as in the comparison of Li et al. (2021,
    section 4.1), the activations alone decide.

    Returns:
        A pipeline.

    References:
        Diehl, Neil, Binas, Cook, Liu, Pfeiffer, Fast-Classifying, High-Accuracy
        Spiking Deep Networks Through Weight and Threshold Balancing, IJCNN
        2015 (data-based normalisation).
    """
    return Pipeline(
        "maximum", (MaximumThreshold(initial_charge=0.0),), guarded=False
    )


def percentile(value: float = 99.9) -> Pipeline:
    """Robust normalisation: theta_l is a percentile of the activations.

    Of all of them, zeros included ("the total activity distribution"), as in
    the code of Li et al. (2021), too; the authors' toolbox leaves zeros out.

    Args:
        value: The percentage, above 0, up to 100.

    Returns:
        A pipeline.

    References:
        Rueckauer, Lungu, Hu, Pfeiffer, Liu, Conversion of Continuous-Valued
        Deep Networks to Efficient Event-Driven Networks for Image
        Classification, Frontiers in Neuroscience 11:682, 2017, section
        2.2.2 (Parameter Normalization).
    """
    threshold = PercentileThreshold(value, initial_charge=0.0)
    return Pipeline("percentile", (threshold,), guarded=False)


def spike_norm() -> Pipeline:
    """Spike-Norm: theta_l is the largest current that spikes bring.

    The original resets to zero: `ConversionConfig(reset="hard")`; its input is
    a Poisson train, here the image is a constant current.

    Returns:
        A pipeline.

    References:
        See `SpikeNormThreshold`.
    """
    return Pipeline("spike_norm", (SpikeNormThreshold(),), guarded=False)


def rmp(scale: float = 0.8) -> Pipeline:
    """RMP: soft reset, and thresholds below the largest current.

    The soft reset is what the paper is about. It sets thresholds layer by
    layer, too; one factor for all layers is our reading of that.

    Args:
        scale: Factor of Spike-Norm's threshold. The default is ours.

    Returns:
        A pipeline.

    References:
        Han, Srinivasan, Roy, RMP-SNN: Residual Membrane Potential Neuron for
        Enabling Deeper High-Accuracy and Low-Latency Spiking Neural Network,
        CVPR 2020, arXiv:2003.01811.
    """
    return Pipeline("rmp", (SpikeNormThreshold(scale),), guarded=False)


def tsc(scale: float = 0.8) -> Pipeline:
    """Temporal switch coding: RMP, of which only the events are others.

    Accuracy is that of `rmp`; see `switch_coding` for why, and
    `switch_activity` for the number of events. Published accuracies are not
    those of RMP (Li et al., 2021, Tables 4 and 9): the published method is more
    than this coding of trains.

    Args:
        scale: As in `rmp`.

    Returns:
        A pipeline.

    References:
        Han, Roy, Deep Spiking Neural Network: Energy Efficiency Through Time
        based Coding, ECCV 2020.
    """
    return Pipeline("tsc", (SpikeNormThreshold(scale),), guarded=False)


def opt() -> Pipeline:
    """Opt: theta_l = max a_l, and a shift of theta / 2T at every step.

    Returns:
        A pipeline.

    References:
        See `ShiftedThreshold`.
    """
    return Pipeline("opt", (ShiftedThreshold(),), guarded=False)


def local_balancing(
    *,
    per: str = "channel",
    iterations: int = 1000,
    readout: tuple[Strategy, ...] = (),
) -> Pipeline:
    """LTB: thresholds balanced on each layer alone, potentials at half.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        iterations: Steps of balancing.
        readout: Steps of the read-out; `(ReadoutDelay(),)` for one that starts
            late, as published with it.

    Returns:
        A pipeline.

    References:
        See `LocalBalancing`.
    """
    threshold = LocalBalancing(per=per, iterations=iterations)
    return Pipeline("local_balancing", (threshold,), False, readout)
