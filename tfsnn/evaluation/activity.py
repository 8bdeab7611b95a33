"""How much the neurons of a layer fire: dead, saturated, and in between."""

import dataclasses

import numpy as np

NUM_BINS = 20
SATURATED = 0.95
"""Rate from which a channel counts as saturated: it is at its largest value
for nearly every image and position."""


@dataclasses.dataclass(frozen=True)
class Activity:
    """Rates of one neuron layer over all images.

    Attributes:
        name: Name of the layer.
        num_neurons: Neurons.
        num_channels: Channels.
        rate: Spikes per step and neuron, 0...1.
        dead_channels: Channels without any spike.
        saturated_channels: Channels with a rate of `SATURATED` and more.
        histogram: Neurons by their mean rate, in `NUM_BINS` equal bins of
            0...1; None where neurons have no fixed place.
    """

    name: str
    num_neurons: int
    num_channels: int
    rate: float
    dead_channels: list[int]
    saturated_channels: list[int]
    histogram: list[int] | None


def activity_of(
    name: str,
    spikes: np.ndarray,
    *,
    num_neurons: float,
    num_images: int,
    timesteps: int,
) -> Activity:
    """Sums up the spikes of a layer.

    Args:
        name: Name of the layer.
        spikes: Steps with a spike of each neuron `[..., C]`, over all images;
            of each channel `[C]` where neurons have no fixed place.
        num_neurons: Neurons, those of all images.
        num_images: N.
        timesteps: T.

    Returns:
        The summary.
    """
    channels = spikes.reshape(-1, spikes.shape[-1])
    chances = num_neurons * timesteps
    rates = channels.sum(axis=0) * spikes.shape[-1] / chances
    has_places = spikes.size * num_images == num_neurons
    histogram = None
    if has_places:
        each = np.minimum(spikes / (num_images * timesteps), 1.0)
        histogram = np.histogram(each, NUM_BINS, (0.0, 1.0))[0].tolist()
    return Activity(
        name=name,
        num_neurons=round(num_neurons / num_images),
        num_channels=channels.shape[-1],
        rate=float(spikes.sum() / num_neurons / timesteps),
        dead_channels=np.flatnonzero(rates == 0.0).tolist(),
        saturated_channels=np.flatnonzero(rates >= SATURATED).tolist(),
        histogram=histogram,
    )
