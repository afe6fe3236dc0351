"""The choices a user can make when a task is loaded."""

from dataclasses import dataclass
from typing import Literal

Layout = Literal["nct", "ntc"]
Protocol = Literal["default", "ts2vec", "long_horizon"]
TableShape = Literal["cases", "steps", "long"]
LAYOUTS: tuple[Layout, ...] = ("nct", "ntc")
PROTOCOLS: tuple[Protocol, ...] = ("default", "ts2vec", "long_horizon")
TABLES: tuple[TableShape, ...] = ("cases", "steps", "long")


SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
DECIMALS = (".", ",")


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """How a table is written, where a guess would be a risk; the arguments of `load_task` by the same names.

    Raises:
        ValueError: If a choice is unknown.
    """

    table: TableShape | None = None
    time_column: str | None = None
    label_column: str | None = None
    id_column: str | None = None
    date_format: str | None = None
    no_header: bool = False
    decimal: str = "."
    separator: str = ","

    def __post_init__(self) -> None:
        if problems := self._problems():
            raise ValueError("load_task: " + "; ".join(problems))

    def _problems(self) -> list[str]:
        problems = []
        if self.table not in (None, *TABLES):
            problems.append(f"table must be one of {', '.join(TABLES)} or None, got {self.table!r}")
        if self.table == "steps" and self.id_column is not None:
            problems.append("table='steps' is one series and has no id_column; table='long' has one")
        if self.separator not in SEPARATORS:
            problems.append(f"separator must be ',', ';', '|' or a tab, got {self.separator!r}")
        if self.decimal not in DECIMALS:
            problems.append(f"decimal must be '.' or ',', got {self.decimal!r}")
        return problems


PLAIN = TableForm()


@dataclass(frozen=True, kw_only=True)
class LoadOptions(TableForm):
    """The arguments of `load_task` besides source and kind; see there.

    Raises:
        ValueError: If a choice is unknown or a number is out of its range.
    """

    name: str
    family: str | None = None
    window: int | None = None
    horizons: tuple[int, ...] | None = None
    raw_lags: int | None = None
    splits: tuple[float, float, float] | None = None
    split_file: str | None = None
    folds_seed: int = 0
    protocol: Protocol = "default"
    layout: Layout = "nct"
    target: tuple[str, ...] | None = None
    variates: tuple[str, ...] | None = None
    known: tuple[str, ...] | None = None
    known_targets: int | None = None
    rows: tuple[int, int] | None = None
    max_rows: int | None = None
    max_cases: int | None = None
    max_length: int | None = None
    pool_test: bool = False
    all_rows: bool = False
    rng_seed: int = 0

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.protocol not in PROTOCOLS:
            problems.append(f"protocol must be one of {', '.join(PROTOCOLS)}, got {self.protocol!r}")
        if self.layout not in LAYOUTS:
            problems.append(
                f"layout must be 'nct' (cases, channels, time) or 'ntc' (cases, time, channels), got {self.layout!r}"
            )
        for field in ("window", "raw_lags", "max_rows", "max_cases", "max_length"):
            value = getattr(self, field)
            if value is not None and value < 1:
                problems.append(f"{field} must be at least 1, got {value}")
        beside = [name for name in ("splits", "rows", "max_rows", "max_cases") if getattr(self, name) is not None]
        if self.split_file is not None and beside:
            problems.append(f"split_file says which rows and cases there are; nothing beside it: {', '.join(beside)}")
        if self.horizons is not None and (not self.horizons or min(self.horizons) < 1):
            problems.append(f"horizons must be one or more lengths of at least 1 step, got {self.horizons}")
        if self.rows is not None and not 0 <= self.rows[0] < self.rows[1]:
            problems.append(f"rows must be (first, end) with 0 <= first < end, got {self.rows}")
        if self.splits is not None and (len(self.splits) != 3 or min(self.splits) < 0 or min(self.splits[:2]) == 0):
            problems.append(
                f"splits must be (train, validation, test) as rows or as shares, with only test allowed to be 0, "
                f"got {self.splits}"
            )
        return problems
