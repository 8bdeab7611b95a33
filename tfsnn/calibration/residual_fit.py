"""What a segment's inputs say about its error."""

from collections.abc import Mapping

import numpy as np

from tfsnn.numerics.ridge import RidgeFit

from .kernel_terms import KernelTerm
from .tap import Tap

BATCH_BYTES = 2**26
"""Size of the rows of a micro-batch; one image may have more."""


def residual_fit(
    tap: Tap, terms: list[KernelTerm], *, num_rows: int, seed: int
) -> RidgeFit:
    """Regresses `analog - spiking` on what the kernels multiply.

    Args:
        tap: With a view and spiking values.
        terms: Kernels of the segment, at least one.
        num_rows: Positions used of all images together, drawn anew for each
            micro-batch; at least one an image.
        seed: Of the draw.

    Returns:
        The fit, with the terms' inputs one after the other.
    """
    sources, _ = tap.view.training_set()
    error = tap.analog - tap.spiking
    count = len(error)  # Errors may be known of the first images only.
    sources = [source[:count] for source in sources]
    groups = terms[0].groups
    error = error.reshape(count, -1, groups, error.shape[-1] // groups)
    positions = error.shape[1]
    taken = min(positions, max(1, num_rows // count))
    generator = np.random.default_rng(seed)
    fit = RidgeFit()
    start, size = 0, 1
    while start < count:
        part = slice(start, start + size)
        rows = [term.rows([s[part] for s in sources]) for term in terms]
        rows = np.concatenate(rows, axis=-1)
        errors = error[part]
        start += size
        size = max(1, BATCH_BYTES // (rows.nbytes // len(rows)))
        if taken < positions:
            chosen = generator.choice(positions, taken, replace=False)
            rows, errors = rows[:, chosen], errors[:, chosen]
        fit.add(
            rows.reshape(-1, *rows.shape[2:]),
            errors.reshape(-1, *errors.shape[2:]),
        )
    return fit


def changed_weights(
    tap: Tap,
    terms: list[KernelTerm],
    before: Mapping[str, tuple[np.ndarray, ...]],
    slope: np.ndarray,
) -> dict[str, tuple[np.ndarray, ...]]:
    """Adds a fitted slope to the kernels it belongs to.

    Args:
        tap: With a view.
        terms: As for `residual_fit`.
        before: Present weights by layer, of those that are not the layer's.
        slope: `[G, D, C]` of all terms.

    Returns:
        `before` with the terms' layers changed.
    """
    weights = dict(before)
    start = 0
    for term in terms:
        layer = tap.view.segment.model.get_layer(term.layer)
        present = weights.get(term.layer) or tuple(layer.get_weights())
        size = present[0].size // (slope.shape[0] * slope.shape[2])
        change = slope[:, start : start + size]
        weights[term.layer] = term.changed(present, change)
        start += size
    return weights
