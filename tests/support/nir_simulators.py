"""Runs a NIR file in simulators of others; a program for their environment.

    python nir_simulators.py NIR IMAGES.npy TIMESTEPS OUTPUT.npz

Images are `[B, C, H, W]`. Written are, for each simulator and both as its own
loader makes the neurons and with the neuron that the metadata of the file asks
for, the mean output `[B, K]` and the spikes a neuron layer, summed over time.
Needs torch, nir, nirtorch, snntorch, sinabs and norse.
"""

import sys
import warnings

import nir
import numpy as np
import torch


def main(path, images, timesteps, output):
    warnings.simplefilter("ignore")
    graph = nir.read(path)
    images = torch.from_numpy(np.load(images))
    found = {}
    for simulator in (Snntorch, Sinabs, Norse):
        for as_meant in (False, True):
            key = (
                f"{simulator.__name__.lower()}_{'meant' if as_meant else 'own'}"
            )
            with torch.no_grad():
                mean, counts = simulator(graph, as_meant).run(
                    images, int(timesteps)
                )
            found[f"{key}/output"] = mean
            for name, count in counts.items():
                found[f"{key}/{name}"] = count
    np.savez(output, **found)


class Simulator:
    """Steps through the graph; neurons and affine nodes are the library's."""

    def __init__(self, graph, as_meant):
        self.graph = graph
        self.as_meant = as_meant
        self.modules = {
            name: self.module(node)
            for name, node in graph.nodes.items()
            if not isinstance(node, (nir.Input, nir.Output))
        }
        self.order = sorted_names(graph)

    def run(self, images, timesteps):
        states = {}
        counts = {}
        total = 0
        for _ in range(timesteps):
            values = {}
            for name in self.order:
                node = self.graph.nodes[name]
                if isinstance(node, nir.Input):
                    values[name] = images
                    continue
                value = sum(values[a] for a, b in self.graph.edges if b == name)
                if isinstance(node, nir.Output):
                    values[name] = value
                elif isinstance(node, nir.IF):
                    if name not in states:
                        states[name] = self.start(name, value)
                    value, states[name] = self.fire(
                        self.modules[name], value, states[name]
                    )
                    counts[name] = counts.get(name, 0) + value.flatten(1).sum(1)
                    values[name] = value
                else:
                    values[name] = self.modules[name](value)
            (last,) = (n for n in self.order if is_output(self.graph, n))
            total = total + values[last]
        return (total / timesteps).numpy(), {
            name: count.numpy() for name, count in counts.items()
        }

    def start(self, name, current):
        """What the metadata asks for; None: what the library starts at."""
        if not self.as_meant:
            return None
        metadata = self.graph.nodes[name].metadata
        asked = np.asarray(metadata.get("initial_potential", 0.0))
        asked = torch.as_tensor(asked, dtype=current.dtype)
        return asked.expand_as(current).clone()


def is_output(graph, name):
    return isinstance(graph.nodes[name], nir.Output)


def sorted_names(graph):
    waiting, order = dict.fromkeys(graph.nodes), []
    while waiting:
        ready = [
            n
            for n in waiting
            if not any(b == n and a in waiting for a, b in graph.edges)
        ]
        order += ready
        for name in ready:
            del waiting[name]
    return order


class Snntorch(Simulator):
    """`snntorch.import_nir` makes IF a leaky neuron with beta 0.9.

    With beta 1, a neuron with more than a threshold left after its reset takes
    a threshold off before it decides, and so fires late.
    """

    def module(self, node):
        from snntorch.import_nir import _nir_to_snntorch_module

        if isinstance(node, nir.SumPool2d):  # Its loader has none.
            return torch.nn.LPPool2d(1, tuple(map(int, node.kernel_size)))
        if isinstance(node, nir.Flatten):
            return torch.nn.Flatten(1)
        made = _nir_to_snntorch_module(node)
        if isinstance(node, nir.IF) and self.as_meant:
            made.beta = torch.tensor(1.0)
        return made

    def fire(self, module, current, state):
        if state is None:
            state = torch.zeros_like(current)
        return module(current, state)


class Sinabs(Simulator):
    """Its loader lets a neuron fire several times a step, and clips below."""

    def module(self, node):
        import sinabs.activation
        import sinabs.layers
        from sinabs.nir import _import_sinabs_module

        if isinstance(node, nir.IF):
            options = {"min_v_mem": -1.0}
            if self.as_meant:
                options = {"spike_fn": sinabs.activation.SingleSpike}
            return sinabs.layers.IAF(
                spike_threshold=torch.tensor(1.0), **options
            )
        return _import_sinabs_module(node, batch_size=None, num_timesteps=1)

    def fire(self, module, current, state):
        if state is not None:  # The module keeps it from then on.
            module.init_state_with_shape(current.shape)
            module.v_mem = state
        return module(current.unsqueeze(1)).squeeze(1), None


class Norse(Simulator):
    """Its integrate-and-fire neuron resets to zero."""

    def module(self, node):
        from norse.torch.utils.import_nir import _import_norse_module

        if isinstance(node, nir.Flatten):
            return torch.nn.Flatten(1)
        if isinstance(node, nir.IF) and self.as_meant:
            from norse.torch.functional.iaf import IAFParameters
            from norse.torch.functional.reset import reset_subtract
            from norse.torch.functional.threshold import threshold

            parameters = IAFParameters(v_th=torch.tensor(1.0))

            def step(current, state):
                v = state + current
                z = threshold(v - parameters.v_th, "heaviside", 100.0)
                return z, reset_subtract(
                    z, v, torch.tensor(0.0), parameters.v_th
                )

            return step
        return _import_norse_module(node, ignore_warnings=True)

    def fire(self, module, current, state):
        return module(current, state)


if __name__ == "__main__":
    main(*sys.argv[1:])
