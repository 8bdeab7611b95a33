"""Runs a training recipe."""

import pathlib

import keras
import numpy as np

from .kept_weights import KeptWeights
from .recipes import Recipe, cosine_schedule
from .training_backup import EpochBackup


def compile_for_training(
    model: keras.Model, recipe: Recipe, steps_per_epoch: int
) -> None:
    """Compiles a logits model with the recipe's optimiser and loss.

    Keras decouples the decay, so momentum does not multiply it: the 5e-4 that
    papers give as an L2 coefficient beside a momentum of 0.9 is 5e-3 here.
    """
    optimizer = keras.optimizers.SGD(
        cosine_schedule(recipe, steps_per_epoch),
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
        use_ema=recipe.ema > 0,
        ema_momentum=recipe.ema or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    if recipe.dtype_policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(
        optimizer=optimizer,
        loss=_SmoothedCrossEntropy(recipe.label_smoothing),
        metrics=["accuracy"],
        # On CPUs XLA trains these networks 1.5 times slower than the graph.
        jit_compile=bool(keras.distribution.list_devices("gpu")),
    )


def train(
    model: keras.Model,
    training,
    recipe: Recipe,
    *,
    validation=None,
    best: pathlib.Path | None = None,
    backup: pathlib.Path | None = None,
    callbacks: list | None = None,
) -> dict[str, list[float]]:
    """Trains a logits model in place.

    Args:
        model: Images to logits `[B, num_classes]`.
        training: Batches of images and integer labels with a known length.
        recipe: What to do.
        validation: Batches that choose the best epoch; None: the last one is
            kept.
        best: Folder for the weights of the best epoch meanwhile, so that an
            interrupted run does not lose them; with `validation` only.
        backup: Folder for the state after every epoch, from which the same run
            goes on; it stays there. None: nothing is kept.
        callbacks: Further Keras callbacks.

    Returns:
        Loss and accuracy of each epoch of this session.

    Raises:
        ValueError: If the training data holds no full batch, or the state in
            `backup` cannot be read.
        FloatingPointError: If the loss is not finite at the end.
    """
    steps = int(training.cardinality())
    if steps < 1:
        raise ValueError(
            "The training data holds no full batch of"
            f" {recipe.batch_size} images. Use more images or a smaller"
            " batch_size."
        )
    compile_for_training(model, recipe, steps)
    stop = [keras.callbacks.TerminateOnNaN()]
    if recipe.ema:
        # What is validated, kept and returned is the average.
        stop.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    keeper = None
    if validation is not None and best is not None:
        keeper = BestWeights(best)
        stop.append(keeper)
    epochs = 0
    if backup is not None:
        # Behind the others: it keeps what they have made of an epoch.
        stop.append(EpochBackup(backup))
        epochs = stop[-1].restore(model)
    history = model.fit(
        training,
        initial_epoch=epochs,
        epochs=recipe.epochs,
        validation_data=validation,
        callbacks=[*stop, *(callbacks or [])],
        shuffle=False,  # The data shuffles itself.
        verbose=2,
    ).history
    losses = history.get("loss", [])
    if losses and not np.isfinite(losses[-1]):
        raise FloatingPointError(
            "The training loss is not finite. Lower learning_rate"
            f" (now {recipe.learning_rate})."
        )
    if keeper is not None:
        keeper.restore()
    return {key: [float(v) for v in values] for key, values in history.items()}


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best validation accuracy.

    They are in a file whose name has the accuracy, so that a run that was
    interrupted goes on comparing with what it had.
    """

    def __init__(self, folder: pathlib.Path):
        """Names the folder.

        Args:
            folder: Of this run alone; need not exist.
        """
        super().__init__()
        self._kept = KeptWeights(folder, "accuracy")

    @property
    def accuracy(self) -> float:
        """The best so far, -1 before the first epoch."""
        number = self._kept.number
        return -1.0 if number is None else number

    def on_epoch_end(self, epoch, logs=None):
        """Writes the weights if they are the best."""
        accuracy = float((logs or {}).get("val_accuracy", -1.0))
        if accuracy > self.accuracy:
            self._kept.keep(self.model, accuracy)

    def restore(self) -> None:
        """Puts the best weights back, if there are any."""
        path = self._kept.path
        if path is not None:
            self.model.load_weights(path)


@keras.saving.register_keras_serializable(package="tfsnn_models")
class _SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits and integer labels, smoothed."""

    def __init__(self, smoothing: float = 0.0, **options):
        super().__init__(**options)
        self.smoothing = smoothing

    def call(self, labels, logits):
        logits = keras.ops.cast(logits, "float32")
        exact = keras.ops.sparse_categorical_crossentropy(
            keras.ops.reshape(labels, [-1]), logits, from_logits=True
        )
        if not self.smoothing:
            return exact
        # - mean over the classes of log softmax.
        even = keras.ops.logsumexp(logits, axis=-1) - keras.ops.mean(
            logits, axis=-1
        )
        return (1 - self.smoothing) * exact + self.smoothing * even

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}
