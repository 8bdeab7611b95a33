"""Adds up what runners count, and divides at the end."""

import numpy as np

from .activity import activity_of
from .checks import check_labels
from .runners import Predictor, Runner


class Tally:
    """The counts over all batches."""

    def __init__(self, runner: Runner, num_classes: int):
        """Starts at nothing.

        Args:
            runner: Runs the network.
            num_classes: K.
        """
        self._runner = runner
        self._num_classes = num_classes
        self._num_images = 0
        self._hits = 0
        self._spikes = [0.0] * len(runner.neuron_names)
        self._accumulates = [0.0] * len(runner.neuron_names)
        self._neurons = 0
        self._reference_hits = None

    def add(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        reference: Predictor | None,
    ) -> None:
        """Runs one batch.

        Args:
            images: `[B, ...]`.
            labels: `[B]` int64.
            reference: What to agree with.

        Raises:
            DataError: If a label is beyond the classes of the network.
        """
        check_labels(labels, self._num_classes)
        targets = np.stack([labels, np.full_like(labels, -1)])
        if reference is not None:
            targets[1] = reference.predict(images)
            right = int((targets[1] == labels).sum())
            self._reference_hits = (self._reference_hits or 0) + right
        counts = self._runner(images, targets)
        self._hits = self._hits + counts.hits.astype("int64")
        self._spikes = _added(self._spikes, counts.spikes)
        self._accumulates = _added(self._accumulates, counts.accumulates)
        self._neurons = self._neurons + counts.neurons
        self._num_images += len(labels)

    def entries(self, timesteps: int | None) -> dict:
        """The entries of an `Evaluation` that are counted.

        Args:
            timesteps: T; None for a plain network.

        Returns:
            Names to values.
        """
        shares = (self._hits / self._num_images).T.tolist()
        prefixes = self._runner.has_prefixes
        entries = {
            "num_images": self._num_images,
            "accuracy": shares[0][-1],
            "accuracy_at": shares[0] if prefixes else None,
        }
        if self._reference_hits is not None:
            entries["reference_accuracy"] = (
                self._reference_hits / self._num_images
            )
            entries["agreement"] = shares[1][-1]
            entries["agreement_at"] = shares[1] if prefixes else None
        if timesteps is not None:
            entries |= self._rates(timesteps)
        return entries

    def _rates(self, timesteps):
        activities = [
            activity_of(
                name,
                spikes,
                num_neurons=neurons,
                num_images=self._num_images,
                timesteps=timesteps,
            )
            for name, spikes, neurons in zip(
                self._runner.neuron_names,
                self._spikes,
                self._neurons,
                strict=True,
            )
        ]
        total = sum(spikes.sum() for spikes in self._spikes)
        return {
            "firing_rates": {one.name: one.rate for one in activities},
            "mean_firing_rate": float(total / self._neurons.sum() / timesteps),
            "activity": activities,
        }

    def accumulates(self) -> dict[str, np.ndarray]:
        """What spikes cost those that receive them, for one image.

        Returns:
            Name of a neuron layer to additions a connection of each neuron.
        """
        return {
            name: total / self._num_images
            for name, total in zip(
                self._runner.neuron_names, self._accumulates, strict=True
            )
        }


def _added(totals, more):
    return [a + b for a, b in zip(totals, more, strict=True)]
