"""Weights in a file whose name says what they are."""

import pathlib
import re

import keras


class KeptWeights:
    """Weights and optimiser state of one model, under a number.

    There is one file, written by rename: a process that ends at any moment
    leaves it whole, with its number. The one before goes when it is there.
    """

    def __init__(self, folder: pathlib.Path, name: str):
        """Names the folder, which need not exist.

        Args:
            folder: Of these weights alone.
            name: What the number is of, such as `epoch`.
        """
        self.folder = folder
        self._name = name
        self._pattern = re.compile(
            rf"{name}-(\d+(?:\.\d+)?(?:e-\d+)?)\.weights\.h5"
        )

    @property
    def number(self) -> float | None:
        """The number; None: nothing is kept."""
        return max(self._files(), default=None)

    @property
    def path(self) -> pathlib.Path | None:
        """The file; None: nothing is kept."""
        files = self._files()
        return files[max(files)] if files else None

    def keep(self, model: keras.Model, number: float) -> None:
        """Writes the weights as they are now, in place of those before.

        Args:
            model: What has the weights; compiled or not.
            number: From 0, and above the one before.
        """
        before = self._files()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self._name}-{number}.weights.h5"
        temporary = path.with_name(f"partial-{path.name}")
        model.save_weights(temporary)
        temporary.replace(path)
        for file in before.values():
            if file != path:
                file.unlink()

    def _files(self) -> dict[float, pathlib.Path]:
        found = {}
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                match = self._pattern.fullmatch(path.name)
                if match:
                    found[float(match[1])] = path
        return found
