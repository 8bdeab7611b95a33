"""Carries four versions of every activation through a network at once.

analog: the network as it is. spiking: means of what the spiking network really
sent. bound: the local errors so far, taken on by the weights (Lemma 4.1).
hybrids: spiking up to some layer, analog behind it.
"""

from collections.abc import Sequence

import numpy as np

from tfsnn.graph.segments import JUNCTION, READOUT, by_source
from tfsnn.inputs import Images, each
from tfsnn.numerics.error_parts import SMALLEST_SCALE, ErrorSums, error_parts

from .affine_pair import AffinePair
from .closed_form import expected_output
from .mean_outputs import MeanOutputs

Values = dict[str, np.ndarray]


class ErrorFront:
    """Adds up errors over batches."""

    def __init__(self, pairs: Sequence[AffinePair], means: MeanOutputs):
        """Starts at nothing.

        Args:
            pairs: Segments of the network.
            means: Runs its spiking form.
        """
        self._pairs = pairs
        self._means = means
        self._kept = [pair for pair in pairs if pair.segment.role != JUNCTION]
        self._sums = {pair.name: ErrorSums() for pair in self._kept}
        self._clipped = {pair.name: 0.0 for pair in self._kept}
        self._bounds = {pair.name: 0.0 for pair in self._kept}
        self._enters = {pair.name: 0.0 for pair in self._kept}
        self._sizes = {pair.name: 0 for pair in self._kept}
        self._logits: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, images: Images) -> None:
        """Runs one batch through everything.

        Args:
            images: `[B, ...]`.
        """
        analog, spiking = by_source(images), by_source(images)
        bound = by_source(each(np.zeros_like, images))
        sent = self._means(images)
        for pair in self._pairs:
            sources = pair.segment.sources
            name = pair.name
            analog[name] = pair.activate(pair.analog(*_of(analog, sources)))
            current = pair.spiking(*_of(spiking, sources))
            taken_on = pair.linear(*_of(bound, sources))
            if pair.segment.role == JUNCTION:
                spiking[name], bound[name] = current, taken_on
                continue
            on_spikes = pair.activate(pair.analog(*_of(spiking, sources)))
            spiking[name] = sent.get(name, current)
            parts = self._split(pair, analog[name], on_spikes, current, sent)
            self._sums[name].add(analog[name], spiking[name], parts)
            bound[name] = taken_on + (on_spikes - spiking[name])
            self._bounds[name] += _square(bound[name])
        self._attribute(images, analog, spiking)

    def _split(self, pair, analog, on_spikes, current, sent):
        """The parts of the error of one layer."""
        name = pair.name
        self._sizes[name] += analog.size
        if pair.segment.role == READOUT:
            nothing = np.zeros(np.shape(current))
            parts = error_parts(
                analog, on_spikes, current, current, current, np.inf
            )
            return {key: part + nothing for key, part in parts.items()}
        expected = expected_output(self._means.neurons[name], current)
        answer = pair.activate(expected.current.astype(current.dtype))
        self._clipped[name] += float(np.sum(answer > expected.largest))
        return error_parts(
            analog,
            on_spikes,
            answer,
            expected.output,
            sent[name],
            expected.largest,
        )

    def _attribute(self, images, analog, spiking):
        """What each layer changes in the logits when it becomes spiking."""
        before = self._read(analog)
        after = self._read(spiking)
        whole = before - after
        last = before
        for index, pair in enumerate(self._pairs):
            if pair.segment.role == JUNCTION:
                continue
            hybrid = by_source(images)
            for place, one in enumerate(self._pairs):
                if place <= index:
                    hybrid[one.name] = spiking[one.name]
                else:
                    sources = _of(hybrid, one.segment.sources)
                    hybrid[one.name] = one.activate(one.analog(*sources))
            logits = self._read(hybrid)
            self._enters[pair.name] += float(np.sum((last - logits) * whole))
            last = logits
        self._logits.append((before, after))

    def _read(self, values: Values) -> np.ndarray:
        """All logits, `[B, K]` float64."""
        found = [
            values[pair.name].reshape(len(values[pair.name]), -1)
            for pair in self._pairs
            if pair.segment.role == READOUT
        ]
        return np.concatenate(found, axis=1).astype("float64")

    def of_logits(self) -> dict:
        """Entries of a `Diagnosis` about the logits."""
        before, after = (
            np.concatenate(parts) for parts in zip(*self._logits, strict=True)
        )
        scale = max(_square(before), SMALLEST_SCALE)
        return {
            "logit_error": _square(before - after) / scale,
            "agreement": self._agreement(before, after),
            "correlation": _correlation(before.ravel(), after.ravel()),
        }

    def _agreement(self, before, after):
        """Share of images with the same class; None without classes."""
        readouts = [p for p in self._pairs if p.segment.role == READOUT]
        if len(readouts) > 1 or before.shape[1] < 2:
            return None
        same = np.argmax(before, axis=1) == np.argmax(after, axis=1)
        return float(np.mean(same))

    def of_layers(self) -> list[dict]:
        """Entries of each `LayerDiagnosis`."""
        whole = sum(_square(a - b) for a, b in self._logits)
        rows = []
        for name, sums in self._sums.items():
            scale = sums.scale
            rows.append(
                {
                    "name": name,
                    "error": sums.error / scale,
                    "contributions": _divided(sums.contributions, scale),
                    "sizes": _divided(sums.squares, scale),
                    "clipped": self._clipped[name] / self._sizes[name],
                    "enters": self._enters[name] / (whole or 1.0),
                    "norm": float(np.sqrt(sums.error / scale)),
                    "bound": float(np.sqrt(self._bounds[name] / scale)),
                }
            )
        return rows


def _of(values: Values, names: Sequence[str]) -> list[np.ndarray]:
    return [values[name] for name in names]


def _square(values):
    return float(np.sum(np.square(values, dtype=np.float64)))


def _divided(sums, scale):
    return {name: value / scale for name, value in sums.items()}


def _correlation(first, second):
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])
