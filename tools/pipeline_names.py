"""The pipelines by the names that commands take."""

from collections.abc import Callable

import tfsnn
from tfsnn import calibration, pipelines

PIPELINES: dict[str, Callable[..., tfsnn.Pipeline | calibration.Search]] = {
    "uncalibrated": pipelines.uncalibrated,
    "light": pipelines.light,
    "advanced": pipelines.advanced,
    "temporal": pipelines.temporal,
    "fitted": pipelines.fitted,
    "fitted_temporal": lambda: pipelines.fitted(temporal_iterations=10),
    "trained": pipelines.trained,
    "trained_temporal": lambda: pipelines.trained(temporal_iterations=10),
    "best": pipelines.best,
    "published_light": lambda: pipelines.published_code("light"),
    "published_potential": lambda: pipelines.published_code("potential"),
    "published_weights": lambda: pipelines.published_code("weights"),
}
"""Name to what makes it with its defaults."""
