"""Puts weights trained with PyTorch into a network of the zoo.

Names of tensors are those of torchvision, timm or pytorchcv. Outputs are the
same wherever the original has ReLU and average pooling; a network that pools
maxima has to be trained on for some epochs.
"""

import json
import pathlib
import sys

from absl import app, flags

from tfsnn_models import registry
from tfsnn_models.torch_weights import load_torch_weights
from tfsnn_tools import command_line, tensor_files
from tfsnn_tools.network_files import check_output, save_with_card

STEM_NETWORK = "resnet34"
USAGE = "tfsnn import_weights --network=NAME --weights=FILE --output=FILE"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_string("network", None, "Network of the zoo.", **options)
    flags.DEFINE_string(
        "weights", None, "State dict, .safetensors or .npz.", **options
    )
    flags.DEFINE_integer("num_classes", None, "Logits.", 1, **options)
    flags.DEFINE_float("width_multiplier", 1.0, "Of channels.", **options)
    flags.DEFINE_bool("batch_norm", True, "Has batch norms.", **options)
    flags.DEFINE_string(
        "stem", None, "Of resnet34: deep, plain (torchvision's).", **options
    )
    flags.DEFINE_list(
        "pixel_mean", None, "Of each channel, for raw pixels.", **options
    )
    flags.DEFINE_list(
        "pixel_std", None, "Of each channel, for raw pixels.", **options
    )
    flags.DEFINE_string("output", None, "File to write: NAME.keras.", **options)
    flags.DEFINE_bool("overwrite", False, "Replace --output.", **options)
    return values


def main(argv: list[str]) -> int:
    """Reads, checks, writes model and card."""
    options = define_flags()
    command_line.parse(argv, options, required=("network", "weights", "output"))
    path = pathlib.Path(options.output)
    build = registry.builder(options.network)
    given = _arguments(options)
    check_output(path, overwrite=options.overwrite)
    state = tensor_files.read(options.weights)
    model = build(**given)
    package = load_torch_weights(model, options.network, state)
    card = {
        "network": options.network,
        "imported_from": pathlib.Path(options.weights).name,
        "names_of": package,
        "parameters": model.count_params(),
        "options": given,
    }
    save_with_card(model, path, card)
    print(json.dumps(card, indent=2))
    return 0


def _arguments(options) -> dict:
    """What the builder is called with."""
    if options.stem is not None and options.network != STEM_NETWORK:
        raise app.UsageError(
            f"Received --stem={options.stem} for {options.network}. Supported:"
            f" --stem of {STEM_NETWORK} alone. Leave it out."
        )
    arguments = {
        "width_multiplier": options.width_multiplier,
        "batch_norm": options.batch_norm,
    }
    for name in ("num_classes", "stem"):
        if options[name].value is not None:
            arguments[name] = options[name].value
    for name in ("pixel_mean", "pixel_std"):
        if options[name].value:
            arguments[name] = _numbers(name, options[name].value)
    return arguments


def _numbers(name: str, texts: list[str]) -> list[float]:
    try:
        return [float(text) for text in texts]
    except ValueError as error:
        raise app.UsageError(
            f"Received --{name}={','.join(texts)}. Supported: numbers with"
            " commas, one a channel, as 123.7,116.3,103.5."
        ) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv))
