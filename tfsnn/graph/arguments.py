"""Images in the structure in which a model takes its inputs."""

from typing import Any

import keras


def arguments(model: keras.Model, images: Any) -> Any:
    """What a model is called with.

    Args:
        model: A built model.
        images: `[B, ...]`; of several inputs a tuple in their order.

    Returns:
        The images; a tuple becomes the list or the dict that the model was
        made with.
    """
    if not isinstance(images, tuple):
        return images
    return keras.tree.pack_sequence_as(model.input, list(images))
