"""What a network is compared with: another network, or stored predictions."""

from typing import Any

import keras
import numpy as np

from tfsnn.batches import to_array
from tfsnn.errors import DataError
from tfsnn.image_arrays import is_numeric
from tfsnn.inputs import Images, count_images

from .checks import check_labels, check_reference
from .plain import PlainRunner
from .runners import Predictor


def predictor(
    reference: Any, model: keras.Model, num_classes: int
) -> Predictor | None:
    """Makes a reference ready.

    Args:
        reference: A network, predictions `[N]` or logits `[N, K]` as an array,
            or None.
        model: The network that is evaluated, checked.
        num_classes: K.

    Returns:
        What predicts batch after batch; None for None.

    Raises:
        TypeError: If the reference is neither a Keras 3 model nor an array.
        ValueError: If it is a network with another input or output.
        DataError: If it is an array that holds no classes or logits.
    """
    if hasattr(reference, "__array__") and not isinstance(reference, type):
        return StoredPredictions(reference, num_classes)
    check_reference(reference, model)
    return None if reference is None else PlainRunner(reference)


class StoredPredictions:
    """Predictions made before, in the order of the images."""

    def __init__(self, values: Any, num_classes: int):
        """Reads them.

        Args:
            values: Class indices `[N]`, whole numbers in 0...K-1; or `[N, K]`
                logits or probabilities, of which the largest counts.
            num_classes: K.

        Raises:
            DataError: If they are something else.
        """
        values = to_array(values, "reference")
        fits = is_numeric(values.dtype) and np.isfinite(values).all()
        if fits and values.ndim == 2 and values.shape[1] == num_classes:
            values = np.argmax(values, axis=1)
        if not fits or values.ndim != 1 or not _are_indices(values):
            raise DataError(
                f"Received a reference of shape {values.shape}, dtype"
                f" {values.dtype}. Supported: class indices [N], or finite"
                f" logits [N, {num_classes}], one row an image. Pass"
                " reference=ann.predict(images)."
            )
        self._classes = values.astype(np.int64)
        if len(values):
            check_labels(self._classes, num_classes)
        self._start = 0

    def predict(self, images: Images) -> np.ndarray:
        """The next predictions, one for each image, int64 `[B]`.

        Raises:
            DataError: If there are not so many.
        """
        stop = self._start + count_images(images)
        if stop > len(self._classes):
            raise DataError(
                f"Received a reference with {len(self._classes)} predictions"
                f" for at least {stop} images. Supported: one prediction an"
                " image, in the same order. Predict the images that are"
                " evaluated."
            )
        found = self._classes[self._start : stop]
        self._start = stop
        return found

    def check_end(self) -> None:
        """Checks that no predictions are left.

        Raises:
            DataError: If there are: they belong to other images.
        """
        if self._start < len(self._classes):
            raise DataError(
                f"Received a reference with {len(self._classes)} predictions"
                f" for {self._start} images. Supported: one prediction an"
                " image, in the same order. Predict the images that are"
                " evaluated."
            )


def _are_indices(values):
    return bool(((values >= 0) & (values == np.floor(values))).all())
