"""Representations of any data by a saved encoder, per series or per time step, to a file: `tscnas embed`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ahc.bank.export import plain_cell
from downstream.data.plain_series import load_plain_series
from downstream.data.raw import RawSeries
from downstream.errors import DataError
from downstream.windows import Windows
from nas.devices import pick_device
from nas.errors import OutputExistsError
from nas.options import EmbedOptions
from nas.progress import Progress
from nas.representer import Representer
from nas.saved_encoder import SavedEncoder, load_encoder


@dataclass(frozen=True)
class EmbedResult:
    """What was written: the file, its shape, and the printed summary."""

    path: Path
    shape: tuple[int, int]
    text: str


def embed(options: EmbedOptions) -> EmbedResult:
    """Represent a dataset and write one row per series, or one per time step.

    Nothing is cut: a series longer than the encoder's window is covered by consecutive windows, whose
    representations are averaged per series. A step is represented by the window that ends at it.

    Args:
        options: Encoder, data, output.

    Raises:
        DataError: If the data is at fault or lacks a variate of the encoder.
        SavedEncoderError: If the encoder's file is at fault.
        OutputExistsError: If the output exists and may not be replaced.
    """
    output = Path(options.output)
    if output.exists() and not options.overwrite:
        raise OutputExistsError(f"{output} exists; choose another --output or pass --overwrite")
    saved = load_encoder(options.encoder)
    data = load_plain_series(
        options.data,
        kind=options.task or saved.kind,  # type: ignore[arg-type]  # checked by the options
        variates=options.variates or options.target or None,
        time_column=options.time_column,
        label_column=options.label_column,
    )
    encoder = saved.encoder_for(len(data.variates))
    represent = Representer(encoder.to(pick_device(options.device)), device=pick_device(options.device))
    names: list[str] = []
    steps: list[NDArray[np.int64]] = []
    blocks: list[NDArray[np.float32]] = []
    with Progress(total=len(data.series), name="embed", quiet=options.quiet) as progress:
        for number, series in enumerate(data.series):
            values = scale_series(series, saved, number=number, n_series=len(data.series))
            if options.per == "step":
                block = represent_steps(represent, values, window=saved.window)
                steps.append(np.arange(len(block), dtype=np.int64))
            else:
                whole = saved.kind == "classification"
                block = represent_series(represent, values, window=len(values) if whole else saved.window)
                steps.append(np.full(1, -1, dtype=np.int64))
            blocks.append(block)
            names += [series.name] * len(block)
            progress.advance(series.name)
    table = np.concatenate(blocks)
    _write(output, np.asarray(names), np.concatenate(steps) if options.per == "step" else None, table)
    what = "time steps" if options.per == "step" else "series"
    text = f"{output}: representations of {len(table)} {what}, {table.shape[1]} features each"
    return EmbedResult(output, (len(table), table.shape[1]), text)


def represent_series(represent: Representer, values: NDArray[np.float32], *, window: int) -> NDArray[np.float32]:
    """Return the mean representation of consecutive windows that cover a series, the last ending at its end.

    Args:
        represent: The encoder.
        values: Scaled rows, shape (time, variates).
        window: Steps per window; a shorter series is one window.

    Returns:
        Shape (1, streams * features).
    """
    length = min(window, len(values))
    starts = np.arange(len(values) % length, len(values), length, dtype=np.int64)
    starts = np.union1d(starts, [0]) if len(values) % length else starts
    z = represent(Windows(values, starts, length))
    return np.asarray(z.mean(axis=0).reshape(1, -1))


def represent_steps(represent: Representer, values: NDArray[np.float32], *, window: int) -> NDArray[np.float32]:
    """Return the representation of the window that ends at each step, shape (time, streams * features)."""
    gap = np.full((window - 1, values.shape[1]), np.nan, dtype=np.float32)
    z = represent(Windows(np.concatenate([gap, values]), np.arange(len(values), dtype=np.int64), window))
    return np.asarray(z.reshape(len(values), -1))


def scale_series(series: RawSeries, saved: SavedEncoder, *, number: int, n_series: int) -> NDArray[np.float32]:
    """Scale a series as in training; where training had a scale per series, unknown series are scaled by themselves.

    Args:
        series: In its own unit.
        saved: Holds the scaler.
        number: Position of the series in the data.
        n_series: How many series the data has.

    Returns:
        Shape (time, variates).

    Raises:
        DataError: If a series must be scaled by itself and a variate of it has no value.
    """
    n_known, n_variates = saved.scaler.mean.shape
    if n_known == 1 and n_variates == series.values.shape[1]:
        return saved.scaler.transform(series.values)
    if n_known == n_series and n_variates == series.values.shape[1]:
        return saved.scaler.transform(series.values, series=number)
    observed = ~np.isnan(series.values).all(axis=0)
    if not observed.all():
        raise DataError(f"{series.name}: a variate has no value at all")
    deviation = np.nanstd(series.values, axis=0)
    scaled = (series.values - np.nanmean(series.values, axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(scaled, dtype=np.float32)


def _write(path: Path, names: NDArray[np.str_], steps: NDArray[np.int64] | None, table: NDArray[np.float32]) -> None:
    """Write the rows in the format of the file's ending, complete or not at all; in CSV no name is a formula."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    index = {"series": names} | ({} if steps is None else {"step": steps})
    if path.suffix == ".npz":
        with partial.open("wb") as file:
            np.savez_compressed(file, embeddings=table, **index)  # type: ignore[arg-type]  # arrays by name
    else:
        frame = pd.DataFrame(table, columns=[f"f{at}" for at in range(table.shape[1])])
        for at, (name, column) in enumerate(index.items()):
            frame.insert(at, name, column)
        if path.suffix == ".csv":
            frame["series"] = [plain_cell(name) for name in names]
            frame.to_csv(partial, index=False)
        else:
            _write_parquet(frame, partial)
    partial.replace(path)


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        raise DataError('writing .parquet needs pyarrow: pip install "ts-contrastive-nas[parquet]"') from error
