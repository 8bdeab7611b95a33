"""A spiking network for LiteRT (TensorFlow Lite), on phones and boards."""

import os
import pathlib

import keras
import tensorflow as tf

from tfsnn.conversion.counting_model import counting_model
from tfsnn.conversion.timetable import timesteps_of
from tfsnn.errors import ExportError

from .new_file import new_file

FORMS = ("folded", "counts")
WEIGHTS = ("float32", "int8")
FOLDED_LIMIT = 128


def export_litert(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    form: str = "folded",
    weights: str = "float32",
    batch_size: int = 1,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a spiking network as a `.tflite` file, whole or not at all.

    The file has one signature, `serving_default`: `images` float32
    `[batch_size, ...]` to the outputs of the model, averaged over time,
    `output_0`, ... It uses built-in operations alone.

    Args:
        model: A spiking model with one input.
        path: File to write; missing parents are made.
        form: `"folded"`: all T steps are in the file, one after the other for
            the neurons, T up to 128; or `"counts"`: a two-phase network
            without steps, at the size of the analog network.
        weights: `"float32"`, or `"int8"`: kernels are stored in 8 bits, a
            scale for each output channel, see `with_int8_weights`; what they
            are applied to is rounded to 8 bits, for each call and layer anew,
            which changes spikes of one height not at all.
        batch_size: Images in a call; the file holds one size.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The path.

    Raises:
        ConversionError: If it is no spiking model, or one that has no count
            form is to have it.
        ExportError: If it has several inputs, too many steps, operations that
            LiteRT does not have, or the file cannot be written.
        ValueError: If the form, weights or batch size is another.
    """
    if form not in FORMS or weights not in WEIGHTS or batch_size < 1:
        raise ValueError(
            f"form={form!r}, weights={weights!r}, batch_size={batch_size}."
            f" Supported: {', '.join(FORMS)}; {', '.join(WEIGHTS)}; a batch of"
            " at least 1."
        )
    path = pathlib.Path(path)
    if path.exists() and not (overwrite and path.is_file()):
        raise ExportError(
            f"'{path}' exists. Supported: a new file, or with overwrite=True"
            " one to be replaced. Choose another path."
        )
    timesteps = timesteps_of(model)
    if form == "counts":
        model = counting_model(model)
    elif timesteps > FOLDED_LIMIT:
        raise ExportError(
            f"The model runs {timesteps} steps. Supported for"
            f" form='folded': up to {FOLDED_LIMIT}. Calibrate a two-phase"
            " network (lag=T) and export form='counts'."
        )
    content = _converted(model, batch_size, in_int8=weights == "int8")
    with new_file(path) as partial:
        partial.write_bytes(content)
    return path


def _converted(model: keras.Model, batch_size: int, *, in_int8: bool) -> bytes:
    (image, *more) = model.inputs
    if more:
        raise ExportError(
            f"Model '{model.name}' has {len(more) + 1} inputs. Supported: one"
            " input, the images. Join them before the network."
        )

    # In the file weights are constants.
    weights = [
        (weight, keras.ops.convert_to_numpy(weight)) for weight in model.weights
    ]

    def serve(images):
        with keras.StatelessScope(state_mapping=weights):
            outputs = model(tf.cast(images, image.dtype), training=False)
        return {
            f"output_{number}": value
            for number, value in enumerate(keras.tree.flatten(outputs))
        }

    shape = [batch_size, *image.shape[1:]]
    function = tf.function(
        serve,
        input_signature=[tf.TensorSpec(shape, tf.float32, "images")],
        autograph=False,
    ).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function], tf.Module()
    )
    if in_int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    try:
        return converter.convert()
    except Exception as error:  # The converter raises a private type.
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ExportError(
            f"Model '{model.name}' has no LiteRT form: {first}. Supported:"
            " built-in operations of LiteRT. Replace the layer, or use the"
            " SavedModel."
        ) from error
