"""Prints what an export is, and whether it is as it was written.

Takes an export folder or one of its version folders. Every file is compared
with the digest in the manifest; the exit code is 1 if one differs.
"""

import json
from typing import Any

from absl import flags

from tfsnn.export import read_manifest
from tfsnn.export.manifest_file import changed_files
from tfsnn.image_arrays import shape_text
from tfsnn_tools import command_line, flag_groups, tables

USAGE = "tfsnn inspect DIR [--json]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flag_groups.define_json(values)
    return values


def main(argv: list[str]) -> int:
    """Prints the manifest.

    Args:
        argv: Program name, flags and the folder.

    Returns:
        0; 1 if a file is not as it was written.

    Raises:
        TfsnnError: If there is no sound manifest.
    """
    options = define_flags()
    (folder,) = command_line.parse(argv, options, positional=("DIR",))
    manifest = read_manifest(folder)
    changed = changed_files(folder)
    if options.json:
        print(json.dumps({**manifest, "changed_files": changed}, indent=2))
    else:
        _report(manifest)
        print(
            f"CHANGED since it was written: {', '.join(changed)}"
            if changed
            else "Every file is as it was written."
        )
    return 1 if changed else 0


def _report(manifest: dict[str, Any]) -> None:
    rows = [
        (
            str(entry["version"]),
            entry["label"],
            ", ".join(str(x["timesteps"]) for x in _members(entry)),
            ", ".join(dict.fromkeys(x["execution"] for x in _members(entry))),
            ", ".join(tables.percent(_accuracy(x)) for x in _members(entry)),
            f"{entry['num_bytes'] / 1e6:.2f}",
            f"{entry['weight_bytes'] / 1e6:.2f}",
        )
        for entry in manifest.get("models", [manifest])
    ]
    columns = ("version", "label", "T", "execution", "accuracy")
    columns += ("MB on disk", "MB of weights")
    tables.print_table(f"\n{manifest['name']}", columns, rows)
    for entry in manifest.get("models", [manifest])[-1:]:
        print(f"Signatures of {entry['label']}:")
        for name, signature in entry["signatures"].items():
            print(f"  {name}: {_fields(signature['inputs'])}")
            print(f"    -> {_fields(signature['outputs'])}")
        for name, reason in entry.get("omitted_signatures", {}).items():
            print(f"  no {name}: {reason}")
    pipeline = manifest["pipeline"] or {"name": "unknown"}
    print(f"Pipeline: {pipeline['name']}")
    for part in ("calibration", "provenance", "versions"):
        for name, value in (manifest[part] or {}).items():
            print(f"  {part} {name}: {value}")


def _members(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The models in a bundle; of others itself."""
    return entry.get("members", [entry])


def _accuracy(entry: dict[str, Any]) -> float | None:
    return (entry["evaluation"] or {}).get("accuracy")


def _fields(specs: dict[str, Any]) -> str:
    texts = [
        f"{name} {spec['dtype']} {shape_text(spec['shape'][1:])}"
        for name, spec in specs.items()
    ]
    return "; ".join(texts)
