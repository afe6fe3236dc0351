"""The options that say how data is read and what is asked of it: the same words for every verb."""

from dataclasses import dataclass
from typing import Any

from nas.options.fields import OptionSet, option
from nas.options.texts import PROTOCOLS, TASKS, ProtocolName, TaskKind


@dataclass(frozen=True, kw_only=True)
class DataOptions(OptionSet):
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
    variates: tuple[str, ...] = option(
        (), text="columns to use at all, separated by commas; by default all numeric ones"
    )
    time_column: str | None = option(
        None, text="the column with the time stamps; by default found by its name and content"
    )
    label_column: str | None = option(None, text="the column with the anomaly label or the class; by default `label`")


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

    @property
    def reading(self) -> dict[str, Any]:
        """The arguments of `downstream.load_task` that these options stand for, besides source, kind and window."""
        return {
            "horizons": self.horizons or None,
            "target": self.target or None,
            "variates": self.variates or None,
            "time_column": self.time_column,
            "label_column": self.label_column,
            "protocol": self.protocol,
        }

    @property
    def given(self) -> dict[str, Any]:
        """`reading` without what the user left open."""
        return {name: value for name, value in self.reading.items() if value is not None}
