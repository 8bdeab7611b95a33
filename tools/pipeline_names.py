"""The pipelines by the names that commands take."""

from collections.abc import Callable

import tfsnn
from tfsnn import baselines, calibration, pipelines

PIPELINES: dict[str, Callable[..., tfsnn.Pipeline | calibration.Search]] = {
    "uncalibrated": pipelines.uncalibrated,
    "light": pipelines.light,
    "advanced": pipelines.advanced,
    "temporal": pipelines.temporal,
    "fitted": pipelines.fitted,
    "fitted_temporal": lambda: pipelines.fitted(temporal_iterations=10),
    "trained": pipelines.trained,
    "trained_temporal": lambda: pipelines.trained(temporal_iterations=10),
    "reconstructed": pipelines.reconstructed,
    "best": pipelines.best,
    "published_light": lambda: pipelines.published_code("light"),
    "published_potential": lambda: pipelines.published_code("potential"),
    "published_weights": lambda: pipelines.published_code("weights"),
    "maximum": baselines.maximum,
    "percentile": baselines.percentile,
    "spike_norm": baselines.spike_norm,
    "rmp": baselines.rmp,
    "tsc": baselines.tsc,
    "opt": baselines.opt,
    "local_balancing": baselines.local_balancing,
}
"""Name to what makes it with its defaults."""
