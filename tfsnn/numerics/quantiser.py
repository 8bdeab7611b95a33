"""Uniform quantisers that spiking neurons amount to."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfsnn.numerics.checks import check_count

# Levels added before the floor: for a plain or burst neuron its initial
# potential in units of the threshold.
INITIAL_CHARGE = {"floor": 0.0, "round": 0.5}


@dataclasses.dataclass(frozen=True)
class Quantiser:
    """Values 0, 1, ... n times a step of theta / levels_per_threshold.

    | neuron                    | num_levels n   | levels_per_threshold |
    |---------------------------|----------------|----------------------|
    | plain, T steps            | T              | T                    |
    | burst, up to m spikes     | T * m          | T                    |
    | bit-plane, T bits         | 2**T - 1       | 2**T                 |

    Attributes:
        num_levels: Levels n above zero, at least 1.
        levels_per_threshold: Steps that make up one threshold, at least 1.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 9-10
        (plain).
    """

    num_levels: int
    levels_per_threshold: int

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is not an integer of at least 1.
        """
        check_count("num_levels", self.num_levels)
        check_count("levels_per_threshold", self.levels_per_threshold)

    @classmethod
    def of(cls, timesteps: int | Quantiser) -> Quantiser:
        """Quantiser of a plain neuron, or the one that is passed.

        Args:
            timesteps: Number of steps T, at least 1, or a quantiser.

        Returns:
            T levels, T to a threshold, or the argument itself.

        Raises:
            ValueError: If it is neither.
        """
        if isinstance(timesteps, cls):
            return timesteps
        check_count("timesteps", timesteps)
        return cls(timesteps, timesteps)

    @classmethod
    def burst(cls, timesteps: int, max_spikes: int) -> Quantiser:
        """Quantiser of a neuron that may fire several spikes in one step.

        Args:
            timesteps: Number of steps T, at least 1.
            max_spikes: Most spikes in one step m, at least 1.

        Returns:
            T * m levels, T to a threshold.

        Raises:
            ValueError: If an argument is not an integer of at least 1.
        """
        check_count("timesteps", timesteps)
        check_count("max_spikes", max_spikes)
        return cls(timesteps * max_spikes, timesteps)

    @classmethod
    def bit_plane(cls, timesteps: int) -> Quantiser:
        """Quantiser of a neuron that fires the bits of its value.

        Args:
            timesteps: Number of steps T, one bit each, at least 1.

        Returns:
            2**T - 1 levels, 2**T to a threshold.

        Raises:
            ValueError: If `timesteps` is not an integer of at least 1.
        """
        check_count("timesteps", timesteps)
        levels = 2 ** int(timesteps)
        return cls(levels - 1, levels)

    def largest_value(self, threshold: np.ndarray) -> np.ndarray:
        """Value of the highest level.

            theta * n / levels_per_threshold

        Args:
            threshold: Thresholds theta, any shape, activation units.

        Returns:
            Same shape, activation units; `threshold` itself, to the bit, for
            a plain neuron.
        """
        return threshold * (self.num_levels / self.levels_per_threshold)

    def threshold(self, largest_value: np.ndarray) -> np.ndarray:
        """Threshold whose highest level has a given value.

        Args:
            largest_value: Any shape, activation units.

        Returns:
            Thresholds, same shape, activation units.
        """
        return largest_value * (self.levels_per_threshold / self.num_levels)
