"""What a run says of new data, whatever it was for, to a file: `tscnas predict`."""

from collections.abc import Callable, Mapping
from typing import Any

from nas.cli.predicting.asking import Fitted, fitted
from nas.cli.predicting.cases import predict_cases
from nas.cli.predicting.detect import detect_with
from nas.cli.predicting.forecast import forecast_with
from nas.cli.text import Shown
from nas.errors import OptionError
from nas.options.fields import settings_of
from nas.options.using.predicting import PredictOptions

_ANSWERS: Mapping[str, Callable[[Fitted, Any], Shown]] = {"forecasting": forecast_with, "anomaly": detect_with}
_OF_KIND = {"forecasting": ("horizon", "quantiles"), "anomaly": ("threshold",)}


def predict(options: PredictOptions) -> Shown:
    """Answer for new data with the class or the number of each case, or as `forecast` or `detect` does.

    Args:
        options: Run folder, data, output.

    Raises:
        DataError: If the data is at fault or has other columns than that of training.
        SavedEncoderError: If a file of the run is at fault or missing.
        OptionError: If an option is of another kind of task than the run.
        OutputExistsError: If the output exists and may not be replaced.
        MemoryBudgetError: If the memory budget is too small for a single window.
    """
    found = fitted(options)
    kind = found.encoder.kind
    for other, names in _OF_KIND.items():
        given = [name for name in names if getattr(options, name) != settings_of(PredictOptions)[name].default]
        if given and other != kind:
            raise OptionError(f"{given[0]}: goes with runs for {other}; {options.run} is for {kind}")
    return _ANSWERS.get(kind, predict_cases)(found, options)
