"""Trains copies of one segment's weights on mean inputs."""

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.response import drop_quantiser, quantised
from tfsnn.graph.segments import Segment
from tfsnn.types import NeuronParameters

from .segment_copy import SegmentCopy
from .training_loop import fit
from .training_options import TrainingOptions


def train_segment(
    segment: Segment,
    training_set: tuple[list[np.ndarray], np.ndarray],
    parameters: NeuronParameters,
    timesteps: int,
    *,
    kind: NeuronKind,
    options: TrainingOptions,
    fixed: frozenset[str] = frozenset(),
) -> NeuronParameters:
    """Minimises the squared error of the neuron's mean output (Eq. 17).

        sum_c mean_{N,H,W} (Q(W r_in + b; theta, v0, T) - a)^2

    Q is `tfsnn.dynamics.quantised` with the levels of the kind. A quarter of
    the images is not trained on; the weights that are best on it are kept.
    Weights that are 0 stay 0. The layers of the segment are not changed.

    Args:
        segment: The segment; it has a neuron.
        training_set: r_in, mean outputs of its sources over time, `[N, ...]`
            each, in the order of `segment.sources`; and a, analog activations,
            `[N, ..., C]`; activation units.
        parameters: Of the neuron; weights in it come before the layers'.
        timesteps: T.
        kind: Kind of the neuron.
        options: See `TrainingOptions`.
        fixed: Names of layers that are not trained.

    Returns:
        The parameters with trained weights, or `parameters` itself if nothing
        better was found or no layer has a kernel to train.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.3, Eq. 17-18.
    """
    copy = SegmentCopy(
        segment,
        parameters,
        fixed=fixed,
        train_bias=options.train_bias,
        train_threshold=options.train_threshold,
    )
    if not copy.kernels:
        return parameters
    inputs, target = training_set
    *sources, goal = map(tf.convert_to_tensor, (*inputs, target))

    def error(images, step):
        seed = None if step is None else tf.stack([options.seed, step])
        read = [tf.gather(source, images) for source in sources]
        output = trained_output(
            copy, read, timesteps, kind=kind, options=options, seed=seed
        )
        difference = output - tf.cast(tf.gather(goal, images), copy.dtype)
        return tf.reduce_mean(tf.reduce_sum(tf.square(difference), axis=-1))

    if fit(segment.name, copy, error, len(target), options):
        return copy.parameters()
    return parameters


def trained_output(
    copy: SegmentCopy,
    sources: list[tf.Tensor],
    timesteps: int,
    *,
    kind: NeuronKind,
    options: TrainingOptions,
    seed: tf.Tensor | None,
) -> tf.Tensor:
    """Mean output of a copied segment's neuron, to be trained through.

    Args:
        copy: The segment.
        sources: Mean outputs of its sources, `[B, ...]` each.
        timesteps: T.
        kind: Kind of the neuron.
        options: Its `rounding` and `drop_quantiser` count.
        seed: `[2]`, of what is dropped; None: nothing is.

    Returns:
        `[B, ..., C]`, in the dtype of the copy.
    """
    current = copy.current(sources)
    threshold, potential = copy.neuron()
    if options.rounding == "floor":
        potential = tf.zeros_like(potential)
    quantiser = kind.quantiser(timesteps)
    output = quantised(
        current, threshold, potential, timesteps, quantiser=quantiser
    )
    if seed is None or not options.drop_quantiser:
        return output
    return drop_quantiser(
        output,
        current,
        quantiser.largest_value(threshold),
        probability=options.drop_quantiser,
        seed=seed,
    )
