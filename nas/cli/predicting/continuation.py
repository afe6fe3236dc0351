"""How the time stamps of a series go on after its end: in the step of its own, and written as they are."""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.util import hash_pandas_object

from downstream.data.columns.dates import clock_seconds, format_of, is_clock
from downstream.data.raw import RawSeries, SeriesSet
from downstream.errors import DataError, DataWarning

_TAILS = (1000, 100, 20)  # last rows in which a step is looked for that does not hold throughout


@dataclass(frozen=True, eq=False)
class Continuation:
    """The time stamps after the end of a series.

    Args:
        stamps: In the type of those before, (steps,).
        step: How far apart they are, in words.
    """

    stamps: pd.Series
    step: str


def all_continued(data: SeriesSet, n: int, *, date_format: str | None = None) -> list[Continuation]:
    """Return how the time stamps of each series go on; series of a panel that share their stamps are asked once.

    Raises:
        DataError: As `continued`.
    """
    known: dict[int | bytes, Continuation] = {}
    keys: list[int | bytes] = []
    for series in data.series:
        stamps = series.stamps
        key = len(series.values) if stamps is None else hash_pandas_object(stamps, index=False).to_numpy().tobytes()
        if key not in known:
            known[key] = continued(series, n, source=data.source, date_format=date_format)
        keys.append(key)
    return [known[key] for key in keys]


def continued(series: RawSeries, n: int, *, source: str, date_format: str | None = None) -> Continuation:
    """Return the time stamps of the `n` steps after the end of a series; without any, the numbers of its rows go on.

    Times go on in calendar steps (month ends, business days, days of a zone) where they came so, else in equal steps.
    Those that came in no regular step go on in their median step, which is told in a warning.

    Args:
        series: Its times ascend.
        n: How many are wanted.
        source: What messages call the data.
        date_format: How the time column is written, where the user said so.

    Raises:
        DataError: If a single time stamp leaves the step open, or the times leave what can be written.
    """
    where = f"{source}, series {series.name!r}" if series.name != source else source
    try:
        return _continued(series, n, where=where, date_format=date_format)
    except (OverflowError, NotImplementedError, pd.errors.OutOfBoundsDatetime) as error:
        raise DataError(f"{where}: {n} steps after its end lie beyond the times that can be written") from error


def _continued(series: RawSeries, n: int, *, where: str, date_format: str | None) -> Continuation:
    stamps, times = series.stamps, series.times
    if stamps is None:
        return _counted(np.arange(len(series.values)), n, where=where)
    if isinstance(stamps.dtype, pd.PeriodDtype):
        counted = _counted(pd.PeriodIndex(stamps).asi8, n, where=where)
        freq: Any = stamps.dtype.freq
        periods = [pd.Period(ordinal=ordinal, freq=freq) for ordinal in counted.stamps]
        return Continuation(pd.Series(periods), f"in periods of {freq.freqstr}")
    if pd.api.types.is_datetime64_any_dtype(stamps):
        return _timed(pd.DatetimeIndex(stamps), n, where=where)
    if pd.api.types.is_timedelta64_dtype(stamps):
        counted = _counted(pd.TimedeltaIndex(stamps).as_unit("ns").asi8, n, where=where)
        return Continuation(pd.Series(pd.to_timedelta(counted.stamps, unit="ns")), "in steps of their own length")
    if times is not None:
        return _written(stamps, times, n, where=where, date_format=date_format)
    if pd.api.types.is_numeric_dtype(stamps):
        whole = pd.api.types.is_integer_dtype(stamps)
        return _counted(stamps.to_numpy(dtype=np.int64 if whole else np.float64), n, where=where)
    if is_clock(str(stamps.iloc[0])):
        return _clock(stamps, n, where=where)
    return _counted(np.arange(len(series.values)), n, where=where)


def _counted(numbers: NDArray[np.int64] | NDArray[np.float64], n: int, *, where: str) -> Continuation:
    """Return the numbers that follow by the median of their steps, which is 1 where there is a single number."""
    steps = np.diff(numbers)
    step = float(np.median(steps)) if len(steps) else 1.0
    whole = bool((numbers[-2:] % 1 == 0).all())
    step = max(1, round(step)) if whole else step
    if len(steps) and not np.allclose(steps, step, rtol=1e-6):
        hint = "; if they are dates, pass --date-format, such as '%Y%m%d'" if whole else ""
        _warn(f"{where}: its steps are not equal; they go on by the median, {step:g}{hint}")
    last = numbers[-1].item()
    if not abs(last + n * step) < 2**63:
        raise OverflowError
    return Continuation(pd.Series([last + step * ahead for ahead in range(1, n + 1)]), f"in steps of {step:g}")


def _timed(times: pd.DatetimeIndex, n: int, *, where: str) -> Continuation:
    """Return the times that follow, in the zone of those before."""
    if len(times) < 2:
        raise DataError(f"{where}: a single time stamp does not say how far apart the steps are")
    offset: Any = _offset_of(times)
    for some in _TAILS if offset is None else ():
        offset = offset or (_offset_of(times[-some:]) if some < len(times) else None)
        if offset is not None:
            _warn(f"{where}: time stamps are not regular throughout; they go on {_every(offset)} as the last {some} do")
    if offset is None:
        offset = to_offset((times[1:] - times[:-1]).to_series().median())
        _warn(f"{where}: time stamps are not regular; they go on {_every(offset)}, the median of their steps")
    return Continuation(pd.Series(_after(times[-1], offset, n)), _every(offset))


def _offset_of(times: pd.DatetimeIndex) -> Any:
    """Return the regular step of some times, None where they have none."""
    if len(times) < 3:
        return to_offset(times[-1] - times[0]) if len(times) == 2 else None
    name = pd.infer_freq(times)
    if name is not None:
        return to_offset(name)
    wall = times.tz_localize(None)
    months = np.diff(12 * wall.year + wall.month)
    in_month = wall - wall.to_period("M").start_time
    same = bool((months == months[0]).all() and (in_month == in_month[0]).all() and months[0] > 0)
    return pd.DateOffset(months=int(months[0])) if same else None


def _after(last: pd.Timestamp, offset: Any, n: int) -> pd.DatetimeIndex:
    """Return `n` times after the last; steps of days and more are those of the clock on the wall."""
    if isinstance(offset, pd.offsets.Tick) and not isinstance(offset, pd.offsets.Day):
        return pd.date_range(last, periods=n + 1, freq=offset)[1:]
    following = pd.date_range(last.tz_localize(None), periods=n + 1, freq=offset)[1:]
    if last.tz is None:
        return following
    return following.tz_localize(last.tz, ambiguous=np.ones(n, dtype=bool), nonexistent="shift_forward")


def _every(offset: Any) -> str:
    """Return a step in words, such as `every 15 minutes` or `every month end`."""
    months = getattr(offset, "kwds", {}).get("months")
    n, name = (months, "Month") if months else (offset.n, type(offset).__name__)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return f"every {words}" if n == 1 else f"every {n} {words}s"


def _written(
    stamps: pd.Series, times: pd.DatetimeIndex, n: int, *, where: str, date_format: str | None
) -> Continuation:
    """Return the times that follow in the form of the last: text as it is written, with its offset, or Python's own."""
    last = stamps.iloc[-1]
    if not isinstance(last, str | int | np.integer | float):
        zone = getattr(last, "tzinfo", None)
        following = _timed(times.tz_localize("UTC").tz_convert(zone) if zone else times, n, where=where)
        if isinstance(last, datetime.date) and not isinstance(last, datetime.datetime):
            return Continuation(pd.Series([each.date() for each in following.stamps], dtype=object), following.step)
        return following
    text = str(last).strip()
    form = format_of(text, times[-1], date_format=date_format)
    read: Any = pd.to_datetime(text, format=form or "ISO8601", errors="coerce")
    zone = read.tzinfo
    following = _timed(times if zone is None else _in_zone(stamps, times, zone), n, where=where)
    write = _writer(text, form)
    lines = [write(each) for each in following.stamps]
    is_number = not isinstance(last, str)
    return Continuation(pd.Series([int(line) for line in lines] if is_number else lines), following.step)


def _in_zone(stamps: pd.Series, times: pd.DatetimeIndex, zone: datetime.tzinfo) -> pd.DatetimeIndex:
    """Return instants in the offset of the last; where only the clock on the wall is regular, that clock's times."""
    instants = times.tz_localize("UTC").tz_convert(zone)
    if len(times) < 3 or _offset_of(instants) is not None:
        return instants
    offsets = stamps.astype(str).str.extract(r"([+-]\d{2}):?(\d{2})\s*$").fillna("0")
    signs = np.where(offsets[0].str.startswith("-"), -1, 1)
    minutes = 60 * offsets[0].astype(int).to_numpy() + signs * offsets[1].astype(int).to_numpy()
    wall = times + pd.to_timedelta(minutes, unit="min")
    return wall.tz_localize(zone) if _offset_of(wall) is not None else instants


def _writer(text: str, form: str | None) -> Callable[[pd.Timestamp], str]:
    """Return what writes times as a text is written; in ISO form where that is not known."""
    mark = re.search(r"(Z|[+-]\d{2}(:?)\d{2})\s*$", text, re.IGNORECASE)

    def by_form(time: pd.Timestamp) -> str:
        zone = time.strftime("%z") if mark is None or mark[1].upper() != "Z" else "Z"
        zone = f"{zone[:3]}:{zone[3:]}" if mark and mark[2] else zone
        return time.strftime(str(form).replace("%z", zone))

    def by_iso(time: pd.Timestamp) -> str:
        return time.isoformat(sep="T" if "T" in text else " ")

    is_iso = re.match(r"\d{4}-\d{2}-\d{2}", text) is not None
    if form is None:
        return by_iso
    return by_iso if is_iso and by_form(pd.to_datetime(text, format=form)) != text else by_form


def _clock(stamps: pd.Series, n: int, *, where: str) -> Continuation:
    """Return the times of day that follow; after midnight they begin anew."""
    following = _counted(clock_seconds(stamps).to_numpy(), n, where=where).stamps
    text = str(stamps.iloc[-1]).strip()
    form = "%H:%M" + ":%S" * (text.count(":") > 1) + ".%f" * ("." in text)
    lines = [(pd.Timestamp(0) + pd.Timedelta(seconds=float(at))).strftime(form) for at in following]
    return Continuation(pd.Series(lines), "in the same step of time of day")


def common_step(steps: Sequence[str]) -> str:
    """Return the step of several series in words."""
    return steps[0] if len(set(steps)) == 1 else "in the step of each series"


def _warn(sentence: str) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=5)
