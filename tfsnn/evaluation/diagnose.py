"""Measures where the conversion error enters, layer by layer."""

import time
from typing import Any

import keras

from tfsnn.conversion import Conversion, convert
from tfsnn.inputs import count_images, in_batches, input_shapes
from tfsnn.progress import progress_bar

from .affine_pair import affine_pairs
from .checks import check_positive
from .diagnosis import Diagnosis, LayerDiagnosis
from .error_front import ErrorFront
from .first_images import first_images
from .mean_outputs import MeanOutputs

NUM_IMAGES = 64
BATCH = 32


def diagnose(
    model: keras.Model,
    images: Any,
    *,
    reference: keras.Model | Conversion,
    num_images: int = NUM_IMAGES,
    progress: bool | None = None,
) -> Diagnosis:
    """Says where the accuracy of a spiking network goes.

    The error of every layer is split into what it inherits, what calibration
    corrects, clipping, rounding and uneven arrival; the error of the logits
    into what enters at each layer. See `LayerDiagnosis`.

    Args:
        model: A spiking model with spikes worth a threshold.
        images: Images in any form that `evaluate` takes.
        reference: The network it was made from; its `Conversion` if that has
            options (equalised channels, pools with neurons).
        num_images: Images used, the first so many.
        progress: As in `evaluate`.

    Returns:
        The record; as text, a sentence or two.

    Raises:
        ConversionError: If the model is no spiking one, was not made from the
            reference, or has spikes of {0, 1}.
        DataError: If the images do not fit.
        TypeError: If a network is no Keras 3 model.
        ValueError: If a number is below 1.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.1, Lemma 4.1.

    Example:
        >>> print(tfsnn.diagnose(result[8], images, reference=model))
    """
    start = time.monotonic()
    check_positive("num_images", num_images)
    if not isinstance(reference, Conversion):
        reference = convert(reference)
    means = MeanOutputs(model)
    front = ErrorFront(affine_pairs(reference, model), means)
    data = first_images(
        images,
        input_shape=input_shapes(model),
        num_images=num_images,
    )
    with progress_bar(
        count_images(data),
        description="diagnosing",
        unit="image",
        shown=progress,
    ) as bar:
        for batch in in_batches(data, BATCH):
            front.add(batch)
            bar.update(count_images(batch))
    return Diagnosis(
        model=model.name,
        timesteps=means.table.timesteps,
        num_images=count_images(data),
        **front.of_logits(),
        layers=[LayerDiagnosis(**row) for row in front.of_layers()],
        seconds=time.monotonic() - start,
    )
