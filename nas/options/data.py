"""The options that say how data is read and what is asked of it: the same words for every verb."""

from dataclasses import dataclass
from typing import Any

from nas.options.fields import OptionSet, decimal, option, separator
from nas.options.texts import LABEL_COLUMN, PROTOCOLS, TABLES, TASKS, ProtocolName, TaskKind

_READING = (
    *("variates", "table", "time_column", "label_column", "id_column"),
    *("date_format", "no_header", "decimal", "separator"),
)


@dataclass(frozen=True, kw_only=True)
class TableOptions(OptionSet):
    """How tables are read."""

    variates: tuple[str, ...] = option(
        (), text="columns to use at all, separated by commas; by default all numeric ones"
    )
    table: str | None = option(
        None,
        text="what a row of a table is: one of the cases, one of the steps of a series, or, in a long table, a step of "
        "the series or case that its id column names; by default told from the data by the rule in docs/tables.md",
        choices=TABLES,
    )
    id_column: str | None = option(
        None, text="the column that names the series or case of a row; by default found by its name"
    )
    time_column: str | None = option(
        None, text="the column with the time stamps; by default found by its name and content"
    )
    date_format: str | None = option(
        None,
        text="how the time column is written, as for strptime, such as '%d.%m.%Y %H:%M'; by default read from them",
    )
    no_header: bool = option(
        False, text="the first line of a .csv file is data; its columns are then called column_0, column_1, ..."
    )
    decimal: str | None = option(None, text="the decimal mark in text: '.' (by default) or ','", unit=decimal)
    separator: str | None = option(
        None, text="what stands between the cells of a .csv file: ',' (by default), ';', '|' or tab", unit=separator
    )

    @property
    def tables(self) -> dict[str, Any]:
        """The arguments of `downstream.load_task` and `load_plain_series` that say how tables are read, if given."""
        return {name: value for name in _READING if (value := getattr(self, name, None))}


@dataclass(frozen=True, kw_only=True)
class DataOptions(TableOptions):
    """How data is read."""

    task: TaskKind | None = option(
        None,
        text="what the representation is for; by default that of the encoder, or told from the data where possible",
        choices=TASKS,
    )
    target: tuple[str, ...] = option(
        (),
        text="columns to forecast, separated by commas; the others are then inputs only; by default all are forecast",
    )
    label_column: str | None = option(None, text=LABEL_COLUMN)


@dataclass(frozen=True, kw_only=True)
class TaskOptions(DataOptions):
    """How data is read and what is asked of it."""

    horizons: tuple[int, ...] = option(
        (),
        text="forecast lengths in time steps, separated by commas; by default those of the protocol",
        least=1,
    )
    protocol: ProtocolName = option(
        "default",
        text="rules for splits and metrics of forecasting: our default, or those of published tables",
        choices=PROTOCOLS,
    )

    splits: str | None = option(
        None,
        path=True,
        text="the file splits.json of a run, or one like it: which series, rows and cases train, validate and test; by "
        "default what is usual for the data, which the answer says",
    )

    @property
    def reading(self) -> dict[str, Any]:
        """The arguments of `downstream.load_task` that these options stand for, besides source, kind and window."""
        return {
            **self.tables,
            "horizons": self.horizons or None,
            "target": self.target or None,
            "protocol": self.protocol,
            "split_file": self.splits,
        }

    @property
    def given(self) -> dict[str, Any]:
        """`reading` without what the user left open."""
        return {name: value for name, value in self.reading.items() if value is not None}
