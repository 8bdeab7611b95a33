"""The signature `anytime`: each image stops when it is sure enough."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfsnn.conversion.stepping import (
    Readouts,
    SteppingForm,
    added,
    batch_size_of,
)

from .trace_signature import logits_so_far, window_start


class Progress(NamedTuple):
    """What the loop carries beside the state of the network.

    Attributes:
        sums: What the read-outs added up.
        logits: Those of each image at its own exit, `[B, K]`.
        steps: Steps each image used, int32 `[B]`; 0: still running.
    """

    sums: Readouts
    logits: tf.Tensor
    steps: tf.Tensor


def anytime_function(
    form: SteppingForm,
) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
    """Images to logits, each image after as many steps as it needs.

    An image exits after the first step t of the read-out at which the largest
    softmax of its logits so far reaches its `confidence`, or t its
    `max_steps`; its logits stay what they were then. The loop ends when all
    images of the batch have exited. A confidence above 1 asks for all steps,
    `max_steps` is taken as at least 1 and at most T. Every input and output
    has the batch as its first axis, so that a server can merge requests.

    Args:
        form: A classifier with one read-out whose first output are logits.

    Returns:
        A function of images `[B, ...]`, `confidence` float32 `[B]` and
        `max_steps` int32 `[B]`, to `logits` `[B, K]`, `probabilities` `[B, K]`
        (their softmax), `classes` int64 `[B]` and `steps` int32 `[B]`.

    References:
        Li et al., SEENN: Towards Temporal Spiking Early-Exit Neural Networks,
        NeurIPS 2023, arXiv:2304.01230 (SEENN-I: exit by confidence).
    """
    first = window_start(form)
    output = form.model.outputs[0]

    def run(images, confidence, max_steps):
        batch_size = batch_size_of(images)
        constants = form.prelude(images)
        confidence = _one_each(confidence, batch_size, "confidence")
        limit = _one_each(max_steps, batch_size, "max_steps")
        limit = tf.clip_by_value(limit, 1, form.timesteps)

        def going(state, progress):
            del state  # Every image exits at the latest after T steps.
            return tf.reduce_any(progress.steps == 0)

        def body(state, progress):
            readouts, following = form.step(constants, state)
            sums = added(progress.sums, readouts)
            number = state.step - first + 1
            logits = logits_so_far(form, constants, sums, number)
            sure = confidence_of(logits) >= confidence
            exits = (progress.steps == 0) & (number >= 1)
            exits &= sure | (number >= limit)
            return following, Progress(
                sums,
                tf.where(exits[:, tf.newaxis], logits, progress.logits),
                tf.where(exits, number, progress.steps),
            )

        start = Progress(
            form.zero_sums(batch_size),
            tf.zeros(tf.stack([batch_size, output.shape[1]]), output.dtype),
            tf.zeros([batch_size], tf.int32),
        )
        state = form.initial_state(batch_size)
        _, end = tf.while_loop(
            going,
            body,
            (state, start),
            shape_invariants=(_shapes(form.state_spec()), _any_batch(start)),
        )
        return {
            "logits": tf.ensure_shape(end.logits, output.shape),
            "probabilities": tf.ensure_shape(
                tf.nn.softmax(end.logits), output.shape
            ),
            "classes": tf.argmax(end.logits, -1, tf.int64),
            "steps": end.steps,
        }

    return run


def confidence_of(logits: tf.Tensor) -> tf.Tensor:
    """Largest softmax, float32 `[B]`, of logits `[B, K]`."""
    shares = tf.nn.softmax(tf.cast(logits, tf.float32))
    return tf.reduce_max(shares, axis=-1)


def _one_each(values, batch_size, name):
    """The values; refused at run time if they are not one an image."""
    count = tf.size(values)
    fits = tf.debugging.Assert(
        count == batch_size,
        [f"Input {name} has", count, "values for", batch_size]
        + ["images. Supported: one for each image."],
    )
    with tf.control_dependencies([fits]):
        return tf.identity(values)


def _shapes(specs):
    return tf.nest.map_structure(lambda spec: spec.shape, specs)


def _any_batch(tensors):
    return tf.nest.map_structure(
        lambda x: tf.TensorShape([None, *x.shape[1:]]), tensors
    )
