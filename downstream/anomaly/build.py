"""From labelled or unlabelled series to an anomaly task."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from downstream.anomaly import reading
from downstream.anomaly.planted import plant_anomalies
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.data.options import LoadOptions
from downstream.data.parts import Ends, GivenParts, series_facts
from downstream.data.raw import Floats, RawSeries, SeriesSet, Source, Tables
from downstream.data.sources import some_of
from downstream.errors import DataError, DataWarning
from downstream.scaling import Scaler, fit_scaler, observed_variates
from downstream.task import Identity, Sealed, TaskSpec, task_hash

_WINDOW = 64
_FIT_SHARE = 0.7  # of the training rows; the rest validates
_FEWEST_VALIDATION_ROWS = 10


plain_series = reading.plain_series


def claims(content: Source) -> bool:
    """Whether data is for anomaly detection: a table with the columns `label` and `split`."""
    return isinstance(content, Tables) and {"label", "split"} <= set(content.tables[0].frame.columns)


def load(content: Source, *, stem: str, options: LoadOptions) -> AnomalyTask:
    """Return the task that a source stands for; see `build_anomaly`."""
    del stem
    return build_anomaly(reading.labelled_series(content, options=options), options=options)


def build_anomaly(data: SeriesSet, *, options: LoadOptions) -> AnomalyTask:
    """Take validation from the end of the training rows, scale by the rows before it, and seal the test rows.

    With `pool_test`, the labelled test rows validate and all training rows train.

    Args:
        data: Series; `n_train` of each says where the test rows begin; not given, half train, or `all_rows`.
        options: See `load_task`.

    Raises:
        DataError: If no series has enough training rows that vary.
    """
    series = [
        _limited(_Series.of(recording, all_rows=options.all_rows), options=options)
        for recording in some_of(data.series, options=options)
    ]
    if options.split_file is not None:
        series = _as_given(series, file=GivenParts.read(options.split_file, kind="anomaly"), data=data)
    pooled = (
        options.pool_test
        and options.split_file is None
        and _has_both([recording.labels[recording.n_train :] for recording in series if recording.is_labelled])
    )
    window = options.window or min(_WINDOW, max(4, max(recording.n_train for recording in series) // 8))
    data, series = _observed(data, series, pooled=pooled)
    every, series = series, _usable(series, window=window, pooled=pooled, data=data)
    used = {recording.name for recording in series}
    scaler = fit_scaler(
        [recording.values[: recording.fit_end] for recording in series],
        variates=data.variates,
        source=data.source,
        constant="centre",
    )
    scaled = [scaler.transform(recording.values, series=i) for i, recording in enumerate(series)]
    test = tuple(
        recording.rows(values, first=recording.n_train, end=len(values))
        for recording, values in zip(series, scaled, strict=True)
        if len(values) > recording.n_train
    )
    validation, how = _validation(series, scaled, window=window, pooled=pooled, options=options)
    ends = tuple(recording.fit_end for recording in series)
    sealed: Sealed[tuple[LabelledRows, ...]] = Sealed(test)
    if options.pool_test or not test:
        reason = "the labelled rows are for validation" if options.pool_test else "there are no test rows"
        sealed = Sealed(None, reason=reason)
    spec = _spec(series, window=window, how=how, options=options, scaler=scaler)
    facts = {
        **{key: getattr(spec, key) for key in ("kind", "window", "metric")},
        "bounds": ends,
        "n_train": [recording.n_train for recording in series],
        "pooled": pooled,
        "planted": [rows.planted for rows in validation],
        "rng_seed": options.rng_seed,
    }
    arrays = [array for recording in series for array in (recording.values, recording.labels)]
    return AnomalyTask(
        spec=spec,
        variates=data.variates,
        identity=Identity(
            columns=data.variates if data.has_names else (),
            series=tuple(recording.name for recording in series) if data.has_ids else (),
        ),
        hash=task_hash(facts, arrays),
        parts=series_facts(
            [(recording.name, len(recording.values), recording.ends(pooled=pooled)) for recording in every],
            left_out=[recording.name not in used for recording in every],
            has_ids=data.has_ids,
        ),
        sealed=sealed,
        series=tuple(values[: recording.n_train] for recording, values in zip(series, scaled, strict=True)),
        names=tuple(recording.name for recording in series),
        labels=tuple(recording.labels[: recording.n_train] for recording in series)
        if all(recording.is_labelled for recording in series)
        else None,
        bounds=ends,
        validation=validation,
        scaler=scaler,
    )


@dataclass(frozen=True, eq=False)
class _Series:
    """A recording whose training rows are settled; labels are zeros where they are not known."""

    name: str
    values: Floats
    labels: NDArray[np.int8]
    is_labelled: bool
    n_train: int
    fit_end: int = 0  # rows before it train, settled once it is known whether test rows validate

    @classmethod
    def of(cls, raw: RawSeries, *, all_rows: bool) -> _Series:
        labels = np.zeros(len(raw.values), dtype=np.int8) if raw.labels is None else raw.labels
        usual = len(raw.values) if all_rows else len(raw.values) // 2
        n_train = usual if raw.n_train is None else raw.n_train
        return cls(raw.name, raw.values, labels, raw.labels is not None, n_train)

    def rows_to_fit(self, *, pooled: bool) -> int:
        """Return how many rows train: all training rows where test rows validate."""
        return self.fit_end or self._usual(pooled=pooled)

    def ends(self, *, pooled: bool) -> Ends:
        """Return where the rows that train, validate and test end."""
        fit_end, n_rows = self.rows_to_fit(pooled=pooled), len(self.values)
        return Ends(fit_end, n_rows if pooled else self.n_train, n_rows)

    def _usual(self, *, pooled: bool) -> int:
        return self.n_train if pooled else int(_FIT_SHARE * self.n_train)

    def rows(self, scaled: NDArray[np.float32], *, first: int, end: int) -> LabelledRows:
        """Return scaled rows to be scored, with all before them as context."""
        labels = self.labels[first:end] if self.is_labelled else None
        return LabelledRows(scaled[:end], labels, context=first, name=self.name)


def _as_given(series: Sequence[_Series], *, file: GivenParts, data: SeriesSet) -> list[_Series]:
    """Return series whose training and validation rows end where a file says."""
    names, rows = [one.name for one in series], [len(one.values) for one in series]
    told = file.of_series(names, rows, has_ids=data.has_ids, source=data.source)
    short = next((one.name for one, own in zip(series, told, strict=True) if own.test != len(one.values)), None)
    if short is not None:
        raise DataError(f"{file.path}: the test rows of series {short!r} must reach to its end")
    return [replace(one, n_train=own.validation, fit_end=own.train) for one, own in zip(series, told, strict=True)]


def _has_both(labels: Sequence[NDArray[np.int8]]) -> bool:
    return bool(labels) and set(np.unique(np.concatenate(labels)).tolist()) == {0, 1}


def _limited(series: _Series, *, options: LoadOptions) -> _Series:
    """Keep the last training rows and, in a seed task, a span of test rows with anomalies."""
    n_train, limit, end = series.n_train, options.max_rows, len(series.values)
    if limit is None:
        return series
    first, test = max(0, n_train - limit), slice(n_train, end)
    if options.pool_test and end - n_train > limit:
        sums = np.cumsum(np.concatenate([[0], series.labels[n_train:]]).astype(np.int64))
        # A span that is anomalous throughout could not be scored: a quarter is enough.
        start = n_train + int(np.argmax(np.minimum(sums[limit:] - sums[:-limit], max(1, limit // 4))))
        test = slice(start, start + limit)
    rows = np.r_[first:n_train, test]
    return replace(series, values=series.values[rows], labels=series.labels[rows], n_train=n_train - first)


def _observed(data: SeriesSet, series: Sequence[_Series], *, pooled: bool) -> tuple[SeriesSet, list[_Series]]:
    """Leave out the variates that have no value in any training row."""
    training = [recording.values[: recording.rows_to_fit(pooled=pooled)] for recording in series]
    kept = observed_variates(training, variates=data.variates, needed=0, source=data.source)
    if len(kept) == len(data.variates):
        return data, list(series)
    names = tuple(data.variates[i] for i in kept)
    return replace(data, variates=names), [replace(one, values=one.values[:, kept]) for one in series]


def _usable(series: Sequence[_Series], *, window: int, pooled: bool, data: SeriesSet) -> list[_Series]:
    """Return the series with enough varying training rows; it is settled where their validation rows begin."""
    kept, problems = [], []
    for recording in series:
        n_train = recording.n_train
        end = recording.rows_to_fit(pooled=pooled)
        rows = recording.values[:end]
        if end < window or (not pooled and n_train - end < _FEWEST_VALIDATION_ROWS):
            problems.append(f"{recording.name}: {n_train} training rows are too few for window {window} and validation")
        elif np.isnan(rows).all(axis=0).any():
            names = [data.variates[i] for i in np.flatnonzero(np.isnan(rows).all(axis=0))]
            problems.append(f"{recording.name}: variate {', '.join(names)} has no value in the training rows")
        elif (np.nanmax(rows, axis=0) == np.nanmin(rows, axis=0)).all():
            problems.append(f"{recording.name}: every variate is constant in the training rows")
        else:
            kept.append(replace(recording, fit_end=end))
    if not kept:
        raise DataError(f"{data.source}: no series can be used: {problems[0]}")
    if problems:
        warnings.warn(
            f"{data.source}: {len(problems)} series left out: {'; '.join(problems)}", DataWarning, stacklevel=3
        )
    return kept


def _validation(
    series: Sequence[_Series],
    scaled: Sequence[NDArray[np.float32]],
    *,
    window: int,
    pooled: bool,
    options: LoadOptions,
) -> tuple[tuple[LabelledRows, ...], str]:
    if pooled:
        parts = [
            recording.rows(values, first=recording.n_train, end=len(values))
            for recording, values in zip(series, scaled, strict=True)
            if recording.is_labelled and len(values) > recording.n_train
        ]
        return tuple(parts), "the labelled test rows validate"
    parts = [
        recording.rows(values, first=recording.fit_end, end=recording.n_train)
        for recording, values in zip(series, scaled, strict=True)
    ]
    if _has_both([part.labels for part in parts if part.labels is not None]):
        return tuple(part for part in parts if part.labels is not None), "validation by real labels"
    rng = np.random.default_rng(options.rng_seed)
    planted = []
    for part in parts:
        values = part.values.copy()
        changed = plant_anomalies(values[part.context :], rng=rng, longest=max(1, window // 2))
        values[part.context :] = changed.values
        planted.append(replace(part, values=values, labels=changed.labels, planted=True))
    return tuple(planted), f"validation by planted anomalies (rng_seed {options.rng_seed})"


def _spec(series: Sequence[_Series], *, window: int, how: str, options: LoadOptions, scaler: Scaler) -> TaskSpec:
    n_train = sum(recording.n_train for recording in series)
    n_test = sum(len(recording.values) for recording in series) - n_train
    words = [
        f"{len(series)} series, {n_train} training and {n_test} test rows",
        how,
        f"scaler fitted on {scaler.n_rows_seen} training rows",
        f"window {window}",
    ]
    if not all(recording.is_labelled for recording in series):
        words.append("no label column: test metrics are not available")
    if options.max_rows is not None:
        words.append(f"at most {options.max_rows} rows of a part")
    return TaskSpec.of("anomaly", name=options.name, family=options.family, window=window, protocol=words)
