"""Keeps the state of a training run between epochs, so that it can go on."""

import pathlib
import warnings

import keras

from .kept_weights import KeptWeights


class EpochBackup(keras.callbacks.Callback):
    """Writes weights and optimiser state after every epoch.

    The name of the file says how many epochs it is after. Nothing is removed
    at the end: whoever has written the result removes the folder.

    It writes before the next epoch begins. Where the moving average of the
    weights stands in for them at the end of an epoch, `SwapEMAWeights` in
    front of this one has put them back by then.
    """

    def __init__(self, folder: pathlib.Path):
        """Names the folder.

        Args:
            folder: Of this run alone; need not exist.
        """
        super().__init__()
        self._kept = KeptWeights(folder, "epoch")
        self._first = 0

    @property
    def epochs(self) -> int:
        """Finished epochs that are kept; 0: none."""
        return int(self._kept.number or 0)

    def restore(self, model: keras.Model) -> int:
        """Puts the last state back, if there is one.

        Args:
            model: Compiled, and of the run that is in the folder.

        Returns:
            Finished epochs, from which `fit` goes on.

        Raises:
            ValueError: If the file is damaged, or of another model or
                optimiser.
        """
        epochs, path = self.epochs, self._kept.path
        if path is None:
            return 0
        model.optimizer.build(model.trainable_variables)
        try:
            with warnings.catch_warnings():
                # Keras leaves the state of another optimiser out.
                warnings.filterwarnings("error", "Skipping variable loading")
                model.load_weights(path)
        except Exception as error:  # Keras and HDF5 raise many types here.
            raise ValueError(
                f"The state after epoch {epochs} in '{path}' cannot be read:"
                f" {type(error).__name__}. Supported: the file that the"
                " interrupted run wrote. Remove the folder"
                f" '{self._kept.folder}' to train from the beginning."
            ) from error
        return epochs

    def on_train_begin(self, logs=None):
        """Remembers where this session begins; what is there is not written."""
        self._first = self.epochs
        self._kept.folder.mkdir(parents=True, exist_ok=True)

    def on_epoch_begin(self, epoch, logs=None):
        """Keeps the state after the epochs before."""
        self._keep(epoch)

    def on_train_end(self, logs=None):
        """Keeps the state at the end, if that is where all epochs are done."""
        if not self.model.stop_training:
            self._keep(self.params["epochs"])

    def _keep(self, epochs: int) -> None:
        if epochs > self._first:
            self._kept.keep(self.model, epochs)
