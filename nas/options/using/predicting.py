"""The options of the verbs that answer with what a search fitted: `tscnas predict`, `forecast` and `detect`."""

from collections.abc import Iterable
from dataclasses import dataclass

from nas.errors import OptionError
from nas.options.data import TableOptions
from nas.options.fields import option
from nas.options.running import memory_budget
from nas.options.texts import DATA, LABEL_COLUMN, OVERWRITE, RUNS_ON

QUANTILES = (0.1, 0.5, 0.9)
_RUN = "output folder of a search"
_OUTPUT = "file to write; its ending decides the format: .csv or .parquet"


@dataclass(frozen=True)
class PredictingOptions(TableOptions):
    """Answer for new data with what a search fitted."""

    run: str = option(path=True, positional=True, text=_RUN)
    data: str = option(path=True, positional=True, text=DATA)
    output: str = option("predictions.csv", path=True, text=_OUTPUT)
    device: str = option("auto", text=RUNS_ON)
    memory_budget: int | None = memory_budget()
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if not self.output.endswith((".csv", ".parquet")):
            raise OptionError(f"output: must end in .csv or .parquet, got {self.output!r}")


@dataclass(frozen=True)
class ForecastOptions(PredictingOptions):
    """Forecast the time steps after the end of each series, in its own unit, with quantiles beside them."""

    output: str = option("forecast.csv", path=True, text=_OUTPUT)
    horizon: int | None = option(
        None, text="time steps to forecast; by default, and at most, the longest horizon of the search", least=1
    )
    quantiles: tuple[float, ...] = option(
        QUANTILES,
        text="levels of the quantiles beside the point forecast, between 0 and 1, separated by commas; '' for none",
    )

    def __post_init__(self) -> None:
        """Check the values; levels are sorted."""
        super().__post_init__()
        object.__setattr__(self, "quantiles", checked_levels(self.quantiles, name="quantiles"))


@dataclass(frozen=True)
class DetectOptions(PredictingOptions):
    """Score every time step by how unusual it is, flag the anomalies, and name the variates behind them."""

    output: str = option("anomalies.csv", path=True, text=_OUTPUT)
    threshold: float | None = option(
        None, text="scores above it are flagged; by default the one that the search chose without labels"
    )
    label_column: str | None = option(None, text=f"{LABEL_COLUMN}; it is no variate")


@dataclass(frozen=True)
class PredictOptions(ForecastOptions, DetectOptions):
    """Answer for new data by what the search was for: classes and probabilities, numbers, forecasts, or anomalies."""

    output: str = option("predictions.csv", path=True, text=_OUTPUT)


def checked_levels(levels: Iterable[float], *, name: str) -> tuple[float, ...]:
    """Return levels of quantiles in ascending order.

    Args:
        levels: Numbers between 0 and 1.
        name: What a message calls them.

    Raises:
        OptionError: If one is no such number, or there twice.
    """
    found = sorted(float(level) for level in levels)
    wrong = [level for level in found if not 0 < level < 1]
    if wrong:
        raise OptionError(f"{name}: must lie between 0 and 1, got {wrong[0]:g}")
    if len(set(found)) < len(found):
        raise OptionError(f"{name}: must differ, got {', '.join(f'{level:g}' for level in found)}")
    return tuple(found)
