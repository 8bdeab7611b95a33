"""Mean squared error of uniform quantisers on sorted values."""

import numpy as np

# Numbers held at once: bounds the working memory to some 10 MB.
NUMBERS_PER_BLOCK = 2**18


def squared_errors(
    values: np.ndarray,
    largest: np.ndarray,
    num_levels: int,
    charge: float,
) -> np.ndarray:
    """Mean squared error of quantisers with n levels above zero.

        mean (p/n * clip(floor(n * x/p + charge), 0, n) - x)^2

    Either the n breakpoints between levels are looked up among the values, or
    the N values are quantised one by one, whichever is less work:
    O(min(n log N, N)) for each quantiser.

    Args:
        values: Values x, `[N]` with N of at least 1, at least 0, ascending,
            activation units.
        largest: Values of the highest level p above 0, `[K]`, activation
            units.
        num_levels: Levels n above zero, at least 1.
        charge: Levels added before the floor, 0...1; one half rounds.

    Returns:
        Squared activation units, `[K]`, float64.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 11.
    """
    values = values.astype(np.float64)
    # A look-up takes log2 N steps.
    if num_levels * values.size.bit_length() > values.size:
        return _by_value(values, largest, num_levels, charge)
    return _by_breakpoint(values, largest, num_levels, charge)


def _by_value(values, largest, num_levels, charge):
    errors = []
    for chosen in _blocks(largest, values.size):
        # Clipped first: the ratio cannot overflow. In place: one copy.
        levels = np.minimum(values, chosen)
        levels /= chosen
        levels *= num_levels
        levels += charge
        np.floor(levels, out=levels)
        np.minimum(levels, num_levels, out=levels)
        levels *= chosen / num_levels
        levels -= values
        errors.append(np.square(levels, out=levels).mean(axis=-1))
    return np.concatenate(errors)


def _by_breakpoint(values, largest, num_levels, charge):
    """See the sums in `SortedActivations`."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    levels = np.arange(1, num_levels + 1)
    breakpoints = (levels - charge) / num_levels
    products, squares = [], []
    for chosen in _blocks(largest, num_levels):
        first = np.searchsorted(values, chosen * breakpoints)
        products.append((sums[-1] - sums[first]).sum(axis=-1))
        squares.append((values.size - first) @ (2 * levels - 1))
    step = largest / num_levels
    errors = np.square(values).sum() - 2 * step * np.concatenate(products)
    errors += np.square(step) * np.concatenate(squares)
    return np.maximum(errors, 0.0) / values.size


def _blocks(largest, width):
    """Columns `[k, 1]`, so short that k * width stays bounded."""
    size = max(1, NUMBERS_PER_BLOCK // width)
    for start in range(0, len(largest), size):
        yield largest[start : start + size, np.newaxis]
