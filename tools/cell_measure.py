"""What one cell of a benchmark measures: calibrates once, evaluates once."""

import time
from collections.abc import Callable
from typing import Any

import keras

import tfsnn


def measured(
    conversion: tfsnn.Conversion,
    reference: Any,
    images: Any,
    test: Any,
    *,
    pipeline: Any,
    timesteps: int,
    then: Callable[[keras.Model], keras.Model] | None = None,
    **options,
) -> dict:
    """Calibrates for one T, evaluates, returns the figures.

    Args:
        conversion: Of the network.
        reference: Predictions of the analog network on the test images.
        images: To calibrate on.
        test: Images and labels, see `tfsnn.evaluate`.
        pipeline: What to do.
        timesteps: T.
        then: What becomes of the calibrated model before it is evaluated.
        **options: `lag`, and others of `tfsnn.calibrate`.

    Returns:
        Plain types; the drop is in points.
    """
    model, seconds = calibrated(
        conversion, images, pipeline=pipeline, timesteps=timesteps, **options
    )
    if then is not None:
        start = time.monotonic()
        model = then(model)
        seconds += time.monotonic() - start
    return evaluated(model, reference, test) | {"calibration_seconds": seconds}


def calibrated(
    conversion: tfsnn.Conversion,
    images: Any,
    *,
    pipeline: Any,
    timesteps: int,
    **options,
) -> tuple[keras.Model, float]:
    """Calibrates for one T.

    Args:
        conversion: Of the network.
        images: To calibrate on.
        pipeline: What to do.
        timesteps: T.
        **options: `lag`, and others of `tfsnn.calibrate`.

    Returns:
        The spiking model, and seconds.
    """
    lag = options.pop("lag", 0)
    start = time.monotonic()
    result = tfsnn.calibrate(
        conversion,
        images,
        timesteps=[timesteps],
        pipeline=pipeline,
        config=tfsnn.SweepConfig(lag=lag),
        **options,
    )
    return result[timesteps], time.monotonic() - start


def evaluated(model: keras.Model, reference: Any, test: Any) -> dict:
    """Evaluates one model, returns the figures.

    Args:
        model: Spiking model.
        reference: Predictions of the analog network on the test images.
        test: Images and labels, see `tfsnn.evaluate`.

    Returns:
        Plain types; the drop is in points.
    """
    evaluation = tfsnn.evaluate(model, test, reference=reference)
    return {
        "latency_steps": evaluation.latency_steps,
        "analog": evaluation.reference_accuracy,
        "accuracy": evaluation.accuracy,
        "drop": 100 * (evaluation.reference_accuracy - evaluation.accuracy),
        "agreement": evaluation.agreement,
        "mean_firing_rate": evaluation.mean_firing_rate,
        "evaluation_seconds": evaluation.seconds,
    }
