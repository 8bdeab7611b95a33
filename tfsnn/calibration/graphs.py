"""Compiled functions that live as long as the sweep that uses them."""

import functools
from collections.abc import Callable, Hashable

import tensorflow as tf


class Graphs:
    """Traces each function once for its settings and shapes.

    A cache of the process would keep the graphs of every network calibrated
    so far; this one is freed with its owner.
    """

    def __init__(self):
        """Starts empty."""
        self._graphs: dict[tuple, Callable] = {}

    def __len__(self) -> int:
        """Number of graphs traced."""
        return len(self._graphs)

    def __call__(
        self,
        function: Callable,
        settings: tuple[Hashable, ...],
        *specs: tf.TensorSpec,
        jit_compile: bool = False,
    ) -> Callable[..., tf.Tensor]:
        """A function of tensors as one graph.

        Args:
            function: Called with the settings, then the tensors.
            settings: Its first arguments, fixed in the graph.
            *specs: Its tensors.
            jit_compile: Whether XLA compiles it, once for each shape.

        Returns:
            A function of the tensors alone; the same one for equal arguments.
        """
        key = (function, settings, specs, jit_compile)
        if key not in self._graphs:
            run = tf.function(
                functools.partial(function, *settings),
                input_signature=specs,
                autograph=False,
                jit_compile=jit_compile,
            )
            self._graphs[key] = run.get_concrete_function()
        return self._graphs[key]
