"""Values in NIR nodes that no spiking model here can hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_WEIGHTS = ("weight", "bias", "scale")


def problems_of(nodes: Mapping[str, Any]) -> list[str]:
    """Looks at weights and neurons.

    Args:
        nodes: Name to node.

    Returns:
        What is wrong with which node, all of it.
    """
    found = []
    for name, node in nodes.items():
        texts = [
            f"{part} is not finite"
            for part in _WEIGHTS
            if not _is_finite(getattr(node, part, None))
        ]
        if type(node).__name__ == "IF":
            texts += _of_neuron(node)
        found += [f"node '{name}': {text}" for text in texts]
    return found


def _of_neuron(node: Any) -> list[str]:
    texts = [
        f"{part} is not above 0 and finite"
        for part in ("r", "v_threshold")
        if not _is_positive(getattr(node, part))
    ]
    reset = getattr(node, "v_reset", None)  # Versions up to 1.0.4 have none.
    if reset is not None and np.any(np.asarray(reset, "float64") != 0):
        texts.append("v_reset is not 0")
    metadata = node.metadata if isinstance(node.metadata, Mapping) else {}
    if whole_number(metadata.get("lag", 0)) is None:
        texts.append(f"lag {metadata['lag']!r} in its metadata is no number")
    start = metadata.get("initial_potential", 0)
    try:
        sound = _is_finite(np.asarray(start, "float64"))
    except (TypeError, ValueError):
        sound = False
    if not sound:
        texts.append("initial_potential in its metadata is not finite numbers")
    return texts


def _is_finite(values: Any) -> bool:
    if values is None:
        return True
    return bool(np.isfinite(np.asarray(values, "float64")).all())


def _is_positive(values: Any) -> bool:
    values = np.asarray(values, "float64")
    return bool(np.isfinite(values).all() and (values > 0).all())


def whole_number(value: Any) -> int | None:
    """A number of steps as files hold it.

    Args:
        value: What a file holds.

    Returns:
        The number; None if it is no whole number of at least 0.
    """
    try:
        number = float(np.asarray(value).item())
    except (TypeError, ValueError):
        return None
    return int(number) if number >= 0 and number % 1 == 0 else None
