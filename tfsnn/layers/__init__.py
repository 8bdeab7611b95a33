"""Keras layers of spiking networks; the only place that defines layers."""

from .channel_affine import ChannelAffine
from .count_activation import CountActivation
from .declared_affine import DeclaredAffine
from .extended_cell import ExtendedCell
from .if_cell import IFCell
from .max_pooling import SpikingMaxPooling
from .readout import TimeAverage
from .repeat_time import RepeatTime
from .spiking_activation import SpikingActivation
from .spiking_rnn import SpikingRNN
from .time_folded import TimeFolded

__all__ = [
    "ChannelAffine",
    "CountActivation",
    "DeclaredAffine",
    "ExtendedCell",
    "IFCell",
    "RepeatTime",
    "SpikingActivation",
    "SpikingMaxPooling",
    "SpikingRNN",
    "TimeAverage",
    "TimeFolded",
]
