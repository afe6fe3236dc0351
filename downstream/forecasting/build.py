"""From raw series to a forecasting task."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from downstream.data.memory.labels import has_labels
from downstream.data.options import LoadOptions
from downstream.data.parts import Ends, GivenParts, series_facts
from downstream.data.raw import RawSeries, SeriesSet, Source
from downstream.data.sources import read_series, some_of
from downstream.data.splitting import ETT_SPLITS, RowSplit, split_rows
from downstream.data.tables import forecasting_series
from downstream.errors import DataError, DataWarning
from downstream.forecasting.periods import find_period
from downstream.forecasting.task import LOOKBACKS, ROWS_PER_STEP, ForecastingTask
from downstream.forecasting.ts2vec.time_features import TIME_FEATURES, time_features
from downstream.scaling import fit_scaler, observed_variates
from downstream.task import Identity, Sealed, TaskSpec, task_hash

_HORIZONS = {
    "default": (24, 48, 168, 336, 720),
    "ts2vec": (24, 48, 96, 288, 672),
    "long_horizon": (96, 192, 336, 720),
}
_WINDOWS = {"ts2vec": 201, "long_horizon": 336}
_TS2VEC_SECTION, _TS2VEC_BATCH = 3000, 8
_NO_TEST = "the splits leave no rows for it"


_Part = tuple[RawSeries, RowSplit]


@dataclass(frozen=True)
class _Lengths:
    window: int
    reason: str
    horizons: tuple[int, ...]
    raw_lags: int


def claims(content: Source) -> bool:
    """Whether data is for forecasting: whatever nothing else claims."""
    del content
    return True


def plain_series(content: Source, *, options: LoadOptions) -> SeriesSet:
    """Return the series of a source; a table is one series, or a panel."""
    return read_series(content, options=options, from_tables=forecasting_series)


def load(content: Source, *, stem: str, options: LoadOptions) -> ForecastingTask:
    """Return the task that a source stands for; see `build_forecasting`.

    Raises:
        DataError: If there are labels beside the data.
    """
    if has_labels(content):
        raise DataError(
            "forecasting takes no y, the columns of the data are forecast (target=... chooses them); labelled cases "
            "need kind='classification' or kind='regression'"
        )
    return build_forecasting(plain_series(content, options=options), stem=stem, options=options)


def build_forecasting(data: SeriesSet, *, stem: str, options: LoadOptions) -> ForecastingTask:
    """Split in time, scale by the training rows, and seal the test rows.

    Args:
        data: Series with targets first among their columns.
        stem: The file's name, by which the ETT sets are recognised.
        options: See `load_task`.

    Raises:
        DataError: If the series are too short, constant or empty, or time stamps are missing for `ts2vec`.
    """
    whole = options.rows is None and options.max_rows is None
    chosen = [_cut(series, options=options, source=data.source) for series in some_of(data.series, options=options)]
    given = _given(chosen, options=options, data=data)
    parts = [
        (series, own or split_rows(len(series.values), stem=stem, options=options, source=data.source, whole=whole))
        for series, own in zip(chosen, given, strict=True)
    ]
    n_targets = len(options.target) if options.target else None
    if n_targets is None and options.known == data.variates:
        n_targets = options.known_targets
    data, parts = _observed(data, parts, n_targets=n_targets or 0)
    lengths = _lengths(parts, stem=stem, options=options, source=data.source, n_targets=n_targets)
    usable = _usable(parts, lengths=lengths, data=data)
    facts_of_parts = series_facts(
        [(series.name, len(series.values), Ends(*split[:3])) for series, split in parts],
        left_out=[all(series is not kept for kept, _ in usable) for series, _ in parts],
        has_ids=data.has_ids,
    )
    parts = usable
    training = [series.values[: split.train_end] for series, split in parts]
    scaler = fit_scaler(training, variates=data.variates, source=data.source)
    raw = [series.values[: split.test_end] for series, split in parts]
    rows = [scaler.transform(values, series=number) for number, values in enumerate(raw)]
    variates = data.variates
    if options.protocol == "ts2vec":
        variates = (*variates, *TIME_FEATURES)
        rows = [
            np.concatenate([scaled, _calendar(series, split=split, source=data.source)], axis=1)
            for scaled, (series, split) in zip(rows, parts, strict=True)
        ]
    splits = [split for _, split in parts]
    n_targets = n_targets or len(data.variates)
    bounds = tuple((split.train_end, split.validation_end) for split in splits)
    delay = int(options.protocol == "ts2vec")
    has_test = all(split.test_end > split.validation_end for split in splits)
    tails = tuple(values[split.validation_end :] for values, split in zip(rows, splits, strict=True))
    spec = _spec(lengths, splits=splits, options=options, n_rows_seen=scaler.n_rows_seen)
    facts = {
        **{key: getattr(spec, key) for key in ("kind", "window", "horizons", "raw_lags", "metric")},
        "bounds": bounds,
        "n_targets": n_targets,
        "origin_delay": delay,
        "covariates": variates[len(data.variates) :],
    }
    calendar = [values[:, len(data.variates) :] for values in rows]  # moves a result as the data does
    return ForecastingTask(
        spec=spec,
        variates=variates,
        identity=Identity(
            columns=data.variates if data.has_names else (),
            series=tuple(series.name for series, _ in parts) if data.has_ids else (),
        ),
        parts=facts_of_parts,
        hash=task_hash(facts, [*raw, *calendar] if options.protocol == "ts2vec" else raw),
        sealed=Sealed(tails) if has_test else Sealed(None, reason=_NO_TEST),
        series=tuple(values[: split.validation_end] for values, split in zip(rows, splits, strict=True)),
        bounds=bounds,
        n_targets=n_targets,
        scaler=scaler,
        origin_delay=delay,
        training_cut=_section(min(end for end, _ in bounds)) if options.protocol == "ts2vec" else None,
        window_open=options.window is None and options.protocol == "default",
    )


def _given(series: Sequence[RawSeries], *, options: LoadOptions, data: SeriesSet) -> Sequence[RowSplit | None]:
    """Return where the parts of each series end, as a file says it; None without a file."""
    if options.split_file is None:
        return [None] * len(series)
    names, rows = [one.name for one in series], [len(one.values) for one in series]
    file = GivenParts.read(options.split_file, kind="forecasting")
    reason = "as a file says"
    return [RowSplit(*own, reason) for own in file.of_series(names, rows, has_ids=data.has_ids, source=data.source)]


def _observed(data: SeriesSet, parts: Sequence[_Part], *, n_targets: int) -> tuple[SeriesSet, list[_Part]]:
    """Leave out the variates that have no value in any training row, unless they are targets by name."""
    training = [series.values[: split.train_end] for series, split in parts]
    kept = observed_variates(training, variates=data.variates, needed=n_targets, source=data.source)
    if len(kept) == len(data.variates):
        return data, list(parts)
    names = tuple(data.variates[i] for i in kept)
    return replace(data, variates=names), [(replace(s, values=s.values[:, kept]), split) for s, split in parts]


def _section(n_rows: int) -> int:
    """Return the length of the equal sections to train on: of 3000 steps or more as in TS2Vec, but a batch of 8 full.

    Deliberate difference: TS2Vec cuts ETTh1 into two sections of 4320 steps, which costs four times as much.
    """
    return max(1, n_rows // max(_TS2VEC_BATCH, n_rows // _TS2VEC_SECTION))


def _cut(series: RawSeries, *, options: LoadOptions, source: str) -> RawSeries:
    n_rows = len(series.values)
    first, end = options.rows or (0, n_rows)
    if end > n_rows:
        raise DataError(f"{source}: rows=({first}, {end}) leaves the series, which has {n_rows} rows")
    if options.max_rows is not None:
        first = max(first, end - options.max_rows)
    times = None if series.times is None else series.times[first:end]
    return replace(series, values=series.values[first:end], times=times)


def _lengths(
    parts: Sequence[_Part], *, stem: str, options: LoadOptions, source: str, n_targets: int | None
) -> _Lengths:
    """Choose what the user left open from the middle series of a panel."""
    splits = [split for _, split in parts]
    train = int(np.median([split.train_end for split in splits]))
    validation = int(np.median([split.validation_end - split.train_end for split in splits]))
    window, reason = options.window or _WINDOWS.get(options.protocol) or 0, ""
    if not window:
        training = [series.values[: split.train_end, :n_targets] for series, split in parts]
        window, reason = own_window(train, period=find_period(training))
    if options.horizons is not None:
        horizons = tuple(sorted(set(options.horizons)))
        if len(splits) == 1 and (horizons[-1] > validation or window + horizons[-1] > train):
            raise DataError(
                f"{source}: window {window} + horizon {horizons[-1]} do not fit {train} training and {validation} "
                f"validation rows; the longest possible horizon is {max(min(validation, train - window), 0)}"
            )
    else:
        usual = _HORIZONS["ts2vec" if options.protocol == "ts2vec" else options.protocol]
        if options.protocol == "ts2vec" and stem.lower() in ("etth1", "etth2"):
            usual = _HORIZONS["default"]
        horizons = tuple(h for h in usual if 3 * h <= validation and window + 2 * h <= train)
        horizons = horizons or (max(1, min(usual[0], validation // 3, train - window)),)
    raw_lags = options.raw_lags or min(336, max(window, train // 8))
    return _Lengths(window, reason, horizons, raw_lags)


def own_window(train_rows: int, *, period: int) -> tuple[int, str]:
    """Return the window of a task where nobody names one, and why it is that, in words; empty where rows are few.

    It is the shortest that holds two periods: from one alone nothing tells what comes back from what was there once.
    Where none does, the longest is taken that holds one, and without a period the shortest.
    """
    room = [window for window in LOOKBACKS if window <= train_rows // ROWS_PER_STEP]
    if not room:
        return min(LOOKBACKS[0], max(8, train_rows // ROWS_PER_STEP)), ""
    if period < 2 or period > room[-1]:
        return room[0], "no period" if period < 2 else f"a period of {period} steps, longer than any window"
    window = next((window for window in room if window >= 2 * period), room[-1])
    return window, f"{window / period:.1f}".removesuffix(".0") + f" periods of {period} steps"


def _usable(parts: Sequence[_Part], *, lengths: _Lengths, data: SeriesSet) -> list[_Part]:
    """Leave out series of a panel that are too short or do not vary; a single series must be usable."""
    longest = lengths.horizons[-1]
    kept, short, flat = [], 0, 0
    for series, split in parts:
        rooms = (split.validation_end - split.train_end, split.test_end - split.validation_end or longest)
        if split.train_end < lengths.window + longest or min(rooms) < longest:
            short += 1
        elif len(parts) > 1 and not _varies(series, split=split):
            flat += 1
        else:
            kept.append((series, split))
    if not kept:
        rows = max(len(series.values) for series, _ in parts)
        raise DataError(
            f"{data.source}: too short or constant for window {lengths.window} + horizon {longest} in every part "
            f"(longest series: {rows} rows"
            f"{_axes_hint(parts[0][0])}); use a shorter window or horizon"
        )
    if short or flat:
        warnings.warn(
            f"{data.source}: {short + flat} of {len(parts)} series left out "
            f"({short} shorter than window {lengths.window} + horizon {longest} in a part, {flat} without variation)",
            DataWarning,
            stacklevel=3,
        )
    return kept


def _axes_hint(series: RawSeries) -> str:
    rows, width = series.values.shape
    return f", {width} variates: is time the other axis? see layout=" if width > rows else ""


def _varies(series: RawSeries, *, split: RowSplit) -> bool:
    rows = series.values[: split.train_end]
    seen = ~np.isnan(rows).all(axis=0)
    return bool(seen.all() and (np.nanmax(rows, axis=0) > np.nanmin(rows, axis=0)).all())


def _calendar(series: RawSeries, *, split: RowSplit, source: str) -> np.ndarray:
    if series.times is None:
        raise DataError(f"{source}: protocol 'ts2vec' needs a column of time stamps for its time features")
    return time_features(series.times, train_end=split.train_end)[: split.test_end]


def _spec(lengths: _Lengths, *, splits: Sequence[RowSplit], options: LoadOptions, n_rows_seen: int) -> TaskSpec:
    first = splits[0]
    parts = (first.train_end, first.validation_end - first.train_end, first.test_end - first.validation_end)
    chosen = "given" if options.horizons is not None else "those that fit the validation part"
    words = [
        options.protocol,
        f"splits {'/'.join(map(str, parts))} rows ({first.reason})" + (" in the first series" if splits[1:] else ""),
        f"{len(splits)} series",
        f"scaler fitted on {n_rows_seen} training rows",
        f"window {lengths.window}" + (f" ({lengths.reason})" if lengths.reason else ""),
        f"horizons {' '.join(map(str, lengths.horizons))} ({chosen})",
        f"{lengths.raw_lags} raw lags",
    ]
    if options.protocol == "ts2vec":
        words.append("7 time features; origins from the first row of a part")
    if options.rows is not None or options.max_rows is not None:
        words.append(f"rows {options.rows or 'all'}, at most {options.max_rows or 'all'} (the last ones)")
    return TaskSpec.of(
        "forecasting",
        name=options.name,
        family=options.family or ("ett" if options.name.lower() in ETT_SPLITS else None),
        window=lengths.window,
        horizons=lengths.horizons,
        raw_lags=lengths.raw_lags,
        protocol=words,
    )
