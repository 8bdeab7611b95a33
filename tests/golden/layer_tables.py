"""The layers of the networks of the zoo, as text."""

import pathlib

from tfsnn_models import layer_table, registry

DEEPER = ("resnet32", "resnet44", "resnet56")
"""Networks that are as resnet20, with more blocks of the same."""
NETWORKS = [name for name in registry.BUILDERS if name not in DEEPER]
PATH = pathlib.Path(__file__).with_suffix(".txt")


def render() -> str:
    """One table after the other, each under the name of its network."""
    parts = []
    for name in NETWORKS:
        model = layer_table.without_weights(registry.builder(name))
        rows = layer_table.layer_table(model)
        parts.append(f"# {name}\n{layer_table.text(rows)}")
    return "\n".join(parts)
