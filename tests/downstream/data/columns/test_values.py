"""Values of columns: every text is the number it says, a gap, or refused with its place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from downstream.data.columns.values import numbers_of
from downstream.data.loading import load_plain_series
from downstream.errors import DataError


def _values(cells: list[object], **options: object) -> np.ndarray:
    return (
        load_plain_series(pd.DataFrame({"a": cells}, dtype=object), kind="forecasting", **options)
        .series[0]
        .values[:, 0]
    )


def test_texts_are_the_nearest_floats() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=2000) * 10.0 ** rng.integers(-20, 20, 2000)
    np.testing.assert_array_equal(numbers_of([repr(float(number)) for number in numbers]), numbers)


def test_spaces_and_words_for_gaps() -> None:
    cells = [" 1.5 ", "nan", "NaN", "NA", " null", "", "None", "n/a", None, pd.NA, np.nan, "-2e3"]
    np.testing.assert_array_equal(_values(cells), [1.5, *[np.nan] * 10, -2000])


def test_the_decimal_mark_is_told() -> None:
    np.testing.assert_array_equal(
        _values(["1,5", "-0,25", "1,5e3", "7", "NA"], decimal=","), [1.5, -0.25, 1500, 7, np.nan]
    )


@pytest.mark.parametrize(
    ("cell", "decimal", "message"),
    [
        ("1,5", ".", "row 1: '1,5' is not a number; if its comma is a decimal mark, pass decimal=','"),
        ("1,234.5", ".", "separators of thousands must go, and the decimal mark is '.'"),
        ("1 234", ".", "separators of thousands must go"),
        ("1.234,5", ",", "separators of thousands must go, and the decimal mark is ','"),
        ("1.5", ",", "with decimal=',' a point is no decimal mark"),
        ("high", ".", r"'high' is not a number; correct it or leave the column out with variates=\[...\]"),
        ("2024-01-01", ".", "if the column holds times, name it with time_column='a'"),
        ("inf", ".", "row 1: inf is infinite"),
        (float("inf"), ".", "row 1: inf is infinite"),
        ("9" * 400, ".", "row 1: inf is infinite"),
        (1j, ".", "is not a number"),
    ],
)
def test_what_is_no_number_is_refused_with_advice(cell: object, decimal: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _values(["1", cell], decimal=decimal)
