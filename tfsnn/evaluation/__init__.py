"""Evaluation of spiking networks on labelled images."""

from .evaluate import evaluate
from .record import Evaluation

__all__ = [
    "Evaluation",
    "evaluate",
]
