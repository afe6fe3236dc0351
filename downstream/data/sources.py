"""From what a user passes (path, folder, frame, arrays) to what a reader returns, and to series."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from downstream.data.arrays import array_series
from downstream.data.files.arff import read_arff_cases
from downstream.data.files.csv import read_csv_table
from downstream.data.files.npz import read_numpy_arrays
from downstream.data.files.opening import missing_file, stem_of, suffix_of
from downstream.data.files.parquet import read_parquet_table
from downstream.data.files.ts import read_ts_cases
from downstream.data.files.tsv import read_tsv_cases
from downstream.data.memory.labels import with_labels
from downstream.data.memory.objects import open_object
from downstream.data.options import PLAIN, LoadOptions, TableForm
from downstream.data.panels import as_panel
from downstream.data.raw import Arrays, CasePair, CaseSet, RawSeries, SeriesSet, Source, Table, Tables
from downstream.errors import DataError
from downstream.kinds import KINDS, task_kind

CASE_READERS: Mapping[str, Callable[[Path], CaseSet]] = {
    ".ts": read_ts_cases,
    ".tsv": read_tsv_cases,
    ".arff": read_arff_cases,
}
TABLE_READERS: Mapping[str, Callable[[Path, TableForm], Table]] = {
    ".csv": read_csv_table,
    ".parquet": read_parquet_table,
    ".pq": read_parquet_table,
}
ARRAY_SUFFIXES = (".npz", ".npy")


def open_source(source: Any, *, y: Any = None, form: TableForm = PLAIN) -> tuple[Source, str]:
    """Read whatever a user passes.

    Args:
        source: A path (file, folder, or the part of a name before `_TRAIN`), a frame or an array of any library, a
            list of them, `(X, y)`, `(X, y, X_test, y_test)`, or a mapping with the keys of an `.npz` file, with ids
            of series, or with names of columns. `as_panel` says which frames are panels.
        y: Labels that belong to a table, an array or a list; see `with_labels`.
        form: How tables are written.

    Returns:
        What was read, and a name for it.

    Raises:
        DataError: If nothing readable is there.
        TypeError: If the source is of a kind not listed above.
    """
    is_path = isinstance(source, str | os.PathLike)
    content, name = _open_named(source, form=form) if is_path else open_object(source)
    if isinstance(content, Tables):
        tables = tuple(replace(table, form=form) for table in content.tables)
        content = replace(content, tables=tables, test=content.test and replace(content.test, form=form))
    return (content if y is None else with_labels(content, y)), name


def infer_kind(source: Source) -> str:
    """Return the kind that the form of the data stands for: the last of `KINDS` that claims it."""
    return next(name for name in reversed(KINDS) if task_kind(name).claims(source))


def read_series(content: Source, *, options: LoadOptions, from_tables: Callable[..., SeriesSet]) -> SeriesSet:
    """Return the series of a source, those of tables by way of `from_tables(tables, *, options)`.

    Raises:
        DataError: If it holds labelled cases, or the data is at fault.
    """
    if isinstance(content, CasePair):
        kind = infer_kind(content)
        raise DataError(f"{content.train.source}: the file holds labelled cases; load it with kind={kind!r}")
    if isinstance(content, Arrays):
        return array_series(content, options=options)
    if content.test is not None:
        raise DataError(
            f"{content.test.source}: of frames, X_test is read as cases only; mark rows by a column 'split'"
        )
    return from_tables(content, options=options)


def some_of(series: Sequence[RawSeries], *, options: LoadOptions) -> Sequence[RawSeries]:
    """Return the series, or `max_cases` of them, drawn by `rng_seed`, in their order."""
    if options.max_cases is None or len(series) <= options.max_cases:
        return series
    rng = np.random.default_rng(options.rng_seed)
    return [series[i] for i in sorted(rng.choice(len(series), size=options.max_cases, replace=False))]


def _open_named(name: str | os.PathLike[str], *, form: TableForm) -> tuple[Source, str]:
    try:
        return _open_path(Path(name).expanduser(), form=form)
    except (OSError, RuntimeError) as error:  # a name that is too long, a folder that may not be read, ~nobody
        raise DataError(f"{name}: {getattr(error, 'strerror', None) or error}") from error


def _open_path(path: Path, *, form: TableForm) -> tuple[Source, str]:
    if path.is_dir():
        return _open_folder(path, form=form)
    if not path.exists():
        training = _training_file(path.parent, stem=path.name) if path.parent.is_dir() else None
        if training is None:
            raise missing_file(path)
        path = training
    suffix = suffix_of(path)
    if suffix == ".tsv" and form.separator == "\t":  # a table with names, not the form of the UCR archive
        suffix = ".csv"
    if suffix in CASE_READERS:
        return _open_pair(path), stem_of(path)
    if suffix in TABLE_READERS:
        return Tables(stem_of(path), (as_panel(TABLE_READERS[suffix](path, form)),)), stem_of(path)
    if suffix in ARRAY_SUFFIXES:
        return read_numpy_arrays(path), stem_of(path)
    known = ", ".join([*CASE_READERS, *TABLE_READERS, *ARRAY_SUFFIXES])
    raise DataError(f"{path.name}: unknown kind of file {suffix!r} (known: {known}, each also with .gz)")


def _open_folder(folder: Path, *, form: TableForm) -> tuple[Source, str]:
    training = _training_file(folder, stem=folder.resolve().name) or _training_file(folder, stem=None)
    if training is not None:
        return _open_pair(training), stem_of(training)
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] != "." and suffix_of(p) in TABLE_READERS)
    if not files:
        raise DataError(
            f"{folder}: the folder holds neither a *_TRAIN file (.ts, .tsv, .arff) nor tables (.csv, .parquet)"
        )
    tables = tuple(as_panel(TABLE_READERS[suffix_of(path)](path, form)) for path in files)
    return Tables(folder.resolve().name, tables), folder.resolve().name


def _training_file(folder: Path, *, stem: str | None) -> Path | None:
    """Return `<stem>_TRAIN.<type>` in a folder; types in the order of `CASE_READERS`.

    Raises:
        DataError: If no stem is given and several sets lie in the folder.
    """
    for suffix in CASE_READERS:
        files = sorted(
            p
            for p in folder.iterdir()
            if suffix_of(p) == suffix and p.name.split(".")[0].endswith("_TRAIN") and stem in (None, stem_of(p))
        )
        stems = {stem_of(path) for path in files}
        if len(stems) > 1:
            raise DataError(f"{folder}: the folder holds several sets, pass one of {', '.join(sorted(stems))}")
        if files:
            return files[0]
    return None


def _open_pair(path: Path) -> CasePair:
    """Read a training file and the test file beside it, if there is one."""
    reader = CASE_READERS[suffix_of(path)]
    base = path.name.split(".")[0]
    if base.endswith("_TEST"):
        raise DataError(f"{path.name}: this is a test part; pass the _TRAIN file, the test part is found beside it")
    if not base.endswith("_TRAIN"):
        return CasePair(reader(path), None)
    test_base = base.removesuffix("_TRAIN") + "_TEST"
    endings = dict.fromkeys([path.name[len(base) :], suffix_of(path), suffix_of(path) + ".gz"])
    test = next((p for ending in endings if (p := path.with_name(test_base + ending)).exists()), None)
    return CasePair(reader(path), None if test is None else reader(test))
