"""What a runner is: it answers for one batch, as one compiled graph.

A *target* is a class for each image: the label, and what the reference says.
Hits are counted against both at once.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import tensorflow as tf

from tfsnn.inputs import Images

TARGETS = 2
"""Rows of targets: labels, predictions of the reference."""


class BatchCounts(NamedTuple):
    """Counts over one batch.

    Attributes:
        hits: Images whose prediction is the target, int `[n, TARGETS]`; n is
            T where there are prefix curves, otherwise 1: only the end.
        spikes: Of each neuron layer the steps at which each neuron sent a
            spike, whatever it is worth, over all images: float64 `[..., C]`;
            `[C]` where the feature map has unknown axes. A burst is one.
        accumulates: The same, each spike counted as the additions it costs
            who receives it.
        neurons: Neurons of each layer, those of all images, float64
            `[layers]`.
    """

    hits: np.ndarray
    spikes: Sequence[np.ndarray]
    accumulates: Sequence[np.ndarray]
    neurons: np.ndarray


class Runner(Protocol):
    """Runs one network on batches.

    Attributes:
        execution: `"folded"`, `"stepping"`, `"counts"` or `"plain"`.
        neuron_names: Names of the neuron layers, in order.
        has_prefixes: Whether hits are counted after every step.
    """

    execution: str
    neuron_names: Sequence[str]
    has_prefixes: bool

    def __call__(self, images: Images, targets: np.ndarray) -> BatchCounts:
        """Counts hits and spikes.

        Args:
            images: `[B, ...]`; of several inputs a tuple.
            targets: `[TARGETS, B]` int64.

        Returns:
            The counts.
        """


class Predictor(Protocol):
    """What a network is compared with."""

    def predict(self, images: Images) -> np.ndarray:
        """The class of each image of the next batch, int64 `[B]`."""


def hits_of(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Counts the images whose largest logit is that of their target.

    Args:
        logits: `[..., B, K]`.
        targets: `[TARGETS, B]` int64.

    Returns:
        `[..., TARGETS]` int32.
    """
    predicted = tf.argmax(logits, axis=-1)[..., None, :]
    return tf.reduce_sum(tf.cast(predicted == targets, tf.int32), axis=-1)


def by_neuron(values: tf.Tensor) -> tf.Tensor:
    """Adds up over images, and over what has no fixed place.

    Args:
        values: Whole numbers `[n, ..., C]`, float32; n below 2^24.

    Returns:
        float64 `[..., C]`; `[C]` where axes are unknown.
    """
    total = tf.cast(tf.reduce_sum(values, axis=0), tf.float64)
    if None in values.shape[1:]:
        total = tf.reduce_sum(total, axis=range(len(total.shape) - 1))
    return total


def images_spec(inputs: Sequence[keras.KerasTensor]) -> Any:
    """What a compiled graph takes of the images, for any batch size.

    Args:
        inputs: Those of the model.

    Returns:
        A `tf.TensorSpec`; a tuple of them for several inputs.
    """
    specs = tuple(
        tf.TensorSpec([None, *source.shape[1:]], source.dtype)
        for source in inputs
    )
    return specs[0] if len(specs) == 1 else specs


def signature(inputs: Sequence[keras.KerasTensor]) -> list:
    """Signature of a compiled runner: images and targets."""
    return [images_spec(inputs), tf.TensorSpec([TARGETS, None], tf.int64)]


def as_counts(
    hits: tf.Tensor,
    spikes: Sequence[tf.Tensor],
    accumulates: Sequence[tf.Tensor],
    neurons: np.ndarray,
) -> BatchCounts:
    """What a compiled runner gives, as arrays; see `BatchCounts`."""
    return BatchCounts(
        hits.numpy(),
        [one.numpy() for one in spikes],
        [one.numpy() for one in accumulates],
        neurons,
    )


def compiled(function: Callable, specs: list[tf.TensorSpec]) -> Callable:
    """A graph of a function, made at once.

    A `tf.function` that is called would warn of retracing where several
    networks are evaluated in turn; its one graph does not. Like Keras, without
    AutoGraph, which doubles the time.

    Args:
        function: Computes on tensors. What holds its variables has to be kept.
        specs: One for each argument.

    Returns:
        The compiled function.
    """
    return tf.function(
        function, input_signature=specs, autograph=False
    ).get_concrete_function()
