"""Says in a sentence where the error of a spiking network comes from."""

from typing import Any

from tfsnn.numerics.error_parts import LOCAL_PARTS

NEGLIGIBLE = 1e-6
"""Squared relative error of logits below which there is nothing to explain."""
STANDS_OUT = 2.0
"""Times the mean share from which one layer is to blame."""
REMEDIES = {
    "clipping": "A larger threshold there, or neurons that fire more",
    "rounding": "More time steps, or a smaller threshold there",
    "unevenness": "A lag of 1 or more, or a temporal bias",
}


def explain(record: dict[str, Any]) -> str:
    """Explains a diagnosis.

    Args:
        record: A `Diagnosis` as plain types.

    Returns:
        Up to three sentences.
    """
    timesteps, error = record["timesteps"], record["logit_error"]
    head = (
        f"T = {timesteps}: the logits are off by {_percent(error**0.5)} (root"
        f" mean square, of the analog ones){_same_class(record)}."
    )
    if error < NEGLIGIBLE:
        return f"{head} There is nothing to explain."
    layers = record["layers"]
    worst = max(layers, key=lambda layer: layer["enters"])
    share = worst["enters"]
    if share * len(layers) < STANDS_OUT:
        return f"{head} {_everywhere(layers, worst)}"
    part = _largest_part([worst])
    if part is None:
        return (
            f"{head} {_percent(share)} of the error enters at"
            f" '{worst['name']}', by what its weights were changed to."
        )
    return (
        f"{head} {_percent(share)} of the error enters at '{worst['name']}',"
        f" mostly by {_described(part, worst)}. {REMEDIES[part]} would help."
    )


def _same_class(record):
    """Nothing where there are no classes."""
    if record["agreement"] is None:
        return ""
    return (
        f"; the class is the same for {_percent(record['agreement'])} of"
        f" {record['num_images']} images"
    )


def _everywhere(layers, worst):
    part = _largest_part(layers)
    if part is None:
        return "No layer stands out."
    return (
        f"No layer stands out (the largest share, {_percent(worst['enters'])},"
        f" enters at '{worst['name']}'); all in all it is mostly"
        f" {_NAMES[part]}. {_REMEDIES_FOR_ALL[part]} would help."
    )


_NAMES = {
    "clipping": "clipping",
    "rounding": "rounding to T levels",
    "unevenness": "the uneven arrival of spikes",
}
_REMEDIES_FOR_ALL = {
    "clipping": "Larger thresholds",
    "rounding": "More time steps",
    "unevenness": "A lag of 1 or more, or temporal biases,",
}


def _described(part, layer):
    if part == "clipping":
        return (
            f"clipping: {_percent(layer['clipped'])} of its activations lie"
            " above the most it can send"
        )
    return _NAMES[part]


def _largest_part(layers):
    """The local part with the largest square; None where all are zero."""
    sizes = {
        part: sum(layer["sizes"].get(part, 0.0) for layer in layers)
        for part in LOCAL_PARTS
    }
    part = max(sizes, key=sizes.get)
    return part if sizes[part] > 0 else None


def _percent(share):
    return f"{100 * share:.3g} %"
