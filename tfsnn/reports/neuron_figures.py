"""Figures about single neurons: responses, thresholds, rasters, steps."""

import math
from collections.abc import Sequence
from typing import Any

from .drawing import colour, drawn, log_axis

NUM_VALUES = 400


def response_figure(neurons: Sequence[dict[str, Any]] | None) -> str | None:
    """Answer of an analog and of a spiking neuron (Figure 1 of the paper).

    Args:
        neurons: Samples of neurons, see `neuron_samples`; the last one is
            drawn.

    Returns:
        SVG; None without samples.
    """
    return drawn(_response, neurons[-1]) if neurons else None


def response(neuron: dict[str, Any], current: float) -> float:
    """Mean output under a current that arrives evenly (Eq. 9-10, 15).

    Args:
        neuron: A sample.
        current: Activation units, without the bias of the neuron.

    Returns:
        Activation units.
    """
    threshold, levels = neuron["threshold"], neuron["levels_per_threshold"]
    start = neuron["initial_potential"] / threshold
    start *= levels / neuron["timesteps"]
    charge = start + levels * (current + neuron["bias"]) / threshold
    count = min(max(math.floor(charge), 0), neuron["levels"])
    return threshold / levels * count


def _response(axes, neuron):
    top = neuron["threshold"] * neuron["levels"]
    top /= neuron["levels_per_threshold"]
    currents = [
        top * (-0.15 + 1.5 * place / NUM_VALUES)
        for place in range(NUM_VALUES + 1)
    ]
    axes.plot(
        currents,
        [max(0.0, value) for value in currents],
        color=colour(0),
        label="analog: ReLU",
    )
    axes.plot(
        currents,
        [response(neuron, value) for value in currents],
        color=colour(1),
        drawstyle="steps-post",
        label=f"spiking, T = {neuron['timesteps']}",
    )
    axes.axvline(top, ls=":", lw=1, color="#7f8c8d")
    axes.annotate(
        "clipped →", (top, 0), xytext=(4, 4), textcoords="offset points"
    )
    axes.set(xlabel="mean current", ylabel="mean output")
    channel = neuron["channel"]
    place = "" if channel is None else f", channel {channel}"
    axes.set_title(f"{neuron['layer']}{place}", fontsize=9)
    axes.legend()


def thresholds_figure(curves: Sequence[dict] | None) -> str | None:
    """Threshold against T for three criteria (Figure 2 of the paper).

    Args:
        curves: See `threshold_curves`; the middle one is drawn.

    Returns:
        SVG; None without curves.
    """
    if not curves:
        return None
    return drawn(_thresholds, curves[len(curves) // 2])


def _thresholds(axes, curve):
    steps = curve["timesteps"]
    for place, (key, label) in enumerate(
        (("maximum", "maximum"), ("percentile", "99.9 percentile"))
    ):
        axes.axhline(curve[key], color=colour(place), ls="--", label=label)
    axes.plot(
        steps,
        curve["mmse"],
        marker=".",
        color=colour(2),
        label="least squares (MMSE)",
    )
    log_axis(axes.xaxis, base=2)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="T", ylabel="threshold")
    axes.set_title(curve["layer"], fontsize=9)
    axes.grid(True)
    axes.legend()


def rasters_figure(rasters: Sequence[dict] | None) -> str | None:
    """Single spikes of chosen neurons.

    Args:
        rasters: See `spike_rasters`.

    Returns:
        SVG; None without rasters.
    """
    if not rasters:
        return None
    return drawn(_rasters, rasters, panels=len(rasters), height=1.5)


def _rasters(axes, rasters):
    every = axes if isinstance(axes, list) else [axes]
    for one, raster in zip(every, rasters, strict=True):
        # One line with gaps: a path for each spike would be slow to show.
        steps, heights = [], []
        for place, step in raster["spikes"]:
            steps += [step + 1, step + 1, math.nan]
            heights += [place - 0.4, place + 0.4, math.nan]
        one.plot(steps, heights, color=colour(0), lw=1.2)
        one.set_xlim(0.5, raster["steps"] + 0.5)
        one.set_ylabel("neuron")
        one.set_title(raster["layer"], fontsize=9, loc="left")
        one.xaxis.get_major_locator().set_params(integer=True)
    every[-1].set_xlabel("step")


def steps_figure(steps: Sequence[dict[str, Any]]) -> str | None:
    """Error of each layer before and after each step of calibration.

    Args:
        steps: Of a run in a report.

    Returns:
        SVG, a panel a T, at most three; None without steps.
    """
    every = sorted({step["timesteps"] for step in steps})[:3]
    if not every:
        return None
    return drawn(_steps, steps, every, panels=len(every), height=2.2)


def _steps(axes, steps, every):
    panels = axes if isinstance(axes, list) else [axes]
    names = list(dict.fromkeys(step["segment"] for step in steps))
    strategies = list(dict.fromkeys(step["strategy"] for step in steps))
    for panel, timesteps in zip(panels, every, strict=True):
        for place, strategy in enumerate(strategies):
            own = [
                step
                for step in steps
                if step["timesteps"] == timesteps
                and step["strategy"] == strategy
                and step["accepted"]
                and (step["error_after"] or 0) > 0
            ]
            panel.plot(
                [names.index(step["segment"]) for step in own],
                [step["error_after"] for step in own],
                ".",
                color=colour(place),
                label=f"after {strategy}",
            )
        log_axis(panel.yaxis)
        panel.set_ylabel(f"error, T = {timesteps}")
        panel.grid(True, axis="y")
        panel.xaxis.get_major_locator().set_params(integer=True)
    panels[0].legend(fontsize=7.5)
    panels[-1].set_xlabel("layer, by depth")
