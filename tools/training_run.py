"""One training run: data, network, callbacks, devices."""

import contextlib
import dataclasses
import importlib.util
import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf
from absl import app

from tfsnn.free_memory import available_bytes
from tfsnn_models import (
    datasets,
    image_files,
    layer_table,
    recipes,
    registry,
    training,
    training_backup,
    training_memory,
)
from tfsnn_tools import image_folder, network_files
from tfsnn_tools.model_files import load_keras_model

LOG = "log.csv"


@dataclasses.dataclass(frozen=True)
class Run:
    """What is trained, on what, and how.

    Attributes:
        network: Of the zoo.
        options: For its builder, besides data and classes.
        data: Data set.
        data_dir: TFDS directory.
        recipe: How.
        validation: Whether a tenth of the training split chooses the epoch.
        start_from: Weights to go on from.
        backup: Folder for the state of an interrupted run.
        log_dir: Folder for a CSV log, and TensorBoard's; None: none.
        tensorboard: Whether to write TensorBoard's.
        mirrored: Whether all GPUs share each batch.
    """

    network: str
    options: dict
    data: datasets.DatasetCard
    data_dir: str | None
    recipe: recipes.Recipe
    validation: bool
    start_from: str | None
    backup: pathlib.Path
    log_dir: str | None = None
    tensorboard: bool = False
    mirrored: bool = False

    def execute(self) -> tuple[keras.Model, dict[str, list[float]]]:
        """Trains; returns a float32 network and what happened."""
        callbacks = self._callbacks()
        self._check_memory()
        if not self.finished_epochs:  # Nor is there a best one.
            shutil.rmtree(self.best_folder, ignore_errors=True)
        self.test_batches()  # If there are none, that is known before.
        keras.utils.set_random_seed(self.recipe.seed)
        with self._scope():
            model = self._build(self.recipe.dtype_policy)
            if self.start_from is not None:
                _take_over(model, self.start_from)
            train, validation = self._batches()
            try:
                with self._named_files():
                    history = training.train(
                        model,
                        train,
                        self.recipe,
                        validation=validation,
                        best=self.best_folder,
                        backup=self.backup,
                        callbacks=callbacks,
                    )
            except FloatingPointError:
                self.clean_up()  # There is nothing to go on from.
                raise
        clean = self._build("float32")
        clean.set_weights(model.get_weights())
        return clean, history

    @property
    def finished_epochs(self) -> int:
        """Of an interrupted run that goes on; 0: it begins."""
        return training_backup.EpochBackup(self.backup).epochs

    @property
    def best_accuracy(self) -> float | None:
        """On the validation split, of all sessions of this run."""
        if not self.validation:
            return None
        return training.BestWeights(self.best_folder).accuracy

    @property
    def best_folder(self) -> pathlib.Path:
        """Where the weights of the best epoch are meanwhile."""
        return self.backup.with_name(f"{self.backup.name}-best")

    def clean_up(self) -> None:
        """Removes what only an interrupted run would need."""
        shutil.rmtree(self.best_folder, ignore_errors=True)
        shutil.rmtree(self.backup, ignore_errors=True)

    def test_batches(self) -> tf.data.Dataset:
        """The split that nothing was chosen on."""
        examples = datasets.load_split(
            self.data.name, self.data.test_split, data_dir=self.data_dir
        )
        return datasets.evaluation_batches(
            examples, batch_size=250, data=self.data
        )

    def test_accuracy(self, model: keras.Model) -> float:
        """On the split that nothing was chosen on."""
        with self._named_files():
            return accuracy_of(model, self.test_batches())

    def _check_memory(self) -> None:
        """From the shapes alone: the weights may not fit, either."""
        shapes = layer_table.without_weights(
            self._build, dtype_policy=self.recipe.dtype_policy
        )
        training_memory.check_memory(
            shapes, self.recipe.batch_size, available_bytes()
        )

    @contextlib.contextmanager
    def _named_files(self):
        """Names the files of a folder that cannot be decoded."""
        try:
            yield
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.OpError as error:
            if not self.data.name.startswith(datasets.FOLDER):
                raise
            root = pathlib.Path(self.data.name.removeprefix(datasets.FOLDER))
            broken = [
                file
                for split in ("train", self.data.test_split)
                for file in image_files.find_broken(root / split)
            ]
            if not broken:
                raise
            raise ValueError(_refusal(broken)) from error

    def _batches(self):
        examples = datasets.load_split(
            self.data.name, "train", data_dir=self.data_dir
        )
        validation = None
        if self.validation:
            held = datasets.without_validation(examples, validation=True)
            validation = datasets.evaluation_batches(
                held, batch_size=self.recipe.batch_size, data=self.data
            )
            examples = datasets.without_validation(examples, validation=False)
        train = datasets.training_batches(
            examples,
            batch_size=self.recipe.batch_size,
            data=self.data,
            augmentation=self.recipe.augmentation,
            # A run that goes on does not draw as at its beginning again.
            seed=self.recipe.seed + self.finished_epochs,
        )
        return train, validation

    def _build(self, dtype_policy: str) -> keras.Model:
        """The network under a dtype policy; the global one stays."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype_policy)
        try:
            return registry.build(
                self.network,
                input_shape=self.data.input_shape,
                num_classes=self.data.num_classes,
                pixel_mean=self.data.pixel_mean,
                pixel_std=self.data.pixel_std,
                **self.options,
            )
        finally:
            keras.config.set_dtype_policy(before)

    def _callbacks(self) -> list:
        found = []
        if self.log_dir is None:
            return found
        folder = pathlib.Path(self.log_dir)
        if not self.backup.exists():
            _check_log(folder / LOG)
        network_files.check_folder(folder, flag="log_dir")
        found.append(keras.callbacks.CSVLogger(str(folder / LOG), append=True))
        if self.tensorboard:
            _check_tensorboard()
            found.append(keras.callbacks.TensorBoard(str(folder)))
        return found

    def _scope(self):
        if not self.mirrored:
            return contextlib.nullcontext()
        devices = [d.name for d in tf.config.list_logical_devices("GPU")]
        devices = devices or [
            d.name for d in tf.config.list_logical_devices("CPU")
        ]
        if self.recipe.batch_size % len(devices):
            raise app.UsageError(
                f"Received batch_size={self.recipe.batch_size} for"
                f" {len(devices)} devices. Supported: multiples of their"
                " number, for each takes an equal part. Change --batch_size."
            )
        return tf.distribute.MirroredStrategy(devices).scope()


def accuracy_of(model: keras.Model, batches) -> float:
    """Share of images whose largest logit is the label's."""
    hits = count = 0
    for images, labels in batches:
        logits = keras.ops.convert_to_numpy(model(images, training=False))
        hits += int(np.sum(logits.argmax(axis=-1) == labels.numpy()))
        count += len(labels)
    return hits / count


def _refusal(broken: list[str]) -> str:
    return (
        f"{len(broken)} image files cannot be read:"
        f"\n{image_folder.listed(broken)}\nSupported:"
        f" intact files of types {', '.join(image_files.SUFFIXES)}. Repair or"
        " remove them; the same command goes on after its last epoch."
    )


def _take_over(model: keras.Model, file: str) -> None:
    source = load_keras_model(file)
    found, wanted = len(source.weights), len(model.weights)
    different = [
        f"'{mine.path}' has the shape {tuple(mine.shape)}, there"
        f" {tuple(other.shape)}"
        for mine, other in zip(model.weights, source.weights, strict=False)
        if mine.shape != other.shape
    ]
    if different or found != wanted:
        raise app.UsageError(
            f"Received --start_from={file} with {found} weights of"
            f" '{source.name}', which are not those of '{model.name}'"
            f" ({wanted} weights)"
            + (f": {different[-1]}" if found == wanted else "")
            + ". Supported: the same network, width, classes and batch norms."
            " Choose another --start_from, --network or --dataset."
        )
    model.set_weights(source.get_weights())


def _check_log(file: pathlib.Path) -> None:
    """Refuses to mix the epochs of two runs."""
    if file.is_file() and file.stat().st_size:
        raise app.UsageError(
            f"Received --log_dir={file.parent}, which holds the {LOG} of"
            " another run. Supported: a folder without one. Choose another"
            " --log_dir, or remove the file."
        )


def _check_tensorboard() -> None:
    if importlib.util.find_spec("tensorboard") is None:
        raise ImportError(
            "TensorBoard's logs need the package tensorboard, which is not"
            " installed. Run: pip install 'tfsnn[tensorboard]', or leave"
            " --tensorboard out; log.csv is written without it."
        )
