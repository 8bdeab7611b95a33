"""Gain and shift per channel between spiking and analog currents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tfsnn.errors import DataError
from tfsnn.numerics.checks import check_threshold

# Deviations over mean that are rounding: such a channel is constant.
CONSTANT_BELOW = 1e-12


class Gain(NamedTuple):
    """Line gain * z + shift for each channel.

    Attributes:
        gain: Factor g, `[C]`, float64, above 0.
        shift: Offset m, `[C]`, float64, activation units.
    """

    gain: np.ndarray
    shift: np.ndarray


class GainFit:
    """Least squares over micro-batches, without keeping them.

        (g, m) = argmin sum (g * z + m - y)^2
        g = clip(cov(z, y) / var(z), limits),   m = mean(y) - g * mean(z)

    The shift is the best one for the clipped gain. A channel whose z is
    constant gets a gain of 1. Means and centred sums are merged in float64,
    so the split into micro-batches changes the result by roundings only.

    References:
        Chan, Golub, LeVeque, Algorithms for computing the sample variance:
        analysis and recommendations, The American Statistician 37 (3), 1983
        (merging of two samples), and ordinary least squares.
    """

    def __init__(self, *, limits: tuple[float, float] = (0.5, 2.0)):
        """Starts without values.

        Args:
            limits: Smallest gain, above 0 and at most 1, and largest gain,
                finite and at least 1.

        Raises:
            ValueError: If a limit is out of range.
        """
        check_threshold("limits", limits)
        low, high = limits
        if not low <= 1 <= high:
            raise ValueError(
                f"`limits` are {limits!r}. Supported: a smallest gain of at "
                "most 1, then a largest of at least 1. Pass, for example, "
                "(0.5, 2.0)."
            )
        self._limits = low, high
        self._count = 0
        self._spiking = self._analog = np.zeros(())
        self._variance = self._covariance = np.zeros(())

    def add(self, spiking: npt.ArrayLike, analog: npt.ArrayLike) -> None:
        """Takes one micro-batch in.

        Args:
            spiking: Currents z of the spiking model, mean over time,
                `[..., C]`, activation units, finite.
            analog: Currents y of the analog model at the same places, shape
                of `spiking`, activation units, finite.

        Raises:
            DataError: If shapes differ, between the two or from the batches
                before, or a value is NaN or infinite.
        """
        z = np.asarray(spiking, np.float64)
        y = np.asarray(analog, np.float64)
        self._check(z, y)
        z, y = (x.reshape(-1, x.shape[-1]) for x in (z, y))
        added = len(z)
        if added == 0:
            return
        z_mean, y_mean = z.mean(axis=0), y.mean(axis=0)
        z, y = z - z_mean, y - y_mean
        z_step, y_step = z_mean - self._spiking, y_mean - self._analog
        total = self._count + added
        apart = self._count * added / total
        self._variance = (
            self._variance + np.square(z).sum(axis=0) + apart * z_step**2
        )
        self._covariance = (
            self._covariance + (z * y).sum(axis=0) + apart * z_step * y_step
        )
        self._spiking = self._spiking + added / total * z_step
        self._analog = self._analog + added / total * y_step
        self._count = total

    def result(self) -> Gain:
        """Gain and shift of everything taken in so far.

        Returns:
            Gain and shift, each `[C]`, float64.

        Raises:
            DataError: If nothing was taken in.
        """
        if self._count == 0:
            raise DataError(
                "No currents were added. Supported: at least one value per "
                "channel. Call `add` first."
            )
        smallest = self._count * np.square(CONSTANT_BELOW * self._spiking)
        constant = self._variance <= smallest
        gain = np.where(
            constant,
            1.0,
            self._covariance / np.where(constant, 1.0, self._variance),
        )
        gain = np.clip(gain, *self._limits)
        return Gain(gain, self._analog - gain * self._spiking)

    def _check(self, z, y):
        channels = self._spiking.shape if self._count else z.shape[-1:]
        if z.ndim == 0 or z.shape != y.shape or z.shape[-1:] != channels:
            raise DataError(
                f"Spiking currents have shape {z.shape}, analog ones "
                f"{y.shape}. Supported: the same shape [..., C], with the C "
                "of the batches before. Pass the currents of one layer at "
                "the same images."
            )
        bad = int((~np.isfinite(z)).sum() + (~np.isfinite(y)).sum())
        if bad:
            raise DataError(
                f"Of {z.size + y.size} currents {bad} are NaN or infinite. "
                "Supported: finite numbers. Look for NaN in the weights and "
                "images."
            )


def least_squares_gain(
    spiking: npt.ArrayLike,
    analog: npt.ArrayLike,
    *,
    limits: tuple[float, float] = (0.5, 2.0),
) -> Gain:
    """Gain and shift that bring spiking currents closest to analog ones.

        (g, m) = argmin sum (g * z + m - y)^2,   g within limits

    Fold them into the layer in front: W' = g * W, b' = g * b + m.

    Args:
        spiking: Currents z, see `GainFit.add`.
        analog: Currents y, see `GainFit.add`.
        limits: As in `GainFit`.

    Returns:
        Gain and shift, each `[C]`, float64.

    Raises:
        DataError: As in `GainFit`.
        ValueError: As in `GainFit`.

    References:
        Ordinary least squares.
    """
    fit = GainFit(limits=limits)
    fit.add(spiking, analog)
    return fit.result()
