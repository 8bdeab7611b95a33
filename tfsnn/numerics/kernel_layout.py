"""Where the kernels of Keras layers keep their channels."""

import dataclasses
import math

import numpy as np

from tfsnn.numerics.checks import check_choice, check_count, check_shape

KINDS = ("dense", "convolution", "transposed", "depthwise")


@dataclasses.dataclass(frozen=True)
class KernelLayout:
    """Which axes of a kernel are input and output channels.

    | kind        | kernel                     | output channels       |
    |-------------|----------------------------|-----------------------|
    | dense       | `[Cin, Cout]`              | last axis             |
    | convolution | `[..., Cin/groups, Cout]`  | last axis, by group   |
    | transposed  | `[..., Cout, Cin]`         | axis -2               |
    | depthwise   | `[..., Cin, M]`            | Cin * M, Cin slowest  |

    A separable convolution is two of them: "depthwise", then "convolution".
    All methods compute in float64 and return the kernel's dtype, except
    `response_to`.

    Attributes:
        kind: A row of the table.
        groups: Groups of a convolution, at least 1; other kinds have 1.
    """

    kind: str
    groups: int = 1

    def __post_init__(self):
        """Checks the combination.

        Raises:
            ValueError: If it names no kernel of Keras.
        """
        check_choice("kind", self.kind, KINDS)
        check_count("groups", self.groups)
        if self.groups > 1 and self.kind != "convolution":
            raise ValueError(
                f"Kind {self.kind!r} was given {self.groups} groups. Only a "
                '"convolution" has groups. Leave `groups` out.'
            )

    def num_input_channels(self, kernel: np.ndarray) -> int:
        """Number of channels Cin that a layer with this kernel reads.

        Args:
            kernel: As in the table of the class.

        Returns:
            Cin, all groups together.
        """
        _, groups, inputs, _ = self._by_group(kernel).shape
        return groups * inputs

    def num_output_channels(self, kernel: np.ndarray) -> int:
        """Number of channels Cout that a layer with this kernel writes.

        Args:
            kernel: As in the table of the class.

        Returns:
            Cout; Cin * M for "depthwise".
        """
        _, groups, _, outputs = self._by_group(kernel).shape
        return groups * outputs

    def scale_inputs(
        self, kernel: np.ndarray, factor: np.ndarray
    ) -> np.ndarray:
        """Kernel that answers to x as `kernel` does to factor * x.

        Args:
            kernel: As in the table of the class.
            factor: One per input channel, `[Cin]`, or a scalar.

        Returns:
            Kernel of the same shape and dtype.

        Raises:
            ValueError: If shapes do not fit.
        """
        weights = self._by_group(kernel)
        _, groups, inputs, _ = weights.shape
        factor = _per_channel("factor", factor, groups * inputs)
        return self._restored(
            weights * factor.reshape(groups, inputs, 1), kernel
        )

    def scale_outputs(
        self, kernel: np.ndarray, factor: np.ndarray
    ) -> np.ndarray:
        """Kernel whose output is that of `kernel` times `factor`.

        Args:
            kernel: As in the table of the class.
            factor: One per output channel, `[Cout]`, or a scalar.

        Returns:
            Kernel of the same shape and dtype.

        Raises:
            ValueError: If shapes do not fit.
        """
        weights = self._by_group(kernel)
        _, groups, _, outputs = weights.shape
        factor = _per_channel("factor", factor, groups * outputs)
        return self._restored(
            weights * factor.reshape(groups, 1, outputs), kernel
        )

    def largest_by_input(self, kernel: np.ndarray) -> np.ndarray:
        """Largest absolute weight with which each input channel is read.

        Args:
            kernel: As in the table of the class.

        Returns:
            `[Cin]`, float64.
        """
        return np.abs(self._by_group(kernel)).max(axis=(0, 3)).reshape(-1)

    def largest_by_output(self, kernel: np.ndarray) -> np.ndarray:
        """Largest absolute weight that makes each output channel.

        Args:
            kernel: As in the table of the class.

        Returns:
            `[Cout]`, float64.
        """
        return np.abs(self._by_group(kernel)).max(axis=(0, 2)).reshape(-1)

    def response_to(self, kernel: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Output for an input that is `shift` everywhere.

            out_o = sum over taps k and input channels i of W_kio * shift_i

        Args:
            kernel: As in the table of the class, except "transposed", whose
                output for such an input is not the same everywhere.
            shift: One per input channel, `[Cin]`, or a scalar.

        Returns:
            One value per output channel, `[Cout]`, float64.

        Raises:
            ValueError: If shapes do not fit or the kind is "transposed".
        """
        if self.kind == "transposed":
            raise ValueError(
                "A transposed convolution answers to a constant input with "
                "an output that differs between positions. Supported: "
                "dense, convolution, depthwise. Keep the shift in front of "
                "the layer."
            )
        weights = self._by_group(kernel)
        _, groups, inputs, _ = weights.shape
        shift = _per_channel("shift", shift, groups * inputs)
        shift = shift.reshape(groups, inputs)
        return np.einsum("kgio,gi->go", weights, shift).reshape(-1)

    def _by_group(self, kernel: np.ndarray) -> np.ndarray:
        """View as `[taps, groups, Cin/groups, Cout/groups]`, float64."""
        kernel = np.asarray(kernel, np.float64)
        smallest = 2 if self.kind == "dense" else 3
        if kernel.ndim < smallest or kernel.shape[-1] % self.groups:
            raise ValueError(
                f"A kernel of shape {kernel.shape} is not one of kind "
                f"{self.kind!r} with {self.groups} groups. Supported: at "
                f"least {smallest} axes, output channels divisible by the "
                "groups. Pass the layer's own kernel and groups."
            )
        *taps, first, second = kernel.shape
        kernel = kernel.reshape(math.prod(taps), first, second)
        if self.kind == "transposed":
            return kernel.transpose(0, 2, 1)[:, np.newaxis]
        if self.kind == "depthwise":
            return kernel[:, :, np.newaxis]
        split = kernel.reshape(len(kernel), first, self.groups, -1)
        return split.transpose(0, 2, 1, 3)

    def _restored(self, weights: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """Inverse of `_by_group`, in the shape and dtype of `kernel`."""
        if self.kind == "transposed":
            weights = weights.transpose(0, 1, 3, 2)
        elif self.kind != "depthwise":
            weights = weights.transpose(0, 2, 1, 3)
        kernel = np.asarray(kernel)
        return weights.reshape(kernel.shape).astype(kernel.dtype)


def _per_channel(name: str, value: np.ndarray, channels: int) -> np.ndarray:
    value = np.asarray(value, np.float64)
    check_shape(name, value.shape, (), (channels,))
    return np.broadcast_to(value, (channels,))
