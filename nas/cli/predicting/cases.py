"""The class of each case with its probabilities, or the number that belongs to it: `tscnas predict` of cases."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compute.memory import memory_budget
from nas.cli.predicting.asking import Fitted, asked
from nas.cli.predicting.table import insert_names, write_table
from nas.cli.text import Shown, counted
from nas.options.using.predicting import PredictingOptions
from search_space.sentences import one_line

_MOST_TOLD = 10


def predict_cases(found: Fitted, options: PredictingOptions) -> Shown:
    """Write a row per case: its id or number, and its class with the probability of each, or its number.

    Raises:
        DataError: If the data is at fault or has other columns than that of training.
        SavedEncoderError: If the predictor does not fit the encoder.
        MemoryBudgetError: If the memory budget is too small for a single case.
    """
    with memory_budget(options.memory_budget):
        data, series, represent = asked(options, found)
        with found.fitting():
            table, told = _answers(found.predictor, represent, series)
    insert_names(table, data, n_rows=[1] * len(table), word="case")
    write_table(Path(options.output), table)
    return Shown(one_line(f"{options.output}: {told}"))


def _answers(predictor: Any, represent: Any, series: Any) -> tuple[pd.DataFrame, str]:
    """Return what is said of each case, and the whole of it in words."""
    classes = predictor.classes
    if classes is None:
        values = predictor.predict(represent, series)
        return pd.DataFrame({"value": values}), f"{counted(len(values), 'case')}, {_range(values)}"
    shares = predictor.probabilities(represent, series)  # (cases, classes)
    found = shares.argmax(axis=1)
    columns = {"class": classes[found], **{f"probability_{name}": shares[:, at] for at, name in enumerate(classes)}}
    return pd.DataFrame(columns), f"{counted(len(found), 'case')}; {_counts(classes, found)}"


def _range(values: NDArray[np.float64]) -> str:
    return f"values from {values.min():.4g} to {values.max():.4g}, {values.mean():.4g} on average"


def _counts(classes: Sequence[Any], found: NDArray[np.int64]) -> str:
    """Return how many cases are of each class, the most frequent first."""
    numbers = np.bincount(found, minlength=len(classes))
    order = np.argsort(-numbers, kind="stable")
    told = ", ".join(f"{numbers[at]:,} of class {classes[at]}" for at in order[:_MOST_TOLD])
    return told + (f", and of {len(order) - _MOST_TOLD} other classes" if len(order) > _MOST_TOLD else "")
