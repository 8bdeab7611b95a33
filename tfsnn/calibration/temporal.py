"""Temporal bias: a charge per channel and firing step."""

import dataclasses

import numpy as np

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.numerics.checks import check_count
from tfsnn.types import NeuronParameters

from .biases import check_damping
from .forward_run import ForwardRun
from .tap import Tap


@dataclasses.dataclass(frozen=True)
class TemporalBiasCalibration:
    """Makes every firing step answer the analog mean, in forward order.

    For t = 1 ... T, with v the charged potential of firing step t:

        d_c = damping * mean_{N,H,W}(analog_c - spikes_c(t))
        beta_c(t) <- beta_c(t) + d_c;   v <- v + d_c;   fire; go on

    A train whose mean is right at every step is an even one: less charge comes
    too early for the next layer to take back. A plain neuron stays plain: its
    input current depends on t. The authors' code takes another batch of images
    for each pass; here all passes see the same ones.

    Attributes:
        iterations: Passes over the T steps.
        damping: Share of the error that is added, above 0, up to 1.
        max_images: Images used, or as many as have their current kept.

    References:
        Wu et al., FTBC: Forward temporal bias correction for optimizing
        ANN-SNN conversion, ECCV 2024, arXiv:2403.18388.
    """

    sets_threshold = False
    iterations: int = 10
    damping: float = 0.5
    max_images: int = 256

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        check_count("iterations", self.iterations)
        check_count("max_images", self.max_images)
        check_damping(self.damping)

    def refusal(self, kind: NeuronKind) -> str | None:
        """Bit planes fire when all input is there: no step is early."""
        if not kind.needs_two_phase:
            return None
        return (
            "evens out what comes at each step, and these neurons fire the"
            " bits of all their input; supported: 'if', 'signed', 'burst'"
        )

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes a temporal bias `[T, C]`, see `Strategy`."""
        if tap.view.counting:
            return parameters  # It does not matter when a spike comes.
        target = tap.analog.reshape(-1, tap.analog.shape[-1])
        target = target.mean(axis=0, dtype="float64")
        table = np.zeros((timesteps, len(target)))
        if parameters.temporal_bias is not None:
            table += parameters.temporal_bias
        run = ForwardRun(tap.view, parameters, timesteps, self.max_images)
        for _ in range(self.iterations):
            run.start()
            for step in range(timesteps):
                output = run.charge(table[step])
                table[step] += self.damping * (target - output)
                run.fire(table[step])
        return parameters.replace(temporal_bias=table.astype("float32"))
