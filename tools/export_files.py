"""Writes one file for each T, and a report of what was lost."""

import json
from typing import Any

from absl import flags

import tfsnn
from tfsnn_tools import output_folder, stored_calibration

REPORT = "report.json"


def main(options: flags.FlagValues) -> int:
    """Writes and prints the losses.

    Args:
        options: Parsed flags of `tfsnn export`.

    Returns:
        0.

    Raises:
        TfsnnError: If models or output folder do not fit, or the extra is not
            installed.
    """
    place = {"marker": REPORT, "overwrite": options.overwrite}
    output_folder.check(options.output, **place)
    models = stored_calibration.read(options.model)
    reports: dict[str, Any] = {}
    with output_folder.replaced_whole(options.output, **place) as folder:
        for timesteps in models:
            name = f"t{timesteps}.nir"
            reports[name] = tfsnn.export_nir(
                models[timesteps], folder / name, potential=options.potential
            )
        content = {name: report.to_dict() for name, report in reports.items()}
        text = json.dumps(content, indent=2)
        (folder / REPORT).write_text(f"{text}\n", encoding="utf-8")
    if options.json:
        print(text)
        return 0
    for name, report in reports.items():
        print(f"{name}: what NIR cannot carry")
        print("\n".join(f"  {line}" for line in str(report).splitlines()))
    print(f"Written: {options.output}")
    return 0
