"""What a training step takes, before it is tried."""

import keras

BYTES = 4
PASSES = 2
"""Feature maps that are held: for the forward pass and for its gradient."""
STATES = 3
"""Copies of the weights: themselves, gradients and momenta."""


def training_bytes(model: keras.Model, batch_size: int) -> int:
    """Bytes of feature maps and weights in one training step, in float32.

    Args:
        model: With known image size.
        batch_size: Images a step.

    Returns:
        An estimate; temporary storage of single operations is not in it.
    """
    fixed, each = _parts(model)
    return fixed + batch_size * each


def check_memory(model: keras.Model, batch_size: int, available: int) -> None:
    """Refuses a batch that would not fit.

    Args:
        model: To be trained.
        batch_size: Images a step.
        available: Bytes.

    Raises:
        ValueError: If it does not; names the largest batch that does.
    """
    needed = training_bytes(model, batch_size)
    if needed <= available:
        return
    fixed, each = _parts(model)
    largest = (available - fixed) // each
    remedy = (
        f"Use batch_size={largest} or less."
        if largest >= 1
        else "Use a smaller width_multiplier or smaller images."
    )
    raise ValueError(
        f"batch_size={batch_size} for '{model.name}' needs about"
        f" {needed / 2**30:.1f} GB, and {available / 2**30:.1f} GB are free."
        f" {remedy}"
    )


def _parts(model: keras.Model) -> tuple[int, int]:
    values = 0
    for operation in model.operations:
        for tensor in keras.tree.flatten(operation.output):
            size = 1
            for axis in tensor.shape[1:]:
                size *= axis
            values += size
    return (
        BYTES * STATES * model.count_params(),
        BYTES * PASSES * values,
    )
