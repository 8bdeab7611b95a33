"""Sends images to a server and prints what the network makes of them.

The server is TensorFlow Serving or tfsnn serve. Images are image files, .npy
files with images [N, ...] as the network takes them, or both. Image files are
scaled by the server if it offers the signature 'serialized' and no flag asks
for another; else here, as --scale, --mean and --std say, one of which is then
needed: --scale=1 sends the pixels as they are.
"""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import app, flags

from tfsnn.errors import RequestError
from tfsnn.serving import GrpcClient, RestClient, Target
from tfsnn_tools import (
    command_line,
    flag_groups,
    request_images,
    request_signature,
    tables,
)

USAGE = "tfsnn request --model=NAME [--label=t16] [--flags] IMAGE ..."
LARGEST = {"port": 65535, "version": 2**63 - 1, "max_steps": 2**31 - 1}
PORTS = {"grpc": 8500, "rest": 8501}


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    for name, default, text in (
        ("host", "127.0.0.1", "Name or address of the server."),
        ("model", None, "Name of the model."),
        ("label", None, "Label of the version, as t16."),
        (
            "signature",
            None,
            "Signature, of a bundle as t16; serving_default, or serialized.",
        ),
        ("scale", None, "Factor of the pixels of image files, as 1/255."),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    for name, text in (
        ("mean", "Subtracted after --scale: one number, or one a channel."),
        ("std", "Divides last: one number, or one a channel."),
    ):
        flags.DEFINE_list(name, None, text, flag_values=values)
    flags.DEFINE_enum(
        "protocol", "grpc", list(PORTS), "How to ask.", flag_values=values
    )
    for name, text, bound in (
        ("port", "Port; 8500 for gRPC, 8501 for REST by default.", 1),
        ("version", "Version instead of a label.", 0),
        ("max_steps", "Of 'anytime': most steps; all by default.", 1),
    ):
        flags.DEFINE_integer(
            name,
            None,
            text,
            lower_bound=bound,
            upper_bound=LARGEST[name],
            flag_values=values,
        )
    flags.DEFINE_float(
        "confidence",
        None,
        "Asks 'anytime' to stop at this largest probability, 0...1.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "seconds",
        60.0,
        "How long an answer may take.",
        lower_bound=0.001,
        flag_values=values,
    )
    flag_groups.define_json(values)
    return values


def main(argv: list[str]) -> int:
    """Asks and prints a line per image.

    Args:
        argv: Program name, flags and files.

    Returns:
        0.

    Raises:
        absl.app.UsageError: If flags and files do not fit each other.
        TfsnnError: If the files cannot be read, or the server refuses.
    """
    options = define_flags()
    files = command_line.parse_many(
        argv, options, required=("model",), positional="IMAGE"
    )
    if options.label is not None and options.version is not None:
        raise app.UsageError("Received --label and --version. Give one.")
    target = Target(options.model, options.label, options.version)
    client = GrpcClient if options.protocol == "grpc" else RestClient
    port = options.port or PORTS[options.protocol]
    paths = [pathlib.Path(file) for file in files]
    signature = request_signature.choose(options, paths)
    inputs = _inputs(options, paths, signature)
    with client(options.host, port, seconds=options.seconds) as asked:
        try:
            outputs = asked.predict(target, inputs, signature=signature)
        except RequestError as error:
            raise _explained(error, options, signature) from error
    outputs = {name or "output": value for name, value in outputs.items()}
    if options.json:
        print(json.dumps({k: v.tolist() for k, v in outputs.items()}))
    else:
        _report(outputs, files)
    return 0


def _explained(
    error: RequestError, options: flags.FlagValues, signature: str
) -> RequestError:
    """Says what to do where files were sent because no flag said how else."""
    chosen_here = (
        options.signature is None and signature == request_signature.SERIALIZED
    )
    if not (chosen_here and "not found" in str(error)):
        return error
    if f"_{request_signature.SERIALIZED}" in str(error):  # Of a bundle.
        return RequestError(
            error.code,
            f"{error} Name the one of the T that you want, as"
            " --signature=t16_serialized.",
        )
    if "signature key" not in str(error):
        return error
    return RequestError(
        error.code,
        f"{error} The server decodes no files: say how images are scaled here,"
        " as --scale=1/255, or export with --serialized.",
    )


def _inputs(
    options: flags.FlagValues, paths: list[pathlib.Path], signature: str
) -> dict[str, np.ndarray]:
    """What the signature takes."""
    if request_signature.is_serialized(signature):
        return {"serialized": request_images.contents(paths)}
    images = request_images.read(
        paths,
        scale=options.scale,
        mean=options.mean,
        std=options.std,
    )
    inputs = {"images": images}
    if request_signature.is_anytime(signature):
        confidence = 2.0 if options.confidence is None else options.confidence
        steps = options.max_steps or np.iinfo("int32").max
        inputs["confidence"] = np.full(len(images), confidence, "float32")
        inputs["max_steps"] = np.full(len(images), steps, "int32")
    return inputs


def _report(outputs: dict[str, np.ndarray], files: list[str]) -> None:
    (count, *_) = {len(value) for value in outputs.values()}
    names = files if len(files) == count else [str(n) for n in range(count)]
    columns = [column for column in COLUMNS if column in outputs]
    rows = [
        (name, *(COLUMNS[key][1](outputs[key][number]) for key in columns))
        for number, name in enumerate(names)
    ]
    if columns:
        titles = [COLUMNS[key][0] for key in columns]
        tables.print_table("", ("image", *titles), rows)
        return
    for key, value in outputs.items():
        print(f"{key}: {value.dtype} {list(value.shape)}")
    print("Values: --json")


COLUMNS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "classes": ("class", lambda value: str(int(value))),
    "probabilities": ("probability", lambda value: f"{np.max(value):.4f}"),
    "steps": ("steps", lambda value: str(int(value))),
}
"""Output to its title in a table and the text of its value."""
