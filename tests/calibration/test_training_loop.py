"""The loop alone, on one number that is to become another."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.calibration.training_loop import HELD_OUT, fit
from tfsnn.calibration.training_options import TrainingOptions

GOAL = 3.0
QUICK = {
    "iterations": 50,
    "batch_size": 3,
    "check_every": 5,
    "learning_rate": 0.05,
    "momentum": 0.5,
}


class Number:
    """A number that starts at 0."""

    def __init__(self):
        self.value = keras.Variable(0.0)
        self.variables = [self.value]

    def change(self):
        return tf.square(self.value.value)

    def masked(self, gradients):
        return gradients

    def snapshot(self):
        return [self.value.numpy()]

    def restore(self, snapshot):
        self.value.assign(snapshot[0])


def run(error, count=16, **options):
    number = Number()
    found = fit(
        "number",
        number,
        lambda *arguments: error(number, *arguments),
        count,
        TrainingOptions(**{**QUICK, **options}),
    )
    return found, float(number.value)


def distance(number, images, step):
    return tf.square(number.value.value - GOAL)


def test_finds_the_goal():
    found, value = run(distance)
    assert found
    assert value == pytest.approx(GOAL, abs=0.05)


def test_a_penalty_holds_back():
    """Half way between the start and the goal both cost the same."""
    _, value = run(distance, weight_penalty=1.0, iterations=200)
    assert value == pytest.approx(GOAL / 2, abs=0.05)


def test_nothing_better_is_found():
    found, value = run(
        lambda number, images, step: 1.0 + distance(number, images, step) * 0.0
    )
    assert not found


def test_steps_are_counted_and_none_while_measuring():
    seen = []

    def error(number, images, step):
        def remember(images, step):
            seen.append((len(images), int(step)))
            return np.float32(0)

        told = tf.constant(-1) if step is None else step
        note = tf.numpy_function(remember, [images, told], tf.float32)
        return distance(number, images, step) + note

    run(error, iterations=4, check_every=2)
    held = 16 // HELD_OUT
    assert seen == [
        (held, -1),
        (3, 0),
        (3, 1),
        (held, -1),
        (3, 2),
        (3, 3),
        (held, -1),
    ]


def test_images_that_are_held_out_are_not_trained_on():
    """They want another number; the best for them is kept."""

    def error(number, images, step):
        held = tf.cast(images % HELD_OUT == HELD_OUT - 1, tf.float32)
        goals = GOAL - 2 * held
        return tf.reduce_mean(tf.square(number.value.value - goals))

    found, value = run(error, check_every=1, patience=50, learning_rate=0.02)
    assert found
    assert value == pytest.approx(GOAL - 2, abs=0.2)


@pytest.mark.parametrize(("moved", "kept"), [(9.9, True), (10.1, False)])
def test_kernels_that_explode_are_divergence(moved, kept, monkeypatch, caplog):
    """However content the held-out images are."""
    monkeypatch.setattr(Number, "change", lambda self: tf.constant(moved) ** 2)
    with caplog.at_level(logging.WARNING, logger="absl"):
        found, value = run(distance)
    assert found == kept
    assert ("kernels by 10 times their size" in caplog.text) == (not kept)
