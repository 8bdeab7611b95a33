"""Named sequences of strategies.

To choose: `light` for a first look and for many steps (64 and more, two-phase
16), `fitted` for fewer, `reconstructed` where accuracy is worth minutes,
`temporal` where weights have to stay, `best` to have it decided.
`uncalibrated`, `advanced` and `published_code` are there to compare with.
"""

from tfsnn.numerics.checks import check_choice

from .arguments import checked_whole
from .biases import BiasCalibration
from .block_weights import BlockCalibration
from .least_squares import LeastSquaresCalibration
from .pipeline import Pipeline
from .potentials import PotentialCalibration
from .readouts import ReadoutCalibration
from .search import Search
from .step_weights import StepWeightCalibration
from .strategy import Strategy, repeat
from .temporal import TemporalBiasCalibration
from .threshold_search import ThresholdSearch
from .thresholds import AveragedThreshold, MmseThreshold
from .weights import WeightCalibration


def uncalibrated(
    *,
    per: str = "channel",
    rounding: str = "round",
    threshold: Strategy | None = None,
) -> Pipeline:
    """Thresholds, of least squared error by default, and nothing else.

    To see what calibration brings, or which threshold is best by itself.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        rounding: Quantiser of the threshold search, `"floor"` or `"round"`.
        threshold: Sets the thresholds, instead of `per` and `rounding`: for
            example `MaximumThreshold("channel")`.

    Returns:
        A pipeline: the paper's MMSE row without calibration.
    """
    threshold = threshold or MmseThreshold(per, rounding)
    return Pipeline("uncalibrated", (threshold,))


def light(
    *,
    per: str = "channel",
    rounding: str = "round",
    iterations: int = 3,
    damping: float = 1.0,
    threshold: Strategy | None = None,
) -> Pipeline:
    """The Light pipeline: thresholds, then bias calibration.

    For a first look, and for many steps (T of 64 and more, two-phase 16), where
    little is left to gain: seconds, and weights stay as they are.
    `light(per="layer", rounding="floor", iterations=1)` is the paper's; the
    defaults measure better.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        rounding: Quantiser of the threshold search, `"floor"` or `"round"`.
        iterations: Sweeps of bias calibration over each segment.
        damping: Share of the error added a sweep.
        threshold: Sets the thresholds, instead of `per` and `rounding`: for
            example `MaximumThreshold("channel")`.

    Returns:
        A pipeline.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.3.
    """
    threshold = threshold or MmseThreshold(per, rounding)
    iterations = checked_whole("iterations", iterations, low=0, default=3)
    biases = repeat(BiasCalibration(damping), iterations)
    return Pipeline("light", (threshold, *biases))


def advanced(
    *,
    per: str = "channel",
    rounding: str = "round",
    potentials_per: str = "channel",
    weights: WeightCalibration | None = None,
    threshold: Strategy | None = None,
) -> Pipeline:
    """The Advanced pipeline: weight, then potential calibration.

    To compare with the paper: up to 5,000 iterations a layer, where `trained`
    and `reconstructed` have 500 and `fitted` none.
    `advanced(per="layer", rounding="floor", potentials_per="neuron")` is the
    paper's.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        rounding: Quantiser of the threshold search and of the weight
            calibration, `"floor"` or `"round"`.
        potentials_per: Potentials per `"channel"` or `"neuron"`; the latter
            ties the model to the size of its images.
        weights: Weight calibration; None: the paper's hyper-parameters.
        threshold: Sets the thresholds, instead of `per` and `rounding`.

    Returns:
        A pipeline.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.3, Eq. 15-18.
    """
    threshold = threshold or MmseThreshold(per, rounding)
    if weights is None:
        response = "floor" if rounding == "floor" else "neuron"
        weights = WeightCalibration(rounding=response)
    potentials = PotentialCalibration(potentials_per)
    return Pipeline("advanced", (threshold, weights, potentials))


PUBLISHED = {
    "light": (BiasCalibration(),),
    "potential": (PotentialCalibration("neuron"),),
    "weights": (
        WeightCalibration(optimizer="adam"),
        PotentialCalibration("neuron"),
    ),
}


def published_code(steps: str = "light") -> Pipeline:
    """What the code published with the paper does, to compare with.

    One threshold a layer from a moving average over batches, for a neuron that
    floors, beside a shift that makes it round; one undamped step; nothing is
    held out. It differs from the paper, see `AveragedThreshold`. For plain
    neurons only.

    Args:
        steps: `"light"`: biases; `"potential"`: its Advanced pipeline for
            CIFAR; `"weights"`: that for ImageNet, weights, then potentials.

    Returns:
        A pipeline.

    Raises:
        ValueError: If `steps` is unknown.
    """
    check_choice("steps", steps, tuple(PUBLISHED))
    return Pipeline(
        f"published_code_{steps}",
        (AveragedThreshold(), *PUBLISHED[steps]),
        guarded=False,
    )


def temporal(
    *,
    per: str = "channel",
    iterations: int = 10,
    damping: float = 0.5,
    threshold: Strategy | None = None,
) -> Pipeline:
    """Thresholds, then a temporal bias: one charge a channel and step.

    For few steps in the pipelined clock or with a small lag, where weights have
    to stay as they are. In the two-phase clock (`lag=T`) it does not matter
    when a spike comes, and this is `uncalibrated`: take `light` or `fitted`.
    Bit-plane neurons cannot have it.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        iterations: Passes over the steps.
        damping: Share of the error added a pass.
        threshold: Sets the thresholds, instead of `per`.

    Returns:
        A pipeline.

    References:
        Wu et al., FTBC: Forward temporal bias correction for optimizing
        ANN-SNN conversion, ECCV 2024, arXiv:2403.18388.
    """
    threshold = threshold or MmseThreshold(per)
    bias = TemporalBiasCalibration(iterations, damping)
    return Pipeline("temporal", (threshold, bias))


QUICK_TRAINING = WeightCalibration(
    iterations=500,
    optimizer="adam",
    learning_rate=1e-3,
    rounding="neuron",
    train_bias=True,
    check_every=50,
)


def trained(
    *,
    per: str = "channel",
    weights: WeightCalibration | None = None,
    iterations: int = 3,
    temporal_iterations: int = 0,
    threshold: Strategy | None = None,
) -> Pipeline:
    """Ours: thresholds, trained weights, then biases on the real spikes.

    For weights trained in a way of your own (`weights`), with passes of
    temporal bias for few pipelined steps; `fitted` needs no training.

    Weights are trained on mean rates through the neuron's own response, the
    bias with them; what rates hide is left to the steps after it.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        weights: Weight calibration; None: 500 iterations of Adam.
        iterations: Sweeps of bias calibration.
        temporal_iterations: Passes of temporal bias calibration after these.
        threshold: Sets the thresholds, instead of `per`.

    Returns:
        A pipeline.
    """
    threshold = threshold or MmseThreshold(per)
    steps = [threshold, QUICK_TRAINING if weights is None else weights]
    steps += repeat(
        BiasCalibration(),
        checked_whole("iterations", iterations, low=0, default=3),
    )
    passes = checked_whole(
        "temporal_iterations", temporal_iterations, low=0, default=0
    )
    name = "trained"
    if passes:
        name = "trained_temporal"
        steps.append(TemporalBiasCalibration(passes))
    return Pipeline(name, tuple(steps))


def fitted(
    *,
    per: str = "channel",
    ridge: float = 0.01,
    search: ThresholdSearch | None = None,
    temporal_iterations: int = 0,
    threshold: Strategy | None = None,
) -> Pipeline:
    """Ours, without training: everything fitted to what neurons really emit.

    The first choice for few steps (T up to 32, two-phase up to 8; above that
    `light` does as well): there is no learning rate, and nothing to tune.

    Thresholds and biases first, then the weights by regression of the error
    that is left, thresholds and initial potentials by trial on real spikes, and
    the read-out, and what each step counts in it, by regression.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        ridge: Weight of the penalty of the regression of weights.
        search: Thresholds and potentials to try; None: the defaults.
        temporal_iterations: Passes of temporal bias calibration after the
            last bias calibration.
        threshold: Sets the first thresholds, instead of `per`.

    Returns:
        A pipeline.
    """
    steps = [
        threshold or MmseThreshold(per),
        BiasCalibration(),
        LeastSquaresCalibration(ridge),
        ThresholdSearch() if search is None else search,
        BiasCalibration(),
    ]
    passes = checked_whole(
        "temporal_iterations", temporal_iterations, low=0, default=0
    )
    name = "fitted"
    if passes:
        name = "fitted_temporal"
        steps.append(TemporalBiasCalibration(passes))
    readout = (ReadoutCalibration(), StepWeightCalibration())
    return Pipeline(name, tuple(steps), readout=readout)


def reconstructed(
    *,
    per: str = "channel",
    blocks: BlockCalibration | None = None,
    threshold: Strategy | None = None,
) -> Pipeline:
    """Ours: blocks trained as one, then fitted to what neurons really emit.

    The most thorough one, and the slowest, for where accuracy is worth minutes:
    `fitted` after the weights, biases and thresholds in front of each neuron
    were trained for what the rest of its residual block makes of them.

    Args:
        per: Thresholds per `"layer"` or `"channel"`.
        blocks: Block calibration; None: 500 iterations of Adam.
        threshold: Sets the first thresholds, instead of `per`.

    Returns:
        A pipeline.
    """
    after = fitted(per=per, threshold=threshold)
    first, *others = after.strategies
    trained = BlockCalibration() if blocks is None else blocks
    return Pipeline(
        "reconstructed",
        (first, trained, *others),
        readout=after.readout,
    )


def best(budget: float = 600.0) -> Search:
    """Tries what we have, from quick to thorough, and keeps the best.

    For those who do not want to choose, at a given clock (`SweepConfig.lag`).
    Judged for each T by the outputs of the whole spiking network on held-out
    images; the result's `trials` say what was tried. What would not end within
    the budget is left out, and so are temporal biases for bit-plane neurons;
    Light always runs.

    Args:
        budget: Seconds, above 0. 50 to 80 times a Light calibration are enough
            for all candidates.

    Returns:
        A search, for `calibrate(pipeline=...)`.

    Raises:
        ValueError: If the budget is not above 0.
    """
    candidates = {
        light(): 1.0,
        temporal(): 3.0,
        fitted(): 7.0,
        trained(): 8.0,
        trained(temporal_iterations=10): 10.0,
        reconstructed(): 20.0,
    }
    return Search("best", tuple(candidates), tuple(candidates.values()), budget)
