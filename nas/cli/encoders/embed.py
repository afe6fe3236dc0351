"""Representations of any data by a saved encoder, to a file: `tscnas embed`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compute.memory import memory_budget
from downstream.data.loading import load_plain_series
from downstream.data.raw import RawSeries, SeriesSet
from downstream.kinds import task_kind
from downstream.represent import represent_cases, represent_series, represent_steps
from nas.cli.text import Shown
from nas.errors import OutputExistsError
from nas.options.using.encoders import EmbedOptions
from nas.representer import Representer
from nas.runs.progress import Progress
from nas.saved.embedding_table import EmbeddingTable
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.saved.matching import by_name, scaled
from nas.saved.run_folder import reading_of
from nas.training.devices import pick_device

_CASES_AT_A_TIME = 256


def embed(options: EmbedOptions) -> Shown:
    """Represent a dataset and write one row per series, or one per time step.

    Nothing is cut: a series longer than the encoder's window is covered by consecutive windows, whose
    representations are averaged per series. A step is represented by the window that ends at it.

    Args:
        options: Encoder, data, output.

    Raises:
        DataError: If the data is at fault or lacks a variate of the encoder.
        SavedEncoderError: If the encoder's file is at fault.
        OutputExistsError: If the output exists and may not be replaced.
        MemoryBudgetError: If the memory budget is too small for a single window.
    """
    with memory_budget(options.memory_budget):
        return _embed(options)


def _embed(options: EmbedOptions) -> Shown:
    output = Path(options.output)
    if output.exists() and not options.overwrite:
        raise OutputExistsError(f"{output} exists; choose another --output or pass --overwrite")
    saved = load_encoder(options.encoder)
    chosen = options.variates or options.target or None
    tables = {**reading_of(options.encoder), **options.tables}
    tables |= {"variates": chosen, "known": saved.identity.columns or None}
    data = load_plain_series(options.data, kind=options.task or saved.kind, **tables)
    data = by_name(data, saved) if chosen is None else data
    encoder = saved.encoder_for(data.variates, has_names=data.has_names and chosen is None)
    represent = Representer(encoder.to(pick_device(options.device)), device=pick_device(options.device))
    table = EmbeddingTable(output, per_step=options.level == "step", time=data.time or "time")
    with table, Progress(total=len(data.series), name="embed", quiet=options.quiet) as progress:
        for series, rows in _represented(represent, data, saved, level=options.level):
            table.add(series.name, rows, stamps=series.stamps if options.level == "step" else None)
            progress.advance(series.name)
        table.write()
    what = "time steps" if options.level == "step" else "series"
    return Shown(f"{output}: representations of {table.shape[0]} {what}, {table.shape[1]} features each")


def _represented(
    represent: Representer, data: SeriesSet, saved: SavedEncoder, *, level: str
) -> Iterator[tuple[RawSeries, Iterable[NDArray[np.float32]]]]:
    """Yield each series with its rows in blocks, (some, features); whole cases are encoded many at a time."""
    known = [*zip(data.series, (scale.values for scale in scaled(data, saved)), strict=True)]
    if level == "step":
        yield from ((series, represent_steps(represent, values, window=saved.window)) for series, values in known)
    elif not task_kind(saved.kind).whole_cases:
        for series, values in known:
            yield series, [represent_series(represent, values, window=saved.window)]
    else:
        for first in range(0, len(known), _CASES_AT_A_TIME):
            some = known[first : first + _CASES_AT_A_TIME]
            cases = represent_cases(represent, [values for _, values in some])
            yield from ((series, [case.reshape(1, -1)]) for (series, _), case in zip(some, cases, strict=True))
