"""The one way from a user's data to a task, or to plain series."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from compute.paths import user_path
from downstream.data.options import Layout, LoadOptions, Protocol, TableForm, TableShape
from downstream.data.raw import SeriesSet
from downstream.data.sources import infer_kind, open_source
from downstream.kinds import KINDS, task_kind
from downstream.task import Task


def load_task(
    source: Any,
    *,
    kind: str | None,
    y: Any = None,
    name: str | None = None,
    family: str | None = None,
    window: int | None = None,
    horizons: int | Sequence[int] | None = None,
    raw_lags: int | None = None,
    splits: Sequence[float] | None = None,
    split_file: str | os.PathLike[str] | None = None,
    folds_seed: int = 0,
    protocol: Protocol = "default",
    layout: Layout = "nct",
    target: str | Sequence[str] | None = None,
    variates: Sequence[str] | None = None,
    known: Sequence[str] | None = None,
    known_targets: int | None = None,
    table: TableShape | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    id_column: str | None = None,
    date_format: str | None = None,
    no_header: bool = False,
    decimal: str = ".",
    separator: str = ",",
    rows: tuple[int, int] | None = None,
    max_rows: int | None = None,
    max_cases: int | None = None,
    max_length: int | None = None,
    pool_test: bool = False,
    all_rows: bool = False,
    rng_seed: int = 0,
) -> Task:
    """Read data, check it, split it, scale it by its training part, and seal its test part.

    Args:
        source: Path of a file (`.csv .txt .parquet .ts .tsv .arff .npz .npy`, each also `.gz`), a folder, a
            frame or array of any library, a list or dict of them, or `(X, y[, X_test, y_test])`; `docs/data.md`
            says how each form is read.
        kind: One of `KINDS`; None infers it from the form: each kind says in `claims` which
            is its own. Axes are never inferred, see `layout`.
        y: Class labels or targets beside the data, (cases,); for anomaly detection labels of rows, (time,).
        name: Name of the set; the file's by default.
        family: Sets of common origin share it; the name by default.
        window: Lookback of the encoder, in steps.
        horizons: Forecast lengths, in steps; by default the usual ones that fit.
        raw_lags: Lookback of the raw-lag baseline, in steps.
        splits: (train, validation, test) in rows or shares; ETT has its standard, else .6 .2 .2.
        split_file: A file that says which series, rows and cases train, validate and test, as a search writes
            `splits.json`; in place of all rules.
        folds_seed: What folds of cases would be drawn with: where the file's are others, they are part of the hash.
        protocol: `default`, `ts2vec` or `long_horizon` (forecasting).
        layout: Axes of arrays: `nct` (cases, channels, time) or `ntc`; two axes are
            one series for forecasting and univariate cases for classification.
        target: Columns to forecast; the other columns are then inputs only.
        variates: Columns to use, all by default.
        known: Columns of an encoder's training: taken by default, in this order, where the data has them all.
        known_targets: How many of the known columns are targets, the first ones; all by default.
        table: What a row of a table is: one of the `cases`, one of the `steps` of a series, or in a `long` table a
            step of the series that its id column names; by default as `docs/tables.md` says.
        time_column: The time column, where the rule does not find it.
        label_column: The anomaly label or class column of a table, `label` by default.
        id_column: The column that says which series or case a row belongs to, where the rule does not find it.
        date_format: How the time column is written, as for `strptime`; read from its values by default.
        no_header: The first line of a `.csv` file is data; columns are called `column_0`, `column_1`, ...
        decimal: The decimal mark in text, `.` or `,`.
        separator: What stands between the cells of a `.csv` file: `,`, `;`, `|` or a tab.
        rows: Half-open slice of time of a forecasting set.
        max_rows: Keep the last rows (anomaly: of the training rows).
        max_cases: Keep so many cases (stratified) or series of a panel.
        max_length: Longest case in steps; longer ones are averaged down (512 for seed tasks).
        pool_test: Make a seed task: official test data joins training or validation, and
            there is no test part.
        all_rows: Anomaly detection: where the data does not say which rows train, all do; by default the first half.
        rng_seed: Decides splits, subsets and planted anomalies.

    Returns:
        A task of the kind's class, such as `ForecastingTask`.

    Raises:
        DataError: If the data is at fault; one sentence says where.
        ValueError: If an argument is outside its choices or range.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)} or None, got {kind!r}")
    form = TableForm(
        table=table,
        time_column=time_column,
        label_column=label_column,
        id_column=id_column,
        date_format=date_format,
        no_header=no_header,
        decimal=decimal,
        separator=separator,
    )
    content, stem = open_source(source, y=y, form=form, kind=kind)
    options = LoadOptions(
        name=name or stem,
        family=family,
        window=window,
        horizons=(horizons,) if isinstance(horizons, int) else _tuple(horizons),
        raw_lags=raw_lags,
        splits=_tuple(splits),
        split_file=None if split_file is None else str(user_path(split_file)),
        folds_seed=folds_seed,
        protocol=protocol,
        layout=layout,
        target=(target,) if isinstance(target, str) else _tuple(target),
        variates=_tuple(variates),
        known=_tuple(known),
        known_targets=known_targets,
        rows=rows,
        max_rows=max_rows,
        max_cases=max_cases,
        max_length=max_length,
        pool_test=pool_test,
        all_rows=all_rows,
        rng_seed=rng_seed,
        **asdict(form),
    )
    task: Task = task_kind(kind or infer_kind(content)).load(content, stem=stem, options=options)
    return task


def load_plain_series(
    source: Any,
    *,
    kind: str,
    variates: Sequence[str] | None = None,
    known: Sequence[str] | None = None,
    layout: Layout = "nct",
    table: TableShape | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    id_column: str | None = None,
    date_format: str | None = None,
    no_header: bool = False,
    decimal: str = ".",
    separator: str = ",",
) -> SeriesSet:
    """Read data as `load_task` does, without splitting or scaling it.

    Cases of a classification set are series too; the official test cases follow the training cases, and a `_TEST` file
    is read alone. Labels are not needed where the format does not demand them.

    Args:
        source: As for `load_task`.
        kind: How the data is read.
        variates: Columns to use, all by default.
        known: As for `load_task`.
        layout: Axes of arrays.
        table: As for `load_task`.
        time_column: As for `load_task`.
        label_column: As for `load_task`.
        id_column: As for `load_task`.
        date_format: As for `load_task`.
        no_header: As for `load_task`.
        decimal: As for `load_task`.
        separator: As for `load_task`.

    Raises:
        DataError: If the data is at fault.
    """
    form = TableForm(
        table=table,
        time_column=time_column,
        label_column=label_column,
        id_column=id_column,
        date_format=date_format,
        no_header=no_header,
        decimal=decimal,
        separator=separator,
    )
    content, stem = open_source(source, form=form, kind=kind, alone=True)
    options = LoadOptions(name=stem, variates=_tuple(variates), known=_tuple(known), layout=layout, **asdict(form))
    series: SeriesSet = task_kind(kind).plain_series(content, options=options)
    return series


def _tuple(values: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)
