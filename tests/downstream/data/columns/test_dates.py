"""Texts as times: one reading of a whole column, or a question."""

from __future__ import annotations

import pandas as pd
import pytest

from downstream.data.columns.dates import clock_seconds, readings, reads_as_time
from downstream.data.loading import load_plain_series
from downstream.errors import DataError, DataWarning

LONG = pd.date_range("2024-01-01", periods=264, freq="h")  # eleven days: both orders can be read


def _times(texts: object, **options: object) -> pd.DatetimeIndex:
    frame = pd.DataFrame({"date": list(texts), "a": range(len(texts))})
    return load_plain_series(frame, kind="forecasting", **options).series[0].times


@pytest.mark.parametrize(
    "form",
    [
        *(
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M:%S",
            "%Y/%m/%d %H:%M",
            "%d/%m/%Y %H:%M",
            "%m/%d/%Y %H:%M",
            "%d.%m.%Y %H:%M:%S",
        ),
        *("%m-%d-%Y %I:%M %p", "%d.%m.%y %H:%M", "%d-%b-%Y %H:%M", "%b %d, %Y %H:%M", "%d/%m/%Y, %H:%M:%S.%f"),
    ],
)
@pytest.mark.parametrize("start", ["2024-01-01", "2024-01-09"])
def test_every_usual_way_of_writing_is_read(form: str, start: str) -> None:
    times = pd.date_range(start, periods=24 * 11, freq="h")
    assert (_times(times.strftime(form)) == times).all()
    assert (_times(times.strftime(form), date_format=form) == times).all()


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y"])
def test_a_day_beyond_twelve_settles_the_whole_column(form: str) -> None:
    times = pd.to_datetime(["2024-02-01", "2024-02-05", "2024-02-06", "2024-03-13"])
    assert (_times(times.strftime(form)) == times).all()


def test_of_two_readings_the_one_that_ascends_is_meant() -> None:
    assert _times(["05/02/2024", "07/02/2024", "02/03/2024"])[2] == pd.Timestamp("2024-03-02")


@pytest.mark.parametrize(
    "texts",
    [
        ["01/02/2024", "05/02/2024", "06/02/2024"],  # neither order has equal steps
        ["01/02/2024", "02/02/2024", "03/02/2024"],  # days of February, or seconds of months
        ["01.02.2024 10:00", "01.02.2024 11:00", "01.02.2024 12:00"],  # one day
        ["01/02/2024", "05/02/2024"],
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_for(texts: list[str]) -> None:
    with pytest.raises(
        DataError, match=r"'01.02.2024.*' may be the day 2024-02-01 or 2024-01-02; pass date_format='%d"
    ):
        _times(texts)
    form = "%d" + texts[0][2] + "%m" + texts[0][2] + "%Y" + (" %H:%M" if ":" in texts[0] else "")
    assert _times(texts, date_format=form)[0].month == 2


def test_one_column_is_never_read_in_two_ways() -> None:
    with pytest.raises(DataError, match=r"row 1: '01/14/2024' is not a time or step written like the others"):
        _times(["13/01/2024", "01/14/2024"])


def test_days_of_which_both_orders_say_the_same() -> None:
    assert (_times(["01/01/2024", "02/02/2024"]) == pd.to_datetime(["2024-01-01", "2024-02-02"])).all()


def test_a_wanted_format_must_fit() -> None:
    with pytest.raises(DataError, match=r"'01/14/2024' is not written as date_format='%d/%m/%Y' says"):
        _times(["13/01/2024", "01/14/2024"], date_format="%d/%m/%Y")
    with pytest.raises(DataError, match=r"date_format: '%Q' is no format of dates"):
        _times(["13/01/2024"], date_format="%Q")
    assert _times([20240201, 20240202], date_format="%Y%m%d")[1] == pd.Timestamp("2024-02-02")


def test_numbers_and_times_of_day_are_steps() -> None:
    assert _times([45292, 45293]) is None and _times(["9:30", "9:40"]) is None
    assert clock_seconds(pd.Series(["9:30", "09:30:01.5"])).tolist() == [34200, 34201.5]
    with pytest.raises(DataError, match=r"0:10 is earlier than the row before it"):
        _times(["23:50", "0:10"])


def test_offsets_make_instants() -> None:
    texts = [str(time) for time in pd.date_range("2024-10-27", periods=5, freq="h", tz="Europe/Berlin")]
    assert (_times(texts) == pd.date_range("2024-10-26 22:00", periods=5, freq="h")).all()
    with pytest.raises(DataError, match=r"row 1: '2024-10-27 02:00:00' is not a time or step written like the others"):
        _times(["2024-10-27 01:00:00+02:00", "2024-10-27 02:00:00"])


@pytest.mark.parametrize("text", ["2024", "may", "sensor 1", "A1", "1.5 kg", "", "10"])
def test_words_and_numbers_are_no_times(text: str) -> None:
    assert not reads_as_time(text)


def test_texts_that_look_like_no_times_have_no_reading() -> None:
    assert readings(pd.Series(["soon", "later"])) == []


BERLIN = pd.date_range("2024-10-26 20:00", periods=8, freq="h", tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("index", "times"),
    [
        (BERLIN, BERLIN.tz_convert("UTC").tz_localize(None)),
        (BERLIN.astype(str), BERLIN.tz_convert("UTC").tz_localize(None)),
        (pd.period_range("2024-01", periods=8, freq="M"), pd.date_range("2024-01", periods=8, freq="MS")),
        (LONG[:8].strftime("%Y-%m-%d %H:%M"), LONG[:8]),
        (pd.timedelta_range("1h", periods=8, freq="h"), None),
        (pd.RangeIndex(8), None),
        ([2, 3, 5, 7, 11, 13, 17, 19], None),
    ],
)
def test_an_index_and_a_column_are_read_alike(index: object, times: pd.DatetimeIndex | None) -> None:
    frame = pd.DataFrame({"a": range(8)}, index=index)
    of_index = load_plain_series(frame, kind="forecasting").series[0]
    of_column = load_plain_series(frame.rename_axis("time").reset_index(), kind="forecasting").series[0]
    for series in (of_index, of_column):
        assert series.values[:, 0].tolist() == list(range(8))
        assert series.times is None if times is None else (series.times == times).all()


@pytest.mark.parametrize(
    "index", [LONG[:3][::-1], [3, 2, 1], pd.RangeIndex(2, -1, -1), [0, 1, 1], LONG[:3][::-1].astype(str)]
)
def test_an_index_out_of_order_is_refused_as_a_column_is(index: object) -> None:
    frame = pd.DataFrame({"a": range(3)}, index=index)
    with pytest.raises(DataError, match=r"the index, row .*; times must ascend without repeats; sort the frame"):
        load_plain_series(frame, kind="forecasting")
    with pytest.raises(DataError, match=r"column 'time', row .*; times must ascend without repeats$"):
        load_plain_series(frame.rename_axis("time").reset_index(), kind="forecasting")
    with pytest.warns(DataWarning, match=r"kept in file order"):
        load_plain_series(frame, kind="anomaly")


def test_an_index_of_other_texts_is_told(tmp_path: object) -> None:
    frame = pd.DataFrame({"a": range(3)}, index=["x", "y", "z"])
    frame.to_csv(tmp_path / "set.csv")
    for source, name in ((frame, "the index"), (tmp_path / "set.csv", "column ''")):
        with pytest.warns(
            DataWarning, match=f"{name} holds texts such as 'x', no times; rows are taken in their order"
        ):
            series = load_plain_series(source, kind="forecasting")
        assert series.variates == ("a",) and series.series[0].values[:, 0].tolist() == [0, 1, 2]


def test_a_time_column_may_stand_anywhere() -> None:
    frame = pd.DataFrame({"a": [1, 2], "date": ["2024-01-01", "2024-01-02"], "b": [3, 4]})
    data = load_plain_series(frame, kind="forecasting")
    assert data.variates == ("a", "b") and data.series[0].times[1] == pd.Timestamp("2024-01-02")
