"""From labelled cases to a classification task."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.classification.kind import KIND
from downstream.classification.task import ClassificationTask, LabelledWindows
from downstream.data.arrays import check_cases
from downstream.data.options import LoadOptions
from downstream.data.raw import CasePair, CaseSet, Floats
from downstream.data.splitting import stratified_order
from downstream.errors import DataError, DataWarning
from downstream.scaling import Scaler, fit_scaler
from downstream.task import Sealed, TaskSpec, task_hash
from downstream.windows import Windows
from search_space.registry import unknown_name

_SEED_MAX_LENGTH = 512
_TRAIN_SHARE = 0.7
_MOST_PADDING, _LARGEST_PADDED = 20, 64 * 2**20  # times the steps there are; bytes


@dataclass(frozen=True, eq=False)
class _Cases:
    values: list[Floats]
    labels: NDArray[np.int64]

    def take(self, index: NDArray[np.int64]) -> _Cases:
        return _Cases([self.values[i] for i in index], self.labels[index])


def build_classification(data: CasePair, *, options: LoadOptions) -> ClassificationTask:
    """Pool or split the cases, scale by the training cases, and seal the test cases.

    Args:
        data: Training cases and, where official, test cases.
        options: See `load_task`.

    Raises:
        DataError: If there is one class, one case per class, or train and test do not fit together.
    """
    for part in (data.train, data.test):
        if part is not None:
            check_cases(part.cases, source=part.source)
    source = data.train.source
    columns, variates = _columns(data.train, options=options)
    train, test, classes, how = _parts(data, columns=columns, options=options)
    rng = np.random.default_rng([options.rng_seed, 1])
    if options.max_cases is not None and len(train.values) > options.max_cases:
        train = train.take(np.sort(stratified_order(train.labels, rng=rng)[: options.max_cases]))
        how.append(f"{len(train.values)} training cases (stratified, rng_seed {options.rng_seed})")
    _check_classes(train.labels, classes=classes, source=source)
    longest = max(len(case) for case in train.values)
    limit = options.max_length or (_SEED_MAX_LENGTH if options.pool_test else None)
    factor = 1 if limit is None else -(-longest // limit)
    if factor > 1:
        train = _Cases([_thinned(case, factor=factor) for case in train.values], train.labels)
        test = test and _Cases([_thinned(case, factor=factor) for case in test.values], test.labels)
        how.append(f"steps averaged in groups of {factor} ({longest} steps before)")
    scaler = fit_scaler([np.concatenate(train.values)], variates=variates, source=source)
    how.append(f"scaler fitted on {scaler.n_rows_seen} steps of the training cases")
    for some in (train, test):
        _check_padding(some.values if some else [], source=source)
    windows = _padded(train.values, scaler=scaler)
    sealed: Sealed[LabelledWindows] = Sealed(None, reason="a seed task pools the official train and test cases")
    if test is not None:
        sealed = Sealed(LabelledWindows(_padded(test.values, scaler=scaler), test.labels))
    spec = TaskSpec.of(KIND, name=options.name, family=options.family, window=windows.length, protocol=how)
    facts = {"kind": spec.kind, "window": spec.window, "metric": spec.metric, "classes": classes}
    return ClassificationTask(
        spec=spec,
        variates=variates,
        hash=task_hash(facts, _hashed(train, test)),
        sealed=sealed,
        windows=windows,
        labels=train.labels,
        classes=classes,
        scaler=scaler,
    )


def _columns(train: CaseSet, *, options: LoadOptions) -> tuple[list[int], tuple[str, ...]]:
    places = {name: number for number, name in enumerate(train.variates)}
    for name in options.variates or ():
        if name not in places:
            raise DataError(f"{train.source}: {unknown_name('channel', name, train.variates)}")
    names = options.variates or train.variates
    return [places[name] for name in names], names


def _parts(
    data: CasePair, *, columns: list[int], options: LoadOptions
) -> tuple[_Cases, _Cases | None, tuple[str, ...], list[str]]:
    """Return training cases, test cases, class names, and what was done."""
    sets = [part for part in (data.train, data.test) if part is not None]
    for part in sets:
        if len(part.variates) != len(data.train.variates):
            raise DataError(
                f"{part.source}: {len(part.variates)} channels, but {data.train.source} has {len(data.train.variates)}"
            )
    known = sorted(set(data.train.labels), key=_class_order)
    if options.pool_test:
        known = sorted({label for part in sets for label in part.labels}, key=_class_order)
    numbers = {label: number for number, label in enumerate(known)}
    cases = [_numbered(part, columns=columns, numbers=numbers) for part in sets]
    if options.pool_test:
        pooled = _Cases([v for one in cases for v in one.values], np.concatenate([one.labels for one in cases]))
        return pooled, None, tuple(known), [f"seed task: {len(pooled.values)} cases, official parts pooled"]
    if len(cases) == 2:
        how = [f"official split: {len(cases[0].values)} training and {len(cases[1].values)} test cases"]
        return cases[0], cases[1], tuple(known), how
    _check_classes(cases[0].labels, classes=tuple(known), source=data.train.source)
    order = stratified_order(cases[0].labels, rng=np.random.default_rng([options.rng_seed, 0]))
    n_train = min(max(len(known), round(_TRAIN_SHARE * len(order))), len(order) - 1)
    how = [f"no test file: stratified 70/30 split with rng_seed {options.rng_seed}, {n_train} training cases"]
    return cases[0].take(np.sort(order[:n_train])), cases[0].take(np.sort(order[n_train:])), tuple(known), how


def _numbered(part: CaseSet, *, columns: list[int], numbers: dict[str, int]) -> _Cases:
    strange = [(i, label) for i, label in enumerate(part.labels) if label not in numbers]
    if strange:
        case, label = strange[0]
        raise DataError(f"{part.source}: case {case} has the class {label!r}, which no training case has")
    labels = np.asarray([numbers[label] for label in part.labels], dtype=np.int64)
    return _Cases([case[:, columns] for case in part.cases], labels)


def _class_order(label: str) -> tuple[int, float, str]:
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)


def _check_classes(labels: NDArray[np.int64], *, classes: Sequence[str], source: str) -> None:
    counts = np.bincount(labels, minlength=len(classes))
    present = counts[counts > 0]
    if len(present) < 2:
        raise DataError(f"{source}: all training cases have the same class; classification needs at least two")
    if present.max() == 1:
        raise DataError(
            f"{source}: every class has one training case only; validation needs at least two of some class"
        )
    single = [name for name, count in zip(classes, counts, strict=True) if count == 1]
    if single:
        warnings.warn(f"{source}: one training case only: class {', '.join(single)}", DataWarning, stacklevel=4)


def _thinned(case: Floats, *, factor: int) -> Floats:
    """Return means over groups of `factor` steps, of what is observed in them, (ceil(time / factor), variates)."""
    missing = -len(case) % factor
    padded = np.concatenate([case, np.full((missing, case.shape[1]), np.nan)])
    groups = padded.reshape(-1, factor, case.shape[1])
    count = (~np.isnan(groups)).sum(axis=1)
    return np.where(count > 0, np.nansum(groups, axis=1) / np.maximum(count, 1), np.nan)


def _check_padding(cases: Sequence[Floats], *, source: str) -> None:
    """Refuse cases of such unequal length that padding them would fill the memory with nothing."""
    lengths = [len(case) for case in cases]
    padded = max(lengths, default=0) * len(lengths)
    if padded > _MOST_PADDING * sum(lengths) and padded * 4 > _LARGEST_PADDED:
        raise DataError(
            f"{source}: the cases have {min(lengths)} to {max(lengths)} steps; made equally long they would need "
            f"{padded * 4 >> 20} MiB per channel; leave the longest out or pass max_length=..."
        )


def _padded(cases: Sequence[Floats], *, scaler: Scaler) -> Windows:
    length = max(len(case) for case in cases)
    values = np.full((len(cases), length, cases[0].shape[1]), np.nan, dtype=np.float32)
    for row, case in zip(values, cases, strict=True):
        row[: len(case)] = scaler.transform(case)
    return Windows(values.reshape(len(cases) * length, -1), np.arange(len(cases), dtype=np.int64) * length, length)


def _hashed(train: _Cases, test: _Cases | None) -> list[NDArray[np.float64] | NDArray[np.int64]]:
    arrays: list[NDArray[np.float64] | NDArray[np.int64]] = []
    for part in (train, test):
        if part is not None:
            lengths = np.asarray([len(case) for case in part.values], dtype=np.int64)
            arrays += [np.concatenate(part.values), lengths, part.labels]
    return arrays
