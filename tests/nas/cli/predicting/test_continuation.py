"""Time stamps go on as they came: beside the stamps of a longer file of which the end was cut off."""

from __future__ import annotations

import datetime
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from downstream.data.loading import load_plain_series
from downstream.errors import DataError, DataWarning
from nas.cli.predicting.continuation import Continuation, all_continued, continued

AHEAD, ROWS = 7, 60
BERLIN = "Europe/Berlin"


def read(path: Path, *, date_format: str | None = None, n: int = AHEAD) -> Continuation:
    data = load_plain_series(path, kind="forecasting", date_format=date_format)
    return continued(data.series[0], n, source=data.source, date_format=date_format)


def of_file(stamps: object, folder: Path, *, suffix: str = ".csv", **how: object) -> Continuation:
    """Write a table with these stamps and return how they go on."""
    frame = pd.DataFrame({"date": stamps, "a": np.sin(np.arange(len(stamps)))})  # type: ignore[arg-type]
    path = folder / f"data{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    return read(path, **how)  # type: ignore[arg-type]


def regular(freq: str, *, zone: str | None = None, start: str = "2024-02-26") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=ROWS + AHEAD, freq=freq, tz=zone)


FREQUENCIES = (
    *("s", "15s", "min", "15min", "h", "6h", "D", "2D", "B", "W", "W-WED", "2W", "MS", "ME", "BMS", "BME", "2ME"),
    *("QS", "QE", "QE-JAN", "YS", "YE", "ms", "90min", "WOM-3FRI"),
)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("freq", FREQUENCIES)
def test_a_regular_grid_goes_on(freq: str, suffix: str, tmp_path: Path) -> None:
    times = regular(freq)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        after = of_file(times[:ROWS], tmp_path, suffix=suffix)
    assert list(pd.DatetimeIndex(after.stamps)) == list(times[ROWS:])


@pytest.mark.parametrize("freq", ["h", "D", "ME", "B", "15min"])
@pytest.mark.parametrize("start", ["2024-01-29 00:00", "2024-10-24 02:30", "2024-03-30 02:30"])
def test_a_zone_is_kept_through_summer_time(freq: str, start: str, tmp_path: Path) -> None:
    wall = pd.date_range(start, periods=ROWS + AHEAD, freq=freq)
    sub_day = freq in ("h", "15min")
    times = (
        pd.date_range(pd.Timestamp(start, tz=BERLIN), periods=ROWS + AHEAD, freq=freq)
        if sub_day
        else wall.tz_localize(BERLIN, nonexistent="shift_forward", ambiguous=np.ones(len(wall), dtype=bool))
    )
    after = of_file(times[:ROWS], tmp_path, suffix=".parquet").stamps
    assert str(after.dt.tz) == BERLIN and list(after) == list(times[ROWS:])
    if sub_day:  # instants in a file of text, in the offset of its last row
        texts = of_file([f"{time.isoformat()}" for time in times[:ROWS]], tmp_path).stamps
        assert [pd.Timestamp(text) for text in texts] == list(times[ROWS:])
        assert {text[-6:] for text in texts} == {times[ROWS - 1].isoformat()[-6:]}


def test_midnights_of_a_zone_whose_offsets_change_go_on_by_day(tmp_path: Path) -> None:
    times = pd.date_range("2024-03-01", periods=ROWS, freq="D", tz=BERLIN)
    texts = of_file([time.isoformat() for time in times], tmp_path).stamps
    assert list(texts[:2]) == ["2024-04-30T00:00:00+02:00", "2024-05-01T00:00:00+02:00"]


@pytest.mark.parametrize(
    "form",
    [
        "%d.%m.%Y %H:%M",
        "%m/%d/%Y",
        "%Y-%m-%d",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S",
        "%d-%m-%Y",
        "%Y/%m/%d %H:%M",
        "%d %b %Y",
        "%Y-%m-%d %H:%M:%S.%f",
        "%m/%d/%Y %I:%M %p",
    ],
)
def test_text_is_written_as_it_came(form: str, tmp_path: Path) -> None:
    texts = [time.strftime(form) for time in regular("D")]
    assert list(of_file(texts[:ROWS], tmp_path).stamps) == texts[ROWS:]


def test_a_format_that_the_user_gave_and_numbers_that_are_dates(tmp_path: Path) -> None:
    numbers = [int(time.strftime("%Y%m%d")) for time in regular("D")]
    for suffix, kind in ((".csv", str), (".parquet", int)):  # ids and dates of text stay text
        after = of_file(numbers[:ROWS], tmp_path, suffix=suffix, date_format="%Y%m%d")
        assert list(after.stamps) == [*map(kind, numbers[ROWS:])]
    with pytest.warns(DataWarning, match="pass --date-format"):
        of_file(numbers[:ROWS], tmp_path)


@pytest.mark.parametrize("step", [1, 5, 3600, 0.25, 1_800_000_000_000])
def test_numbers_count_on(step: float, tmp_path: Path) -> None:
    first = 1_700_000_000_000_000_000 if step > 1e9 else 3
    numbers = [first + step * at for at in range(ROWS + AHEAD)]
    assert list(of_file(numbers[:ROWS], tmp_path).stamps) == numbers[ROWS:]


def test_without_times_the_rows_are_counted(tmp_path: Path) -> None:
    pd.DataFrame({"a": np.sin(np.arange(ROWS)), "b": np.cos(np.arange(ROWS))}).to_csv(tmp_path / "a.csv", index=False)
    assert list(read(tmp_path / "a.csv").stamps) == list(range(ROWS, ROWS + AHEAD))
    np.save(tmp_path / "a.npy", np.sin(np.arange(ROWS)))
    assert list(read(tmp_path / "a.npy").stamps) == list(range(ROWS, ROWS + AHEAD))


def test_times_of_day_begin_anew(tmp_path: Path) -> None:
    times = pd.date_range("2024-01-01 09:30", periods=ROWS + AHEAD + 200, freq="10min")[: ROWS + 25]
    texts = [f"{time:%H:%M}" for time in times]
    assert list(of_file(texts[:ROWS], tmp_path, n=25).stamps) == texts[ROWS:]


def test_every_fifteenth_of_a_month(tmp_path: Path) -> None:
    times = [datetime.datetime(2020 + at // 12, at % 12 + 1, 15) for at in range(ROWS + AHEAD)]
    after = of_file(times[:ROWS], tmp_path)
    assert [pd.Timestamp(text) for text in after.stamps] == times[ROWS:] and after.step == "every month"


def test_dates_and_periods_and_an_index_of_parquet(tmp_path: Path) -> None:
    days = [time.date() for time in regular("D")]
    assert list(of_file(days[:ROWS], tmp_path, suffix=".parquet").stamps) == days[ROWS:]
    months = pd.period_range("2020-01", periods=ROWS + AHEAD, freq="M")
    assert list(of_file(months[:ROWS], tmp_path, suffix=".parquet").stamps) == list(months[ROWS:])
    hours = regular("h")
    pd.DataFrame({"a": np.arange(ROWS) % 7}, index=hours[:ROWS].rename("when")).to_parquet(tmp_path / "i.parquet")
    data = load_plain_series(tmp_path / "i.parquet", kind="forecasting")
    assert data.time == "when" and list(read(tmp_path / "i.parquet").stamps) == list(hours[ROWS:])
    lengths = pd.timedelta_range("1h", periods=ROWS + AHEAD, freq="90min")
    assert list(of_file(lengths[:ROWS], tmp_path, suffix=".parquet").stamps) == list(lengths[ROWS:])


def test_one_gap_leaves_the_step_as_it_is_and_is_told(tmp_path: Path) -> None:
    times = regular("h").delete(slice(10, 20))
    with pytest.warns(DataWarning, match="not regular throughout; they go on every hour as the last 20 do"):
        after = of_file(times[: ROWS - 10], tmp_path)
    assert [pd.Timestamp(text) for text in after.stamps] == list(times[ROWS - 10 :])


def test_irregular_stamps_go_on_in_their_median_step_which_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(rng.choice([50, 60, 70, 61], size=ROWS)), unit="s")
    median = np.median(np.diff(times.asi8)) * pd.Timedelta(1, unit=times.unit)
    with pytest.warns(DataWarning, match="time stamps are not regular; they go on every .* the median of their steps"):
        after = of_file(times, tmp_path)
    assert [pd.Timestamp(text) for text in after.stamps] == [times[-1] + median * k for k in range(1, AHEAD + 1)]


def test_what_cannot_go_on_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a single time stamp does not say how far apart"):
        of_file(["2024-01-01"], tmp_path)
    with pytest.raises(DataError, match="beyond the times that can be written"):
        of_file([2**62, 2**62 + 2**60], tmp_path)
    with pytest.raises(DataError, match="beyond the times that can be written"):
        of_file([f"{year}-12-31" for year in range(9940, 10000)], tmp_path)


def test_series_that_share_their_stamps_go_on_as_each_alone(tmp_path: Path) -> None:
    grids = {
        "a": regular("h"),
        "b": regular("D"),
        "c": regular("h"),
        "d": regular("h").shift(1),
        "e": regular("h")[:40],
    }
    parts = [
        pd.DataFrame({"unique_id": name, "ds": grid, "y": np.arange(len(grid)) % 7}) for name, grid in grids.items()
    ]
    pd.concat(parts).to_parquet(tmp_path / "panel.parquet")
    data = load_plain_series(tmp_path / "panel.parquet", kind="forecasting")
    together = all_continued(data, AHEAD)
    alone = [continued(series, AHEAD, source=data.source) for series in data.series]
    assert [list(each.stamps) for each in together] == [list(each.stamps) for each in alone]
    assert [each.step for each in together] == ["every hour", "every day", *["every hour"] * 3]
