"""Predictions made before, batch after batch."""

import numpy as np
import pytest

from tests.support.spiking_networks import classifier
from tfsnn.errors import DataError
from tfsnn.evaluation.plain import PlainRunner
from tfsnn.evaluation.reference import StoredPredictions, predictor

K = 3
CLASSES = np.array([2, 0, 1, 1])
FORMS = {
    "classes": CLASSES,
    "whole-floats": CLASSES.astype("float32"),
    "logits": np.eye(K)[CLASSES] - 5,
    "half": np.eye(K, dtype="float16")[CLASSES],
}


@pytest.mark.parametrize("values", FORMS.values(), ids=FORMS.keys())
def test_predictions_come_in_order(values):
    stored = StoredPredictions(values, K)
    np.testing.assert_array_equal(stored.predict(np.zeros(3)), CLASSES[:3])
    np.testing.assert_array_equal(stored.predict(np.zeros(1)), CLASSES[3:])
    stored.check_end()


REFUSALS = {
    "other-classes": (np.zeros((4, 5)), r"shape \(4, 5\).*\[N, 3\]"),
    "maps": (np.zeros((4, 2, 2, 3)), r"shape \(4, 2, 2, 3\)"),
    "names": (np.array(["a", "b"]), "dtype <U1"),
    "fractions": (CLASSES + 0.5, "class indices"),
    "negative": (CLASSES - 1, "class indices"),
    "nan": (np.full((4, K), np.nan), "finite logits"),
    "beyond": (CLASSES + 1, "label 3 for a network with 3 logits"),
}


@pytest.mark.parametrize("values, text", REFUSALS.values(), ids=REFUSALS.keys())
def test_other_arrays_are_refused(values, text):
    with pytest.raises(DataError, match=text):
        StoredPredictions(values, K)


def test_too_few_are_refused():
    with pytest.raises(DataError, match="4 predictions for at least 5 images"):
        StoredPredictions(CLASSES, K).predict(np.zeros(5))


def test_predictions_left_over_are_refused():
    with pytest.raises(DataError, match="4 predictions for 0 images"):
        StoredPredictions(CLASSES, K).check_end()


def test_what_a_reference_may_be():
    model = classifier()
    assert predictor(None, model, K) is None
    assert isinstance(predictor(model, model, K), PlainRunner)
    assert isinstance(predictor(CLASSES, model, K), StoredPredictions)
