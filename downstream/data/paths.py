"""From a path to what lies there: a file, a pair of training and test files, a folder of files, folders of classes."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from downstream.data.files.arff import read_arff_cases
from downstream.data.files.class_folders import FolderPart, class_folders, tables_in
from downstream.data.files.csv import read_csv_table
from downstream.data.files.npz import read_numpy_arrays
from downstream.data.files.opening import missing_file, part_of, stem_of, suffix_of
from downstream.data.files.parquet import read_parquet_table
from downstream.data.files.ts import read_ts_cases
from downstream.data.files.ucr import holds_cases, read_ucr_cases
from downstream.data.options import TableForm
from downstream.data.panels import as_panel
from downstream.data.raw import CasePair, CaseSet, Source, Table, Tables
from downstream.errors import DataError, DataWarning

CASE_READERS: Mapping[str, Callable[[Path], CaseSet]] = {".ts": read_ts_cases, ".arff": read_arff_cases}
TABLE_READERS: Mapping[str, Callable[[Path, TableForm], Table]] = {
    ".csv": read_csv_table,
    ".parquet": read_parquet_table,
    ".pq": read_parquet_table,
    ".tsv": read_csv_table,
    ".txt": read_csv_table,
    "": read_csv_table,  # as the UCR archive of 2015 names its parts
}
ARRAY_SUFFIXES = (".npz", ".npy")
_PARTS = (".ts", ".tsv", ".arff", ".csv", ".txt", ".parquet", ".pq", "")
"""Of one set in several forms, the first of these is read."""


class Asked(NamedTuple):
    """What is to be read.

    Args:
        form: How tables are written.
        cases: Whether the data is for a kind about whole cases; None where the data itself is to say so.
        alone: Whether a test file is wanted by itself, without the training file beside it.
    """

    form: TableForm
    cases: bool | None
    alone: bool


def open_path(name: str | os.PathLike[str], *, asked: Asked) -> tuple[Source, str]:
    """Read a file, a folder, or the files that a name before `_TRAIN` stands for; see `docs/tables.md`.

    Returns:
        What was read, and a name for it.

    Raises:
        DataError: If nothing readable is there.
    """
    try:
        return _open(Path(name).expanduser(), asked=asked)
    except (OSError, RuntimeError) as error:  # a name that is too long, a folder that may not be read, ~nobody
        raise DataError(f"{name}: {getattr(error, 'strerror', None) or error}") from error


def _open(path: Path, *, asked: Asked) -> tuple[Source, str]:
    if path.is_dir():
        return _open_folder(path, asked=asked)
    if not path.exists():
        training = _training_file(path.parent, stem=path.name, asked=asked) if path.parent.is_dir() else None
        if training is None:
            raise missing_file(path)
        path = training
    if suffix_of(path) in ARRAY_SUFFIXES:
        return read_numpy_arrays(path), stem_of(path)
    if part_of(path) and _pairs(suffix_of(path), asked=asked):
        return _open_pair(path, asked=asked), stem_of(path)
    return _source(_read(path, asked=asked), name=stem_of(path)), stem_of(path)


def _pairs(suffix: str, *, asked: Asked) -> bool:
    """Whether training and test files of a type belong together; tables do so where they are about cases."""
    return suffix in (*CASE_READERS, ".tsv") or (suffix in TABLE_READERS and asked.cases is not False)


def _read(path: Path, *, asked: Asked) -> CaseSet | Table:
    suffix, form = suffix_of(path), asked.form
    if suffix in CASE_READERS:
        return CASE_READERS[suffix](path)
    if suffix not in TABLE_READERS or (not suffix and not part_of(path)):
        known = ", ".join([*CASE_READERS, *filter(None, TABLE_READERS), *ARRAY_SUFFIXES])
        raise DataError(f"{path.name}: unknown kind of file {suffix!r} (known: {known}, each also with .gz)")
    if TABLE_READERS[suffix] is read_csv_table and holds_cases(path, form=form, cases=asked.cases):
        return read_ucr_cases(path)
    if suffix == ".tsv" and form.separator == ",":
        form = replace(form, separator="\t")
    return as_panel(TABLE_READERS[suffix](path, form))


def _source(train: CaseSet | Table, test: CaseSet | Table | None = None, *, name: str) -> Source:
    if isinstance(train, CaseSet) and not isinstance(test, Table):
        return CasePair(train, test)
    if isinstance(train, Table) and not isinstance(test, CaseSet):
        return Tables(name, (train,), test=None if test is None else Tables(name, (test,)))
    assert test is not None
    raise DataError(
        f"{test.source}: of {train.source} and {test.source} only one names its columns in the first line; write both "
        "in one form"
    )


def _open_pair(path: Path, *, asked: Asked) -> Source:
    """Read a training file and the test file beside it, if there is one."""
    if part_of(path) == "_TEST" and asked.alone:
        return _source(_read(path, asked=asked), name=stem_of(path))
    if part_of(path) == "_TEST":
        training = _other_part(path, "_TRAIN")
        if training is None:
            raise DataError(f"{path.name}: this is a test part, and there is no training part (_TRAIN) beside it")
        warnings.warn(
            f"{path.name}: this is a test part; the training part {training.name} is read too",
            DataWarning,
            stacklevel=5,
        )
        path = training
    test = _other_part(path, "_TEST")
    train = _read(path, asked=asked)
    if isinstance(train, CaseSet) and asked.form.table is None:
        asked = asked._replace(form=replace(asked.form, table="cases"))  # which the training file has said
    return _source(train, None if test is None else _read(test, asked=asked), name=stem_of(path))


def _other_part(path: Path, part: str) -> Path | None:
    """Return the file of the other part: of the same type, packed or not."""
    suffix = suffix_of(path)
    base = stem_of(path) + part
    packed = suffix + ".gz"
    endings = dict.fromkeys([path.name[len(base) - len(part) + len(part_of(path)) :], suffix, packed])
    return next((found for ending in endings if (found := path.with_name(base + ending)).exists()), None)


def _open_folder(folder: Path, *, asked: Asked) -> tuple[Source, str]:
    name = folder.resolve().name
    training = _training_file(folder, stem=name, asked=asked) or _training_file(folder, stem=None, asked=asked)
    if training is not None:
        return _open_pair(training, asked=asked), stem_of(training)
    files = tables_in(folder, also_text=asked.cases is True)
    if asked.cases or not files:
        parts = class_folders(folder)
        if parts is not None:
            if files:
                sentence = f"{files[0].name}: left out, as the cases of {name} lie in folders called like their classes"
                warnings.warn(sentence, DataWarning, stacklevel=5)
            train, test = (part and _case_files(part, folder=folder, asked=asked) for part in parts)
            assert train is not None
            return replace(train, test=test), name
    if not files:
        raise DataError(
            f"{folder}: the folder holds neither a *_TRAIN file ({' '.join(filter(None, _PARTS))}) nor tables (.csv, "
            ".parquet), nor folders of tables that are called like classes"
        )
    return Tables(name, _tables(files, [path.name for path in files], asked=asked)), name


def _case_files(part: FolderPart, *, folder: Path, asked: Asked) -> Tables:
    tables = _tables(part.files, [path.relative_to(folder).as_posix() for path in part.files], asked=asked)
    return Tables(folder.resolve().name, tables, part.labels, part.names)


def _tables(files: Sequence[Path], names: Sequence[str], *, asked: Asked) -> tuple[Table, ...]:
    """Return files of a series each, called by the names."""
    tables = []
    for path, name in zip(files, names, strict=True):
        try:
            table = _read(path, asked=asked._replace(cases=False))
        except DataError as error:
            raise DataError(name + str(error).removeprefix(path.name)) from error
        if isinstance(table, CaseSet):
            raise DataError(f"{name}: the first line must name the columns; it holds numbers")
        tables.append(replace(table, source=name))
    return tuple(tables)


def _training_file(folder: Path, *, stem: str | None, asked: Asked) -> Path | None:
    """Return `<stem>_TRAIN.<type>` in a folder; types in the order of `_PARTS`.

    Raises:
        DataError: If no stem is given and several sets lie in the folder.
    """
    parts = sorted(path for path in folder.iterdir() if part_of(path) == "_TRAIN" and stem in (None, stem_of(path)))
    for suffix in _PARTS:
        files = [path for path in parts if suffix_of(path) == suffix and _pairs(suffix, asked=asked)]
        stems = {stem_of(path) for path in files}
        if len(stems) > 1:
            raise DataError(f"{folder}: the folder holds several sets, pass one of {', '.join(sorted(stems))}")
        if files:
            return files[0]
    return None
