"""Texts as points in time: every way in which a whole column can be read, never two ways in one column."""

import re
from typing import NamedTuple

import pandas as pd
from pandas.tseries.api import guess_datetime_format

ISO = "ISO8601"
_NUMERIC = re.compile(r"(\d{1,4})([-/. ])\d{1,2}\2(\d{4}|\d{1,2})(?!\d)(.*)")
_CLOCK = re.compile(
    r"(?P<gap>[T ,]*)\d{1,2}:\d{2}(?P<s>:\d{2}(?P<f>\.\d+)?)?(?P<half> ?[ap]m)?(?P<zone> ?(Z|[+-]\d{2}:?\d{2}))?", re.I
)
_OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})\s*$"
_WORD = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_DAY = rf"\d{{1,4}}(?P<mark>[-/. ])\d{{1,2}}((?P=mark)\d{{1,4}})?|\d{{1,2}}[-. ]*{_WORD}.*\d|{_WORD}[ ,.]+\d.*\d"
_LOOKS_SO = re.compile(rf"\s*({_DAY}|(?=\d))({_CLOCK.pattern})?\s*", re.IGNORECASE)


class Reading(NamedTuple):
    """A column read in one way: `how`, as for `strptime`, and naive times, in UTC where texts have offsets."""

    how: str
    times: pd.Series


def readings(column: pd.Series, *, date_format: str | None = None) -> list[Reading]:
    """Return the ways to read a column of texts as times, NaT where one does not fit; none if it looks like no times.

    As ISO 8601 where that fits all; else in the forms that the first text can have: day or month first, or with the
    name of the month.

    Args:
        column: Texts, or objects that are times as text; none of them missing.
        date_format: The one way, as for `strptime`.

    Raises:
        ValueError: If `date_format` has an unknown directive.
    """
    text = column.astype("string")
    iso = None if date_format is not None else _read(text, ISO)
    if iso is not None and not iso.times.isna().any():
        return [iso]
    text = text.str.strip()
    if iso is None:
        return [_read(text, str(date_format))]
    formats = [] if not len(text) or pd.isna(text.iloc[0]) else _formats(str(text.iloc[0]))
    found = [iso, *(_read(text, form) for form in formats)]
    return [reading for reading in found if reading.times.notna().any()]


def looks_like_time(text: str) -> bool:
    """Whether a text has the form of a point in time, or of a time of day."""
    return _LOOKS_SO.fullmatch(text) is not None


def reads_as_time(value: object, *, date_format: str | None = None) -> bool:
    """Whether a text is a point in time, or a time of day."""
    if not isinstance(value, str) or (date_format is None and not looks_like_time(value)):
        return False
    return is_clock(value) or bool(readings(pd.Series([value]), date_format=date_format))


def is_clock(text: str) -> bool:
    """Whether a text is a time of day without a date, such as `9:30` or `09:30:00`."""
    found = _CLOCK.fullmatch(text.strip())
    return found is not None and not (found["half"] or found["zone"])


def clock_seconds(column: pd.Series) -> pd.Series:
    """Return times of day as seconds, NaN where one is none."""
    text = column.astype("string").str.strip()
    return pd.Series(
        pd.to_timedelta(text.where(text.str.count(":") != 1, text + ":00"), errors="coerce")
    ).dt.total_seconds()


def naive_utc(times: pd.Series) -> pd.Series:
    """Return times without their zone, as instants in UTC where they have one."""
    return times if times.dt.tz is None else times.dt.tz_convert("UTC").dt.tz_localize(None)


def format_of(text: str, time: pd.Timestamp, *, date_format: str | None = None) -> str | None:
    """Return the format, as for `strptime`, in which a text says a time; None where it is none of those tried here.

    Args:
        text: How a time is written.
        time: What it was read as, naive, in UTC where the text has an offset.
        date_format: The one format to try.
    """
    text = text.strip()
    guess = guess_datetime_format(text) if re.match(r"\d{4}", text) else None
    tried = [date_format] if date_format else [*([guess] if guess else []), *_formats(text)]
    fitting = (form for form in tried if _read(pd.Series([text]), form).times.iloc[0] == time)
    return next(fitting, None)


def _read(text: pd.Series, form: str) -> Reading:
    try:
        return Reading(form, naive_utc(pd.Series(pd.to_datetime(text, format=form, errors="coerce"))))
    except ValueError as error:
        if "Mixed timezones" not in str(error):
            raise
    # offsets change with summer time; a text without one has no place among them
    times = pd.Series(pd.to_datetime(text, format=form, errors="coerce", utc=True))
    return Reading(form, naive_utc(times.where(text.str.contains(_OFFSET, regex=True, case=False))))


def _formats(text: str) -> list[str]:
    """Return the formats that a text with a date can have."""
    numeric = _NUMERIC.fullmatch(text)
    if numeric is None:
        guess = guess_datetime_format(text)
        named = [] if guess is None or "%Y" not in guess else [guess]
        return named + [form.translate({ord("d"): "m", ord("m"): "d"}) for form in named if "%m" in form]
    first, mark, last, rest = numeric.groups()
    clock = "" if not rest else _clock_format(rest)
    if clock is None:
        return []
    orders = ["%Y %m %d", "%Y %d %m"] if len(first) > 2 else ["%d %m %Y", "%m %d %Y"]
    if len(first) <= 2 and len(last) <= 2:
        orders = ["%d %m %y", "%m %d %y", "%y %m %d"]
    return [order.replace(" ", mark) + clock for order in orders]


def _clock_format(rest: str) -> str | None:
    found = _CLOCK.fullmatch(rest)
    if found is None:
        return None
    half, zone = found["half"] or "", found["zone"] or ""
    return "".join(
        (
            found["gap"],
            "%I:%M" if half else "%H:%M",
            ":%S" if found["s"] else "",
            ".%f" if found["f"] else "",
            half[:-2] + "%p" if half else "",
            (" " if zone.startswith(" ") else "") + "%z" if zone else "",
        )
    )
