"""What readers return: series or cases in their own units, not yet split or scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.options import PLAIN, TableForm
from downstream.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Panel:
    """Which rows of a table belong to which series.

    Args:
        names: Of the series, in the order of their first rows.
        series_of: The place in `names` of each row's series, (rows,).
        has_ids: Whether the names are ids that came with the data, not numbers given here.
        column: What the column of ids is called, where it is one.
    """

    names: tuple[str, ...]
    series_of: NDArray[np.intp]
    has_ids: bool = True
    column: str | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """A table as read: column names are text, values are unchecked.

    Args:
        source: File name, or a word for data from memory.
        frame: The rows.
        lines: Line number in the file of each row; None where rows have no lines.
        y: Labels that were passed beside the table, one per case or row; None where it has a column of its own.
        panel: The series of the rows; None where they are one series, or a case each.
        time: The column that its form says holds times or steps; None where it is to be found.
        has_names: Whether the columns bear names of their own.
        form: How its texts are written.
    """

    source: str
    frame: pd.DataFrame
    lines: NDArray[np.int64] | None = None
    y: NDArray[Any] | None = None
    panel: Panel | None = None
    time: str | None = None
    has_names: bool = True
    form: TableForm = PLAIN

    @property
    def rows_of(self) -> dict[str, NDArray[np.intp]]:
        """The rows of each series, in their order; a table without a panel is one series."""
        if self.panel is None:
            return {self.source: np.arange(len(self.frame))}
        order = np.argsort(self.panel.series_of, kind="stable")
        ends = np.cumsum(np.bincount(self.panel.series_of, minlength=len(self.panel.names)))
        return dict(zip(self.panel.names, np.split(order, ends[:-1]), strict=True))

    def where(self, row: int) -> str:
        """Return how a reader finds a row: its line in the file, or its number from 0 in the table or its series."""
        if self.lines is not None:
            return f"line {self.lines[row]}"
        if self.panel is None:
            return f"row {row}"
        series = self.panel.series_of[row]
        return f"row {int((self.panel.series_of[:row] == series).sum())} of series {self.panel.names[series]!r}"

    def refuse(self, wrong: NDArray[np.bool_] | pd.Series, *, what: str, values: Any, rule: str) -> None:
        """Refuse the first row that is wrong, if there is one.

        Args:
            wrong: Whether each row is, (rows,).
            what: The column, in words.
            values: Its values, by position.
            rule: What they break; `{}` stands for the value.

        Raises:
            DataError: Says where the row is.
        """
        rows = np.flatnonzero(wrong)
        if rows.size:
            row = int(rows[0])
            value = values[row].item() if isinstance(values[row], np.generic) else values[row]
            raise DataError(f"{self.source}: {what}, {self.where(row)}: {rule.replace('{}', repr(value), 1)}")


@dataclass(frozen=True, eq=False)
class RawSeries:
    """One recording.

    Args:
        name: What the series is called.
        values: In their own unit, NaN where missing; float64 (time, variates).
        times: Time stamps where the source has them.
        labels: 1 where a row is anomalous, int8 (time,).
        n_train: How many leading rows the source gives for training.
        stamps: What says in the source where a row is in time, as it stands there, (time,); None where nothing does.
    """

    name: str
    values: Floats
    times: pd.DatetimeIndex | None = None
    labels: NDArray[np.int8] | None = None
    n_train: int | None = None
    stamps: pd.Series | None = None


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """Series with the same columns.

    Args:
        source: Names them in messages.
        variates: Names of the columns.
        series: The recordings.
        has_names: Whether the columns bear names of their own, so that other data is matched by name, not position.
        has_ids: Whether the series' names are ids of their own, which say which series of other data is the same.
        steps: Of a table with a case per row: the names of its columns, each a time step; none where they are numbered.
        time: What the column of the stamps is called, where it is one.
        ids: What the column of the series' names is called, where it is one.
    """

    source: str
    variates: tuple[str, ...]
    series: tuple[RawSeries, ...]
    has_names: bool = False
    has_ids: bool = False
    steps: tuple[str, ...] = ()
    time: str | None = None
    ids: str | None = None


@dataclass(frozen=True, eq=False)
class CaseSet:
    """Labelled cases of possibly unequal length, each float64 (time, variates).

    Labels are as they came, (cases,), texts where they were read from text, none at all where the source has none:
    what they mean is for the kind of task to say. With `has_targets` the source itself says that they are numbers to
    be predicted, not classes. `has_names`, `steps` and `ids` are those of `SeriesSet`; `names` are those of the cases,
    where they have ids.
    """

    source: str
    variates: tuple[str, ...]
    cases: tuple[Floats, ...]
    labels: NDArray[Any]
    has_targets: bool = False
    has_names: bool = False
    steps: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    ids: str | None = None


@dataclass(frozen=True, eq=False)
class CasePair:
    """The official training cases and, where there are any, test cases."""

    train: CaseSet
    test: CaseSet | None

    @property
    def parts(self) -> tuple[CaseSet, ...]:
        """Those that are there."""
        return (self.train,) if self.test is None else (self.train, self.test)


@dataclass(frozen=True, eq=False)
class Arrays:
    """Arrays by key, as in an `.npz` file; axes not yet settled. `ids` are those of the series or cases, if any."""

    source: str
    content: Mapping[str, Any] = field(default_factory=dict)
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Tables:
    """One table, or one per series or case.

    Args:
        name: Of the file or folder.
        tables: The tables.
        labels: Of each table, where each is a case and its place says the label.
        names: Of these cases.
        test: Official test cases.
    """

    name: str
    tables: tuple[Table, ...]
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    test: Tables | None = None


Source = Tables | CasePair | Arrays
