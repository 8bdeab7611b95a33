"""Keeps the state of a training run between epochs, so that it can go on."""

import pathlib
import re

import keras

NAME = "epoch-{}.weights.h5"
NUMBER = re.compile(r"epoch-(\d+)\.weights\.h5")


class EpochBackup(keras.callbacks.Callback):
    """Writes weights and optimiser state after every epoch, by rename.

    A file is whole or not there, and says in its name how many epochs it is
    after; the one before goes when the next is there. Nothing is removed at
    the end: whoever has written the result removes the folder.

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
        self.folder = folder
        self._first = 0

    @property
    def epochs(self) -> int:
        """Finished epochs that are kept; 0: none."""
        return max(self._files(), default=0)

    def restore(self, model: keras.Model) -> int:
        """Puts the last state back, if there is one.

        Args:
            model: Compiled, and of the run that is in the folder.

        Returns:
            Finished epochs, from which `fit` goes on.

        Raises:
            ValueError: If the file is damaged or of another model.
        """
        files = self._files()
        if not files:
            return 0
        epochs = max(files)
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(files[epochs])
        except Exception as error:  # Keras and HDF5 raise many types here.
            raise ValueError(
                f"The state after epoch {epochs} in '{files[epochs]}' cannot be"
                f" read: {type(error).__name__}. Supported: the file that the"
                " interrupted run wrote. Remove the folder"
                f" '{self.folder}' to train from the beginning."
            ) from error
        return epochs

    def on_train_begin(self, logs=None):
        """Remembers where this session begins; what is there is not written."""
        self._first = self.epochs
        self.folder.mkdir(parents=True, exist_ok=True)

    def on_epoch_begin(self, epoch, logs=None):
        """Keeps the state after the epochs before."""
        self._keep(epoch)

    def on_train_end(self, logs=None):
        """Keeps the state at the end, if that is where all epochs are done."""
        if not self.model.stop_training:
            self._keep(self.params["epochs"])

    def _keep(self, epochs: int) -> None:
        if epochs <= self._first:
            return
        before = self._files()
        path = self.folder / NAME.format(epochs)
        temporary = path.with_name(f"partial-{path.name}")
        self.model.save_weights(temporary)
        temporary.replace(path)
        for number, file in before.items():
            if number != epochs:
                file.unlink()

    def _files(self) -> dict[int, pathlib.Path]:
        """Number of epochs to file."""
        found = {}
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                match = NUMBER.fullmatch(path.name)
                if match:
                    found[int(match[1])] = path
        return found
