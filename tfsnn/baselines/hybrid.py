"""Hybrid training of Rathi et al. (2020): conversion, then backpropagation."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsnn.calibration.arguments import checked_whole, is_number
from tfsnn.calibration.descent import descend
from tfsnn.errors import DataError
from tfsnn.evaluation.labelled import class_indices
from tfsnn.free_memory import available_bytes
from tfsnn.image_arrays import find_problems, refuse, to_float32
from tfsnn.progress import progress_bar

from .surrogate_network import SurrogateNetwork

MEMORY_BUDGET = 2**30


@dataclasses.dataclass(frozen=True)
class HybridTraining:
    """How a converted network is trained on.

    Attributes:
        epochs: Passes over the images.
        batch_size: Images a step.
        learning_rate: Of Adam, above 0, decaying to 0 as a cosine; the
            authors divide it by 10 after 40, 65 and 85 % of the epochs.
        alpha: Size of the surrogate gradient, see `train_by_recency`.
        beta: Its decay per step.
        seed: Seed of the order of the images.
        memory_budget: Bytes that trains should take. A batch that would take
            more, or more than is free, is gone through in parts, at least an
            image each, whose gradients are added: the same step up to
            rounding.
        progress: Whether to say how far it is; None: on a terminal only.

    References:
        Rathi, Srinivasan, Panda, Roy, Enabling Deep Spiking Neural Networks
        with Hybrid Conversion and Spike Timing Dependent Backpropagation, ICLR
        2020, arXiv:2005.01807; batch size, learning rate, alpha and beta are
        the defaults of the authors' code (nitin-rathi/hybrid-snn-conversion).
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 1e-4
    alpha: float = 0.3
    beta: float = 0.01
    seed: int = 0
    memory_budget: int = MEMORY_BUDGET
    progress: bool | None = None

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        for name in ("epochs", "batch_size", "memory_budget"):
            default = type(self).__dict__[name]
            checked_whole(name, getattr(self, name), low=1, default=default)
        checked_whole("seed", self.seed, low=0, default=0)
        for name in ("learning_rate", "alpha"):
            value = getattr(self, name)
            if not is_number(value) or not value > 0:
                raise ValueError(
                    f"{name}={value!r}. Supported: numbers above 0. Pass 0.3"
                    " for the paper's alpha."
                )
        if not is_number(self.beta) or self.beta < 0:
            raise ValueError(
                f"beta={self.beta!r}. Supported: numbers from 0. Pass 0.01 for"
                " the paper's."
            )

    def images_at_once(self, model: keras.Model) -> int:
        """Images of the largest part of a batch that fits into memory.

        Args:
            model: To be trained.

        Returns:
            At most `batch_size`.

        Raises:
            ConversionError: See `fine_tune`.
            DataError: If not even one image fits.
        """
        network = SurrogateNetwork(model, alpha=self.alpha, beta=self.beta)
        return _images_at_once(network, self)


def fine_tune(
    model: keras.Model,
    images: Any,
    labels: Any,
    options: HybridTraining | None = None,
) -> keras.Model:
    """Trains the weights of a spiking network through its T steps.

    The loss is the cross-entropy of the outputs averaged over time; thresholds
    and potentials stay. The whole train of every neuron is kept for the
    gradient, so memory grows with T and the batch. In the authors' code
    thresholds are 70 % of Spike-Norm's: calibrate with `rmp(0.7)` first, and
    see `SpikeNormThreshold` for the order of scaling.

    Their code takes the cross-entropy of the sum over time, with spikes of 1,
    a temperature; the mean here has the scale of the analog logits. It has
    dropout, Poisson trains for input and no biases, and a neuron decides about
    the current of one step in the next.

    Args:
        model: A spiking model with plain neurons, logits or a softmax; it is
            not changed.
        images: `[N, ...]`.
        labels: Class indices `[N]`, or one-hot `[N, K]`.
        options: See `HybridTraining`; the defaults if None.

    Returns:
        A spiking model of the same structure with trained weights.

    Raises:
        ConversionError: If the model has no neurons, or others than plain ones
            with a soft reset, or several inputs, takes images of any size, or
            has weights in half precision.
        DataError: If images or labels do not fit the model or each other, or
            not even one image fits into memory.
        FloatingPointError: If the loss is no number.

    References:
        See `HybridTraining`.
    """
    options = options or HybridTraining()
    network = SurrogateNetwork(model, alpha=options.alpha, beta=options.beta)
    images, labels = _checked(model, images, labels)
    batch = min(options.batch_size, len(images))
    at_once = _images_at_once(network, options)
    steps = len(images) // batch
    step = _training_step(network, options, steps * options.epochs)
    generator = np.random.default_rng(options.seed)
    with progress_bar(
        options.epochs * steps,
        description="training",
        unit="step",
        shown=options.progress,
    ) as bar:
        for _ in range(options.epochs):
            order = generator.permutation(len(images))
            for number in range(steps):
                chosen = order[number * batch : (number + 1) * batch]
                parts = np.array_split(chosen, -(-batch // at_once))
                loss = step([(images[part], labels[part]) for part in parts])
                if not np.isfinite(loss):
                    raise FloatingPointError(
                        f"The loss is {loss}. Supported: a finite loss. Lower"
                        f" learning_rate (now {options.learning_rate})."
                    )
                bar.update()
    return network.finished()


def _training_step(network, options, num_steps):
    """A step on a batch, given as one part or several."""
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            options.learning_rate, max(1, num_steps)
        )
    )
    optimizer.build(network.variables)
    (image,) = network.model.inputs
    image_spec = tf.TensorSpec([None, *image.shape[1:]], tf.float32)
    label_spec = tf.TensorSpec([None], tf.int64)
    kernels = [variable.value for variable in network.variables]

    @tf.function(input_signature=[image_spec, label_spec])
    def gradients_of(images, labels):
        with tf.GradientTape() as tape:
            logits = network(images)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, tf.cast(logits, tf.float32)
            )
            loss = tf.reduce_sum(losses)
        gradients = tape.gradient(loss, kernels, unconnected_gradients="zero")
        return [loss, *gradients]

    specs = [tf.TensorSpec([], tf.float32)]
    specs += [tf.TensorSpec(kernel.shape, kernel.dtype) for kernel in kernels]

    @tf.function(input_signature=[specs, tf.TensorSpec([], tf.int32)])
    def apply(sums, count):
        loss, *gradients = (x / tf.cast(count, x.dtype) for x in sums)
        descend(optimizer, gradients, network.variables)
        return loss

    # Concrete, or TensorFlow warns of retracing where many are trained.
    add_up = gradients_of.get_concrete_function()
    apply = apply.get_concrete_function()

    def step(parts):
        parts = [tuple(map(tf.constant, part)) for part in parts]
        sums = add_up(*parts[0])
        for part in parts[1:]:
            sums = [a + b for a, b in zip(sums, add_up(*part), strict=True)]
        count = sum(len(labels) for _, labels in parts)
        return float(apply(sums, tf.constant(count)))

    return step


def _checked(model, images, labels):
    images = to_float32(np.asarray(images))
    problems = find_problems(images, model.inputs[0].shape[1:])
    if problems:
        refuse("images to train on", problems)
    if not len(images):
        raise DataError(
            "Received no images to train on. Supported: at least 1 labelled"
            " image. Choose another split or file."
        )
    labels = class_indices(labels, len(images))
    count = model.outputs[0].shape[-1]
    if labels.max() >= count:
        raise DataError(
            f"Received labels up to {labels.max()} for a model with {count}"
            f" outputs. Supported: 0...{count - 1}. Train a network with as"
            " many classes as the data have."
        )
    return images, labels


def _images_at_once(network, options):
    each, free = network.bytes_per_image, available_bytes()
    if each > free:
        raise DataError(
            f"One image takes about {each / 2**30:.1f} GB for the gradient"
            f" through time of '{network.model.name}', and"
            f" {free / 2**30:.1f} GB are free. Supported: at least one image."
            " Use fewer steps T, or free memory."
        )
    room = min(options.memory_budget, free)
    return min(options.batch_size, max(1, room // each))
