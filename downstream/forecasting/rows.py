"""Rows for the forecasting probes: features and targets of origins, and their sums.

One row is one origin of one variate: the raw lags of the variate, the
representation of its stream (or of the whole window where streams are mixed),
and the next steps as targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.memory import at_a_time, is_limited
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.represent import Represent, represented
from downstream.windows import Windows

Features = Literal["raw_lags", "representation"]
Floats = NDArray[np.floating]
Integers = NDArray[np.int64]

BLOCK_ROWS = 8192
# Bytes for each number of a row: as gathered, filled, normalised, side by side, and twice as float64.
_COPIES = 64


@dataclass(frozen=True)
class RowBlock:
    """Some origins of a task, ready to become features and targets.

    Args:
        origins: Where the rows start.
        room: Rows of the part behind each origin, (n,).
        lags: Raw lags, gaps filled, (n, raw_lags, variates).
        z: Representations, streams mixed or one per variate, (n, streams, features); None without an encoder.
        targets: NaN where missing or outside the part, (n, horizon, variates).
        last: Last observed value at or before the origin, (n, variates).
        reach: Index of the longest horizon with every target observed, -1 for none, (n, variates).
        joint: One model gives all variates from one representation.
    """

    origins: Origins
    room: Integers
    lags: Floats
    z: Floats | None
    targets: Floats
    last: Floats
    reach: Integers
    joint: bool

    def features(self, features: Features) -> Tensor:
        """Return features of a ridge, float32 (variates, n, d); a joint model has one group for all variates.

        Lags are changes from the last value.
        """
        if features == "raw_lags":
            lags = self.lags - self.last[:, None]
            return torch.as_tensor(np.ascontiguousarray(lags.transpose(2, 0, 1), dtype=np.float32))
        assert self.z is not None, "a representation needs an encoder"
        streams = torch.as_tensor(np.ascontiguousarray(self.z.transpose(1, 0, 2)))  # (streams, n, d)
        n_variates = self.last.shape[1]
        return (
            streams if self.joint else streams.expand(n_variates, -1, -1) if len(streams) == 1 else streams[:n_variates]
        )

    def changes(self, features: Features) -> Tensor:
        """Return targets less the last value, float32 (variates, n, horizon).

        For a representation that all variates share, all of them at each step: (1, n, horizon * variates).
        """
        y = self.targets - self.last[:, None]
        if features == "representation" and self.joint:
            return torch.as_tensor(y.reshape(1, len(y), -1))
        return torch.as_tensor(np.ascontiguousarray(y.transpose(2, 0, 1)))

    def joined(self) -> Tensor:
        """Return raw lags and, behind them, the representation, float32 (variates, n, raw_lags + features)."""
        lags = torch.as_tensor(np.ascontiguousarray(self.lags.transpose(2, 0, 1), dtype=np.float32))
        if self.z is None:
            return lags
        streams = torch.as_tensor(np.ascontiguousarray(self.z.transpose(1, 0, 2)))  # (streams, n, features)
        own = streams.expand(len(lags), -1, -1) if len(streams) == 1 else streams[: len(lags)]
        return torch.cat([lags, own], dim=2)

    def steps_ahead(self) -> Tensor:
        """Return targets, float32 (variates, n, horizon)."""
        return torch.as_tensor(np.ascontiguousarray(self.targets.transpose(2, 0, 1)))

    def forecasts(self, changes: Tensor) -> Floats:
        """Return forecasts in scaled units, (n, horizon, variates), from changes as `changes` has them."""
        n, n_variates = self.last.shape
        y = changes.reshape(n, -1, n_variates) if len(changes) != n_variates else changes.permute(1, 2, 0)
        values: Floats = y.numpy() + self.last[:, None]
        return values


def part_ends(task: ForecastingTask, part: Part) -> Integers:
    """Return the first row behind the part, per series, (series,)."""
    if part == "test":
        return np.asarray([len(values) for values in task.series], dtype=np.int64)
    which = 0 if part == "train" else 1
    return np.asarray([bounds[which] for bounds in task.bounds], dtype=np.int64)


def usable_horizons(task: ForecastingTask) -> tuple[int, ...]:
    """Return the horizons, ascending, for which training and validation have origins.

    Raises:
        ValueError: If there is none.
    """
    known = tuple(sorted(set(task.spec.horizons)))
    fits = tuple(h for h in known if all(len(task.origins(part, h).step) for part in ("train", "validation")))
    if not fits:
        raise ValueError(f"{task.spec.name}: no horizon of {known} fits into training and validation rows")
    return fits


def pick_origins(
    task: ForecastingTask,
    part: Part,
    *,
    horizon: int,
    max_rows: int,
    max_origins: int | None = None,
    complete_lags: int | None = None,
) -> Origins:
    """Return evenly thinned origins: at most `max_rows` over all variates (or 64 origins), and `max_origins`.

    Training origins with fewer than `complete_lags` rows behind them, by default `raw_lags`, are left out, unless most
    would be.
    """
    every = task.origins(part, horizon)
    if part == "train":
        complete = every.step >= (complete_lags or task.spec.raw_lags) - 1
        if complete.mean() >= 0.5:
            every = Origins(every.series[complete], every.step[complete])
    limit = max(64, max_rows // task.n_targets)
    limit = limit if max_origins is None else min(limit, max_origins)
    stride = max(1, -(-len(every.step) // limit))
    return Origins(every.series[::stride], every.step[::stride])


def fill_gaps(lags: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Fill missing lags with the value before, leading ones with the first observed; 0 if there is none.

    Returns:
        Filled lags (n, time, variates), and which windows have a value, (n, variates).
    """
    missing = np.isnan(lags)
    if not missing.any():
        return lags, np.ones((len(lags), lags.shape[2]), dtype=np.bool_)
    steps = np.where(missing, -1, np.arange(lags.shape[1])[:, None])
    seen = steps.max(axis=1) >= 0
    first = np.where(seen, (~missing).argmax(axis=1), 0)
    source = np.maximum(np.maximum.accumulate(steps, axis=1), first[:, None])
    return np.nan_to_num(np.take_along_axis(lags, source, axis=1)), seen


def row_blocks(
    task: ForecastingTask, part: Part, origins: Origins, *, horizons: Sequence[int], represent: Represent | None
) -> Iterator[RowBlock]:
    """Yield the origins in blocks of about `BLOCK_ROWS` rows, in order.

    Args:
        task: The task (the opened one for `test`).
        part: Where the targets must lie.
        origins: Origins for the shortest horizon.
        horizons: Forecast lengths, ascending.
        represent: The encoder, or None for raw lags only.
    """
    ends = part_ends(task, part)
    joint = not any(np.isnan(values[:, : task.n_targets]).any() for values in task.series)
    size = _origins_at_a_time(task, origins, longest=horizons[-1], represent=represent)
    for first in range(0, len(origins.step), size):
        chosen = Origins(origins.series[first : first + size], origins.step[first : first + size])
        raw = task.lags_at(chosen).gather()[:, :, : task.n_targets]
        lags, seen = fill_gaps(raw)
        room = ends[chosen.series] - 1 - chosen.step
        targets = _targets(task, chosen, room=room, horizon=horizons[-1])
        missing = np.isnan(targets)
        observed = np.where(missing.any(axis=1), missing.argmax(axis=1), targets.shape[1])
        reach = np.searchsorted(np.asarray(horizons), observed, side="right") - 1
        z = None if represent is None else represented(represent, task.windows_at(chosen))
        if z is not None and z.shape[1] not in (1, task.n_variates):
            raise ValueError(f"represent must return 1 or {task.n_variates} streams for this task, got {z.shape[1]}")
        yield RowBlock(
            origins=chosen,
            room=room,
            lags=lags,
            z=z,
            targets=targets,
            last=lags[:, -1],
            reach=np.where(seen, reach, -1),
            joint=joint and z is not None and z.shape[1] == 1,
        )


def _origins_at_a_time(task: ForecastingTask, origins: Origins, *, longest: int, represent: Represent | None) -> int:
    most = max(1, BLOCK_ROWS // task.n_targets)
    if not is_limited() or len(origins.step) == 0:
        return most
    numbers = task.n_targets * (task.spec.raw_lags + longest)
    if represent is not None:  # one window tells how wide a representation is
        z = represented(represent, task.windows_at(Origins(origins.series[:1], origins.step[:1])))
        numbers += max(z.shape[1], task.n_targets) * z.shape[2]
    return at_a_time(most, "row", bytes_each=_COPIES * numbers)


def _targets(task: ForecastingTask, origins: Origins, *, room: Integers, horizon: int) -> Floats:
    """Return targets up to the horizon, NaN behind the end of the part, (n, horizon, variates)."""
    values, first = task.packed_targets(origins)
    ahead = np.arange(horizon)
    rows = np.minimum(first[:, None] + ahead, len(values) - 1)
    return np.where((ahead < room[:, None])[:, :, None], values[rows], np.float32(np.nan))


def block_at_end(
    values: Floats, *, represent: Represent, window: int, raw_lags: int, horizon: int, n_targets: int
) -> RowBlock:
    """Return the row block of a forecast that starts behind the last row of a new series.

    Args:
        values: Scaled rows, targets first, (time, variates).
        represent: The encoder.
        window: Lookback of the encoder; a shorter series is padded with missing rows in front.
        raw_lags: Lookback of the lags.
        horizon: Steps ahead.
        n_targets: How many leading columns are forecast.
    """
    padded = np.concatenate([np.full((max(window, raw_lags), values.shape[1]), np.nan, dtype=np.float32), values])
    lags, seen = fill_gaps(padded[None, -raw_lags:, :n_targets])
    last_window = Windows(padded, np.asarray([len(padded) - window], dtype=np.int64), window)
    return RowBlock(
        origins=Origins(np.zeros(1, dtype=np.int64), np.full(1, len(values) - 1, dtype=np.int64)),
        room=np.zeros(1, dtype=np.int64),
        lags=lags,
        z=represented(represent, last_window),
        targets=np.full((1, horizon, n_targets), np.nan, dtype=np.float32),
        last=lags[:, -1],
        reach=np.where(seen, 0, -1),
        joint=False,
    )
