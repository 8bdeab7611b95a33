"""The methods of the paper's tables, as pipelines.

The rows of its ablations have the bias shift of Deng and Gu (section 5.1), here
as half a threshold of initial potential, which is the same charge. Nothing is
held out in the paper, so none of its rows is guarded.
"""

import dataclasses
from collections.abc import Callable

import tfsnn
from tfsnn import baselines, calibration
from tfsnn_tools.pipeline_names import PIPELINES


@dataclasses.dataclass(frozen=True)
class Method:
    """How a row is made.

    Attributes:
        pipeline: Makes it.
        reset: Of the neurons.
        trains: Whether the spiking network is trained afterwards, with labels.
    """

    pipeline: Callable[[], tfsnn.Pipeline | calibration.Search]
    reset: str = "soft"
    trains: bool = False


TRAINED = (calibration.WeightCalibration, calibration.BlockCalibration)
THRESHOLDS = {
    "maximum": lambda: calibration.MaximumThreshold("layer"),
    "percentile": lambda: calibration.PercentileThreshold(99.9, "layer"),
    "mmse": lambda: calibration.MmseThreshold("layer", "floor"),
    "mmse_channel": lambda: calibration.MmseThreshold("channel", "floor"),
}
STEPS = {
    "": lambda: (),
    "_bc": lambda: (calibration.BiasCalibration(),),
    "_pc": lambda: (calibration.PotentialCalibration("neuron"),),
    "_pc_wc": lambda: (
        calibration.WeightCalibration(rounding="floor"),
        calibration.PotentialCalibration("neuron"),
    ),
}


def _ablation(threshold: str, steps: str) -> Method:
    def pipeline():
        return tfsnn.Pipeline(
            f"table_{threshold}{steps}",
            (THRESHOLDS[threshold](), *STEPS[steps]()),
            guarded=False,
        )

    return Method(pipeline)


def _weights_only() -> tfsnn.Pipeline:
    return tfsnn.Pipeline(
        "table_wc",
        (
            THRESHOLDS["mmse"](),
            calibration.WeightCalibration(rounding="floor"),
        ),
        guarded=False,
    )


METHODS = {
    "spike_norm": Method(baselines.spike_norm, reset="hard"),
    "hybrid": Method(lambda: baselines.rmp(scale=0.7), trains=True),
    "rmp": Method(baselines.rmp),
    "tsc": Method(baselines.tsc),
    "opt": Method(baselines.opt),
    # Table 9 has the figures that "MMSE + BC" and "MMSE + PC + WC" have on
    # ResNet-20 in Tables 3 and 5; those on VGG-16 are near.
    "paper_light": _ablation("mmse", "_bc"),
    "paper_advanced": _ablation("mmse", "_pc_wc"),
    "table_wc": Method(_weights_only),
    **{
        f"table_{threshold}{steps}": _ablation(threshold, steps)
        for threshold in THRESHOLDS
        for steps in STEPS
    },
}


def with_iterations(
    pipeline: tfsnn.Pipeline | calibration.Search, iterations: int | None
) -> tfsnn.Pipeline | calibration.Search:
    """A pipeline whose trained steps take another number of iterations.

    Args:
        pipeline: Any.
        iterations: Of each segment; None: as they are.

    Returns:
        The pipeline; itself if it trains nothing.
    """
    strategies = getattr(pipeline, "strategies", ())
    if iterations is None or not any(map(_trains, strategies)):
        return pipeline
    return dataclasses.replace(
        pipeline,
        strategies=tuple(
            dataclasses.replace(step, iterations=iterations)
            if _trains(step)
            else step
            for step in strategies
        ),
    )


def trains_weights(name: str) -> bool:
    """Whether a method, or pipeline, trains weights for some iterations.

    Args:
        name: See `method`.

    Returns:
        Whether `with_iterations` would change it.
    """
    return num_training_images(name, None) > 0


def num_training_images(name: str, iterations: int | None) -> int:
    """Images that the weights of every segment are trained on.

    Args:
        name: See `method`.
        iterations: As in `with_iterations`.

    Returns:
        Of all batches together, at the most: training may stop before. A
        block that is trained as one counts once.
    """
    pipeline = with_iterations(method(name).pipeline(), iterations)
    return sum(
        step.iterations * step.batch_size
        for step in getattr(pipeline, "strategies", ())
        if _trains(step)
    )


def num_calibrations(name: str) -> float:
    """Calibrations of biases that a method amounts to, training apart.

    Args:
        name: See `method`.

    Returns:
        1; of a search what all its candidates take together, at the most: its
        budget may end it before.
    """
    return sum(getattr(method(name).pipeline(), "costs", (1.0,)))


def _trains(step) -> bool:
    return isinstance(step, TRAINED)


def method(name: str) -> Method:
    """A method of a table, or a pipeline by its name.

    Args:
        name: A key of `METHODS` or of `PIPELINES`.

    Returns:
        How it is made.

    Raises:
        ValueError: If there is none.
    """
    if name in METHODS:
        return METHODS[name]
    if name not in PIPELINES:
        raise ValueError(
            f"Unknown method '{name}'. Supported:"
            f" {', '.join([*METHODS, *PIPELINES])}."
        )
    return Method(PIPELINES[name])
