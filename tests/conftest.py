"""Fixtures and settings of all tests."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

hypothesis.settings.register_profile(
    "tfsnn",
    max_examples=int(os.environ.get("TFSNN_HYPOTHESIS_EXAMPLES", "25")),
    derandomize=True,
    deadline=None,
)
hypothesis.settings.load_profile("tfsnn")


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every test and run."""
    return np.random.default_rng(0)
