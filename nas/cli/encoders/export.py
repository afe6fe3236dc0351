"""An encoder as a file that needs nothing of this software: `tscnas export`."""

import importlib
from pathlib import Path
from typing import Any

import torch

from nas.cli.text import Shown
from nas.errors import OutputExistsError
from nas.export.comparing import compare
from nas.export.formats import FORMATS
from nas.export.graph import WindowEncoder, least_steps, program_of, quietly, refused, scale_of
from nas.options.using.encoders import ExportOptions
from nas.runs.whole_file import write_whole
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.version import __version__

SCHEMA = 1


def export(options: ExportOptions) -> Shown:
    """Write an encoder, compared with the original before it is kept.

    Raises:
        SavedEncoderError: If the encoder's file is at fault.
        OutputExistsError: If the output exists and may not be replaced.
        OptionError: If the encoder takes windows of one length only, or training knew no such series.
        ExportError: If the format cannot hold the encoder, or what was made of it computes something else.
    """
    form = FORMATS[options.format]
    output = Path(options.output or f"encoder{form.ending}")
    if output.is_dir():
        raise OutputExistsError(f"{output} is a folder; --output names a file")
    if output.exists() and not options.overwrite:
        raise OutputExistsError(f"{output} exists; choose another --output or pass --overwrite")
    saved = load_encoder(options.encoder)
    module = WindowEncoder(saved, scale=scale_of(saved, series=options.series)).eval()
    program = program_of(saved, module, static_time=options.static_time)
    least = least_steps(program, static_time=options.static_time)
    facts = _facts(saved, options, scales=module.scales, least=least)
    writer = importlib.import_module(f"nas.export.{form.writer}")
    with quietly():
        try:
            content = writer.content(program, facts)
        except Exception as error:  # torch raises whatever it likes
            raise refused(saved, error, what=options.format) from error
        comparison = compare(writer.reader(content), module, saved, least_steps=least)
    write_whole(output, content)
    lines = _lines(output, facts, content=content, n_features=comparison.n_features)
    return Shown("\n".join([*lines, comparison.text]))


def _facts(saved: SavedEncoder, options: ExportOptions, *, scales: bool, least: int | None) -> dict[str, Any]:
    """Return what travels in the file; `docs/export.md` says what each means."""
    scaler, genotypes = saved.scaler, [member.genotype for member in saved.members] or [saved.genotype]
    return {
        "schema": SCHEMA,
        "written_by": f"ts-contrastive-nas {__version__}, torch {torch.__version__}",
        "kind": saved.kind,
        "task": saved.task_name,
        "variates": list(saved.variates),
        "window": saved.window,
        "least_steps": saved.window if least is None else least,
        "most_steps": saved.window if least is None else None,
        "scales": scales,
        "scaled_as": options.series,
        "series": list(saved.identity.series),
        "mean": scaler.mean.tolist(),
        "deviation": scaler.deviation.tolist(),
        "genotypes": [genotype.to_dict() for genotype in genotypes],
    }


def _lines(output: Path, facts: dict[str, Any], *, content: bytes, n_features: int) -> list[str]:
    names = facts["variates"]
    shown = f"{', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
    steps = f"{facts['window']}" if facts["most_steps"] else f"{facts['least_steps']} or more"
    own = "as they are measured; the file scales them"
    if not facts["scales"]:
        own = "scaled, each series by its own mean and deviation (--series NAME puts one of training into the file)"
    return [
        f"{output}: {n_features} features, {len(content):,} bytes",
        f"  in:  float32 (batch, {steps} steps, {len(names)} variates: {shown}), NaN where a value is missing",
        f"       values {own}",
        f"  out: float32 (batch, {n_features})",
    ]
