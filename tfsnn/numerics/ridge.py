"""Linear maps of least squared error, held back by a ridge."""

import numpy as np

CONSTANT_BELOW = 1e-12
"""Deviations over squares that are rounding: such inputs do not vary."""


class RidgeFit:
    """Least squares over micro-batches.

        (W, b) = argmin sum |x W + b - y|^2 + ridge * s * |W|^2

    s is the sum of squares of an input about its mean, averaged over the
    inputs of all groups, so that the ridge has no unit. Groups share nothing
    else. Sums are kept in float64; those of a micro-batch are computed in the
    dtype of the inputs, but not below float32, about the mean of the first one:
    about 0, the roundings of a large mean would hide small deviations.

    As long as there are fewer rows than inputs, as in front of a wide Dense
    layer, the rows are kept, and the same map comes from their products with
    each other, `[N, N]` instead of `[D, D]`:

        W = x' (x x' + ridge * s)^-1 y

    so that neither memory nor time grows with D^2. With more, no row is kept.

    References:
        Hoerl and Kennard, Ridge regression: biased estimation for
        nonorthogonal problems, Technometrics 12 (1), 1970; Saunders, Gammerman
        and Vovk, Ridge regression learning algorithm in dual variables, ICML
        1998.
    """

    def __init__(self):
        """Starts without values."""
        self._count = 0
        self._origin = None
        self._rows: list[tuple[np.ndarray, np.ndarray]] | None = []
        self._gram = self._cross = 0.0
        self._inputs = self._values = 0.0

    def add(self, inputs: np.ndarray, values: np.ndarray) -> None:
        """Takes a micro-batch in.

        Args:
            inputs: x, `[N, G, D]`.
            values: y, `[N, G, C]`.
        """
        dtype = np.promote_types(inputs.dtype, np.float32)
        inputs = inputs.astype(dtype, copy=False)
        if self._origin is None:
            mean = inputs.mean(axis=0, dtype="float64")
            self._origin = mean.astype(dtype)
        inputs = inputs - self._origin
        self._count += len(inputs)
        self._inputs = self._inputs + inputs.sum(axis=0, dtype="float64")
        self._values = self._values + values.sum(axis=0, dtype="float64")
        if self._rows is None:
            self._sum_up(inputs, values)
            return
        self._rows.append((inputs, values))
        if self._count >= inputs.shape[-1]:
            rows, self._rows = self._rows, None
            for row in rows:
                self._sum_up(*row)

    def _sum_up(self, inputs, values):
        by_group = np.moveaxis(inputs, 1, 0)
        transposed = np.swapaxes(by_group, 1, 2)
        self._gram = self._gram + (transposed @ by_group).astype("float64")
        product = transposed @ np.moveaxis(values, 1, 0)
        self._cross = self._cross + product.astype("float64")

    def solve(self, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """The map.

        Args:
            ridge: Above 0, finite.

        Returns:
            W `[G, D, C]` and b `[G, C]`, float64. W is 0 where no input
            varies.

        Raises:
            ValueError: If the ridge is out of range.
            RuntimeError: If nothing was added.
        """
        self._check(ridge)
        mean = self._inputs / self._count
        level = self._values / self._count
        if self._rows is not None:
            slope = self._dual(mean, level, ridge)
            return slope, _shift(mean + self._origin, level, slope)
        gram = self._gram - self._count * mean[:, :, None] * mean[:, None, :]
        cross = self._cross - self._count * mean[:, :, None] * level[:, None, :]
        slope = self._slope(gram, cross, ridge)
        return slope, _shift(mean + self._origin, level, slope)

    def solve_without_shift(self, ridge: float) -> np.ndarray:
        """The map with b = 0, and s about 0.

        Args:
            ridge: Above 0, finite.

        Returns:
            W `[G, D, C]`, float64.

        Raises:
            ValueError: If the ridge is out of range.
            RuntimeError: If nothing was added.
        """
        self._check(ridge)
        if self._rows is not None:
            return self._dual(-self._origin, 0.0, ridge)
        gram, cross = self._about_zero()
        return self._slope(gram, cross, ridge)

    def _dual(
        self, mean: np.ndarray, level: np.ndarray | float, ridge: float
    ) -> np.ndarray:
        """The slope from the rows that are kept, about a mean and a level."""
        inputs, values = (
            np.concatenate(parts).astype("float64")
            for parts in zip(*self._rows, strict=True)
        )
        size = inputs.shape[-1]
        squares = np.square(inputs + self._origin).sum(axis=(0, 2)) / size
        inputs, values = (
            np.moveaxis(rows, 1, 0) for rows in (inputs - mean, values - level)
        )
        scale = (np.square(inputs).sum(axis=(1, 2)) / size).mean()
        transposed = np.swapaxes(inputs, 1, 2)
        if not scale > CONSTANT_BELOW * squares.mean():
            return np.zeros((*transposed.shape[:2], values.shape[-1]))
        penalty = ridge * scale * np.eye(inputs.shape[1])
        return transposed @ np.linalg.solve(
            inputs @ transposed + penalty, values
        )

    def _about_zero(self) -> tuple[np.ndarray, np.ndarray]:
        """The sums of squares and of products of the inputs as they came."""
        origin = self._origin.astype("float64")
        moved = origin[:, :, None] * self._inputs[:, None, :]
        square = self._count * origin[:, :, None] * origin[:, None, :]
        gram = self._gram + moved + np.swapaxes(moved, 1, 2) + square
        return gram, self._cross + origin[:, :, None] * self._values[:, None, :]

    def _check(self, ridge: float) -> None:
        if not 0 < ridge < np.inf:
            raise ValueError(
                f"`ridge` is {ridge!r}. Supported: numbers above 0, finite."
                " Pass, for example, 0.01."
            )
        if not self._count:
            raise RuntimeError("No values were added. Call add(...) first.")

    def _slope(
        self, gram: np.ndarray, cross: np.ndarray, ridge: float
    ) -> np.ndarray:
        scale = _mean_diagonal(gram)
        squares, _ = self._about_zero()
        if not scale > CONSTANT_BELOW * _mean_diagonal(squares):
            return np.zeros_like(cross)
        penalty = ridge * scale * np.eye(gram.shape[-1])
        return np.linalg.solve(gram + penalty, cross)


def _shift(mean, level, slope):
    """What the slope leaves of the level at the mean, `[G, C]`."""
    return level - np.einsum("gd,gdc->gc", mean, slope)


def _mean_diagonal(gram: np.ndarray) -> float:
    return np.trace(gram, axis1=1, axis2=2).mean() / gram.shape[-1]
