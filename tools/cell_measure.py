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
    test: tuple,
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
        test: Images and labels.
        pipeline: What to do.
        timesteps: T.
        then: What becomes of the calibrated model before it is evaluated.
        **options: `lag`, and others of `tfsnn.calibrate`.

    Returns:
        Plain types; the drop is in points.
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
    model = result[timesteps]
    if then is not None:
        model = then(model)
    calibrated = time.monotonic() - start
    evaluation = tfsnn.evaluate(model, test, reference=reference)
    return {
        "latency_steps": evaluation.latency_steps,
        "analog": evaluation.reference_accuracy,
        "accuracy": evaluation.accuracy,
        "drop": 100 * (evaluation.reference_accuracy - evaluation.accuracy),
        "agreement": evaluation.agreement,
        "mean_firing_rate": evaluation.mean_firing_rate,
        "calibration_seconds": calibrated,
        "evaluation_seconds": evaluation.seconds,
    }
