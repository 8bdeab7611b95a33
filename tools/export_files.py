"""Writes one NIR or LiteRT file for each T, and a report."""

import json
import pathlib
from typing import Any

import keras
from absl import flags

from tfsnn.errors import ConversionError
from tfsnn.exchange import export_litert, export_nir
from tfsnn.layers import SpikingActivation
from tfsnn.progress import progress_bar
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
    content = {}
    bar = progress_bar(
        len(models), description="writing", unit="file", shown=None
    )
    with bar, output_folder.replaced_whole(options.output, **place) as folder:
        for timesteps in models:
            model = models[timesteps]
            if options.format == "nir":
                name = f"t{timesteps}.nir"
                content[name] = _nir(model, folder / name, options)
            else:
                name = f"t{timesteps}.tflite"
                content[name] = _litert(model, folder / name, options.weights)
            bar.update(note=name)
        text = json.dumps(content, indent=2)
        (folder / REPORT).write_text(f"{text}\n", encoding="utf-8")
    if options.json:
        print(text)
        return 0
    for name, report in content.items():
        print(f"{name}: {report.pop('text')}")
    print(f"Written: {options.output}")
    return 0


def _nir(
    model: keras.Model, path: pathlib.Path, options: flags.FlagValues
) -> dict[str, Any]:
    report = export_nir(model, path, potential=options.potential)
    lines = "\n".join(f"  {line}" for line in str(report).splitlines())
    text = f"what NIR cannot carry\n{lines}"
    return {**report.to_dict(), "text": text}


def _litert(
    model: keras.Model, path: pathlib.Path, weights: str
) -> dict[str, Any]:
    layers = [x for x in model.layers if isinstance(x, SpikingActivation)]
    form = "counts" if any(layer.lag for layer in layers) else "folded"
    try:
        export_litert(model, path, form=form, weights=weights)
    except ConversionError:  # Lags shorter than T have no counts.
        form = "folded"
        export_litert(model, path, form=form, weights=weights)
    size = path.stat().st_size
    return {
        "form": form,
        "weights": weights,
        "num_bytes": size,
        "text": f"{form}, {weights}, {size / 1e6:.2f} MB",
    }
