"""Which series and columns of other data are those that a saved encoder was trained on, and what they are scaled by."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from downstream.data.raw import RawSeries, SeriesSet
from downstream.errors import DataError, DataWarning
from downstream.kinds import task_kind
from downstream.scaling import Scaled, own_scale
from nas.errors import OptionError
from nas.saved.encoder import SavedEncoder


def by_name(data: SeriesSet, saved: SavedEncoder) -> SeriesSet:
    """Return data with its columns in the order of training, where both bear names and it has all of them.

    Columns that training did not have are left out with a warning. Where neither bears names, columns are numbered, and
    some that were chosen for training, or put first as targets, are so here. Other data, and data that lacks a column,
    stays as it is.

    Raises:
        DataError: If its rows are cases with a column per time step, and these are not the steps of training.
    """
    data = _steps_by_name(data, saved.identity.steps)
    wanted = saved.identity.columns if data.has_names else _picked(data, saved)
    if not wanted or not set(wanted) <= set(data.variates):
        return data
    others = [name for name in data.variates if name not in set(wanted)]
    if others and data.has_names:
        warnings.warn(
            f"{data.source}: columns that training did not have are left out: {', '.join(others)}",
            DataWarning,
            stacklevel=3,
        )
    places = [data.variates.index(name) for name in wanted]
    series = tuple(replace(one, values=one.values[:, places]) for one in data.series)
    return replace(data, variates=wanted, series=series)


def _picked(data: SeriesSet, saved: SavedEncoder) -> tuple[str, ...]:
    """Return the numbered columns of training, where they are not just the first ones of data without names."""
    first = data.variates[: len(saved.variates)]
    return () if saved.identity.columns or saved.variates == first else saved.variates


def only_known(data: SeriesSet, saved: SavedEncoder, *, by_place: bool = False) -> SeriesSet:
    """Return data with exactly the columns of training: by name where both bear names, else by position.

    Args:
        data: The data.
        saved: What was trained.
        by_place: Whether its columns were chosen one for one, so that their names do not count.

    Raises:
        DataError: If a column is missing, or there are not as many.
        OptionError: If training followed a protocol that adds columns to the data.
    """
    if saved.identity.columns and len(saved.variates) > len(saved.identity.columns):
        extra = ", ".join(saved.variates[len(saved.identity.columns) :][:3])
        raise OptionError(
            f"{data.source}: the protocol of the search added columns to its data ({extra}, ...), which new data "
            "lacks; search with the default protocol"
        )
    data = data if by_place else by_name(data, saved)
    if not by_place and data.has_names and saved.other_names(data.variates):
        missing = [name for name in saved.identity.columns if name not in set(data.variates)]
        raise DataError(
            f"{data.source}: it lacks {len(missing)} of the columns of training, such as {missing[0]!r} "
            f"(it has {', '.join(data.variates[:8])})"
        )
    if len(data.variates) != len(saved.variates):
        raise DataError(
            f"{data.source}: it has {len(data.variates)} variates, training had {len(saved.variates)} "
            f"({', '.join(saved.variates[:8])})"
        )
    return data


def scaled(data: SeriesSet, saved: SavedEncoder) -> Iterator[Scaled]:
    """Return each series as in training scaled, or by itself where training does not know it.

    A series is known by its id. Without ids there is one scale if training had one series, or cases; else, as
    positions say nothing, each series is scaled by its own mean and deviation. A column is known by its name, or
    without names by its place where there are as many.

    What is missing is no error: an encoder takes it for the mean. But it is said where that is all there is, of a
    series without any value, or much of it, of one that is shorter than the window that the encoder looks back.
    """
    _warn_of_little(data, saved)
    return _each_scaled(data, saved)


def _warn_of_little(data: SeriesSet, saved: SavedEncoder) -> None:
    empty = [series.name for series in data.series if np.isnan(series.values).all()]
    if empty:
        _warn_of(empty, data, "without any value; what is made of it says nothing about it")
    if task_kind(saved.kind).whole_cases:
        return
    short = [series.name for series in data.series if len(series.values) < saved.window]
    if short:
        _warn_of(short, data, f"shorter than the window of {saved.window} steps; the steps before it count as missing")


def _warn_of(names: Sequence[str], data: SeriesSet, what: str) -> None:
    some = f" and {len(names) - 1} more are" if len(names) > 1 else " is"
    warnings.warn(f"{data.source}: {names[0]!r}{some} {what}", DataWarning, stacklevel=4)


def _each_scaled(data: SeriesSet, saved: SavedEncoder) -> Iterator[Scaled]:
    rows = {name: row for row, name in enumerate(saved.identity.series)}
    places = _places(data, saved)
    for series in data.series:
        mean, deviation = own_scale(series.values)
        row = rows.get(series.name) if rows and data.has_ids else None
        if not rows and len(saved.scaler.mean) == 1:
            row = 0
        if row is not None:
            known = places >= 0
            mean = np.where(known, saved.scaler.mean[row, places], mean)
            deviation = np.where(known, saved.scaler.deviation[row, places], deviation)
        yield Scaled.by(series.values, mean=mean, deviation=deviation, known=row)


def _places(data: SeriesSet, saved: SavedEncoder) -> NDArray[np.int64]:
    """Return the place of each column among those of training, -1 where it is none of them, (variates,)."""
    if saved.identity.columns and data.has_names:
        place = {name: number for number, name in enumerate(saved.identity.columns)}
        return np.asarray([place.get(name, -1) for name in data.variates], dtype=np.int64)
    if len(data.variates) == len(saved.variates):
        return np.arange(len(data.variates))
    return np.full(len(data.variates), -1)


def _steps_by_name(data: SeriesSet, wanted: tuple[str, ...]) -> SeriesSet:
    if not wanted or not data.steps or data.steps == wanted:
        return data
    if set(data.steps) != set(wanted):
        strange = sorted(set(wanted) ^ set(data.steps))
        raise DataError(
            f"{data.source}: its columns are time steps, and must be the {len(wanted)} of training; "
            f"{strange[0]!r} is in one of the two only"
        )
    places = [data.steps.index(name) for name in wanted]

    def sorted_steps(series: RawSeries) -> RawSeries:
        return replace(series, values=series.values[places])

    return replace(data, steps=wanted, series=tuple(sorted_steps(series) for series in data.series))
