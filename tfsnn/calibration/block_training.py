"""Trains a segment for what the rest of its block makes of it."""

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.graph.segments import Segment
from tfsnn.types import NeuronParameters

from .horizon import Horizon
from .relative_error import mean_square
from .segment_copy import SegmentCopy
from .segment_training import trained_output
from .training_loop import fit
from .training_options import TrainingOptions


def train_block(
    horizon: Horizon,
    parameters: Mapping[str, NeuronParameters],
    timesteps: int,
    *,
    kind: NeuronKind,
    options: TrainingOptions,
    fixed: frozenset[str] = frozenset(),
) -> NeuronParameters:
    """Minimises the errors of consecutive segments, trained together.

        sum_l  sum_c mean_{N,H,W} (r_l - a_l)^2 / sum_c mean_{N,H,W} a_l^2
        r_l = Q(W_l r + b_l; theta_l, v0_l, T),   r: what it reads, also r_k

    The weights of junctions, which have no neuron, stay as they are.

    Args:
        horizon: The segments, what they read and what they should answer.
        parameters: Of the neuron of each segment that has one.
        timesteps: T.
        kind: Kind of the neurons.
        options: See `TrainingOptions`.
        fixed: Names of layers that are not trained.

    Returns:
        Parameters of the first segment, or those that came if nothing better
        was found or nothing in it can be trained.

    References:
        Li et al., BRECQ: Pushing the limit of post-training quantization by
        block reconstruction, ICLR 2021, arXiv:2102.05426; Wei et al., QDrop,
        ICLR 2022, arXiv:2203.05740.
    """
    first = horizon.segments[0].name
    copy = _BlockCopy(horizon.segments, parameters, fixed, options)
    if not copy.copies[first].kernels:
        return parameters[first]
    scales = {name: _scale(values) for name, values in horizon.targets.items()}
    inputs, targets = (
        {name: tf.convert_to_tensor(values) for name, values in arrays.items()}
        for arrays in (horizon.inputs, horizon.targets)
    )

    def error(images, step):
        sources = {name: tf.gather(v, images) for name, v in inputs.items()}
        outputs = copy.outputs(sources, timesteps, kind, step)
        return tf.add_n(
            [
                _squared_error(
                    output, tf.gather(targets[name], images), scales[name]
                )
                for name, output in outputs.items()
            ]
        )

    count = len(horizon.targets[first])
    if fit(first, copy, error, count, options):
        return copy.copies[first].parameters()
    return parameters[first]


class _BlockCopy:
    """Copies of several segments, trained as one."""

    def __init__(
        self,
        segments: tuple[Segment, ...],
        parameters: Mapping[str, NeuronParameters],
        fixed: frozenset[str],
        options: TrainingOptions,
    ):
        self._segments = segments
        self._options = options
        self.copies = {
            name: SegmentCopy(
                segment,
                parameters[name],
                fixed=fixed,
                train_bias=options.train_bias,
                train_threshold=options.train_threshold,
            )
            for segment in segments
            if (name := segment.name) in parameters
        }
        self.variables = [v for c in self._all() for v in c.variables]

    def outputs(
        self,
        sources: dict[str, tf.Tensor],
        timesteps: int,
        kind: NeuronKind,
        step: tf.Tensor | None,
    ) -> dict[str, tf.Tensor]:
        """What each segment answers, mean over time."""
        known, found = dict(sources), {}
        for number, segment in enumerate(self._segments):
            read = [known[name] for name in segment.sources]
            if segment.name in self.copies:
                found[segment.name] = trained_output(
                    self.copies[segment.name],
                    read,
                    timesteps,
                    kind=kind,
                    options=self._options,
                    seed=self._seed(number, step),
                )
            else:
                found[segment.name] = _current(segment, read)
            known[segment.name] = found[segment.name]
        return found

    def change(self) -> tf.Tensor:
        return tf.add_n([copy.change() for copy in self._all()])

    def masked(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        masked = []
        for copy, part in zip(
            self._all(), self._divided(gradients), strict=True
        ):
            masked += copy.masked(part)
        return masked

    def snapshot(self) -> list[np.ndarray]:
        return [value for copy in self._all() for value in copy.snapshot()]

    def restore(self, snapshot: list[np.ndarray]) -> None:
        for copy, part in zip(
            self._all(), self._divided(snapshot), strict=True
        ):
            copy.restore(part)

    def _all(self):
        return self.copies.values()

    def _divided(self, values):
        start = 0
        for copy in self._all():
            yield values[start : start + len(copy.variables)]
            start += len(copy.variables)

    def _seed(self, number, step):
        if step is None:
            return None
        step = step * len(self._segments) + number
        return tf.stack([self._options.seed, step])


def _current(segment, sources):
    """The current of a junction, with its own weights."""
    inputs = [
        tf.cast(source, tensor.dtype)
        for source, tensor in zip(sources, segment.model.inputs, strict=True)
    ]
    return segment.model(inputs[0] if len(inputs) == 1 else inputs)


def _squared_error(output, target, scale):
    difference = (tf.cast(output, target.dtype) - target) / scale
    return tf.reduce_mean(tf.reduce_sum(tf.square(difference), axis=-1))


def _scale(target):
    """Root of a target's mean square, summed over channels."""
    return math.sqrt(mean_square(target) * target.shape[-1])
