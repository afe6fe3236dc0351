"""From labelled cases to what a task about them is made of: parts, thinned, scaled and padded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downstream.cases.folds import drawn_folds
from downstream.cases.task import LabelledWindows
from downstream.data.arrays import check_cases
from downstream.data.options import LoadOptions
from downstream.data.parts import GivenParts
from downstream.data.parts import case_facts as part_facts
from downstream.data.raw import CasePair, CaseSet, Floats
from downstream.errors import DataError
from downstream.kinds import task_kind
from downstream.scaling import Scaler, fit_scaler, observed_variates
from downstream.task import Identity, Sealed, TaskSpec, task_hash
from downstream.windows import Windows
from search_space.registry import unknown_name

_SEED_MAX_LENGTH = 512
_TRAIN_SHARE = 0.7
_MOST_PADDING, _LARGEST_PADDED = 20, 64 * 2**20  # times the steps there are; bytes


@dataclass(frozen=True)
class Labels:
    """What the labels of a kind of task mean.

    Args:
        drawn: The word for how a part of the cases is drawn.
        fewest: Cases that a training part needs.
        numbers: `(part)`: the labels of a part as numbers, (n,); `DataError` names a case whose label is none.
        order: `(labels, *, rng)`: all case numbers in an order whose every prefix stands for the whole.
        check: `(labels, *, source)`: `DataError` if nothing can be learned from these training cases.
    """

    drawn: str
    fewest: int
    numbers: Callable[[CaseSet], NDArray[Any]]
    order: Callable[..., NDArray[np.int64]]
    check: Callable[..., None]


@dataclass(frozen=True, eq=False)
class _Cases:
    values: list[Floats]
    labels: NDArray[Any]
    places: NDArray[np.int64]  # in the data, official test cases behind those of training

    def take(self, index: NDArray[np.int64]) -> _Cases:
        return _Cases([self.values[i] for i in index], self.labels[index], self.places[index])

    def thinned(self, factor: int) -> _Cases:
        return replace(self, values=[_thinned(case, factor=factor) for case in self.values])

    def only(self, channels: list[int]) -> _Cases:
        return replace(self, values=[case[:, channels] for case in self.values])

    @property
    def arrays(self) -> list[NDArray[Any]]:
        """What a task's hash sees."""
        lengths = np.asarray([len(case) for case in self.values], dtype=np.int64)
        return [np.concatenate(self.values), lengths, self.labels]


def case_facts(
    data: CasePair, *, kind: str, labels: Labels, options: LoadOptions, hashed: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Pool or split the cases, scale by the training cases, and seal the test cases.

    Args:
        data: Training cases and, where official, test cases.
        kind: Of the task.
        labels: What its labels mean.
        options: See `load_task`.
        hashed: Further facts that move a score.

    Returns:
        The arguments of a `CaseTask`.

    Raises:
        DataError: If train and test do not fit together, or nothing can be learned from the training cases.
    """
    for part in data.parts:
        check_cases(part.cases, source=part.source)
    source = data.train.source
    columns, variates = _columns(data.train, options=options)
    for part in data.parts:
        if len(part.variates) != len(data.train.variates):
            raise DataError(
                f"{part.source}: {len(part.variates)} channels, but {source} has {len(data.train.variates)}"
            )
    parts, n_cases = [], 0
    for part in data.parts:
        places = np.arange(n_cases, n_cases + len(part.cases), dtype=np.int64)
        parts.append(_Cases([case[:, columns] for case in part.cases], labels.numbers(part), places))
        n_cases += len(part.cases)
    names = _own_names(data)
    train, test, folds, how = _divided(parts, names, kind=kind, labels=labels, options=options, source=source)
    if options.max_cases is not None and len(train.values) > options.max_cases:
        order = labels.order(train.labels, rng=np.random.default_rng([options.rng_seed, 1]))
        train = train.take(np.sort(order[: options.max_cases]))
        how.append(f"{len(train.values)} training cases ({labels.drawn}, rng_seed {options.rng_seed})")
    labels.check(train.labels, source=source)
    longest = max(len(case) for case in train.values)
    limit = options.max_length or (_SEED_MAX_LENGTH if options.pool_test else None)
    factor = 1 if limit is None else -(-longest // limit)
    if factor > 1:
        train, test = train.thinned(factor), test and test.thinned(factor)
        how.append(f"steps averaged in groups of {factor} ({longest} steps before)")
    stacked = np.concatenate(train.values)
    seen = observed_variates([stacked], variates=variates, needed=0, source=source)
    if len(seen) < len(variates):
        variates, stacked = tuple(variates[i] for i in seen), stacked[:, seen]
        train, test = train.only(seen), test and test.only(seen)
    scaler = fit_scaler([stacked], variates=variates, source=source)
    how.append(f"scaler fitted on {scaler.n_rows_seen} steps of the training cases")
    windows = _padded(train.values, scaler=scaler, source=source)
    sealed: Sealed[LabelledWindows] = Sealed(None, reason="all cases are for training and validation")
    if test is not None:
        sealed = Sealed(LabelledWindows(_padded(test.values, scaler=scaler, source=source), test.labels))
    spec = TaskSpec.of(kind, name=options.name, family=options.family, window=windows.length, protocol=how)
    facts = {"kind": spec.kind, "window": spec.window, "metric": spec.metric, **(hashed or {})}
    drawn = drawn_folds(train.labels, task_kind(kind).draw_folds, rng_seed=options.folds_seed) if folds else []
    if folds and not _equal(folds, drawn):
        facts["folds"] = [each.tolist() for each in folds]
    return {
        "spec": spec,
        "variates": variates,
        "identity": Identity(columns=variates if data.train.has_names else (), steps=data.train.steps),
        "hash": task_hash(facts, [array for part in (train, test) if part is not None for array in part.arrays]),
        "sealed": sealed,
        "scaler": scaler,
        "windows": windows,
        "labels": train.labels,
        "folds": folds,
        "parts": part_facts(
            names, n_cases=n_cases, train=train.places, test=train.places[:0] if test is None else test.places
        ),
    }


def _columns(train: CaseSet, *, options: LoadOptions) -> tuple[list[int], tuple[str, ...]]:
    places = {name: number for number, name in enumerate(train.variates)}
    for name in options.variates or ():
        if name not in places:
            raise DataError(f"{train.source}: {unknown_name('channel', name, train.variates)}")
    names = options.variates or train.variates
    if options.variates is None and options.known and places.keys() >= set(options.known):
        names = options.known
    return [places[name] for name in names], names


def _divided(
    parts: Sequence[_Cases], names: Sequence[str], *, kind: str, labels: Labels, options: LoadOptions, source: str
) -> tuple[_Cases, _Cases | None, tuple[NDArray[np.int64], ...], list[str]]:
    """Return training cases, test cases, folds where a file names them, and what was done in words."""
    if options.split_file is None:
        train, test, how = _split(parts, labels=labels, options=options, source=source)
        return train, test, (), how
    pooled = _pooled(parts)
    given = GivenParts.read(options.split_file, kind=kind).of_cases(names, n_cases=len(pooled.values), source=source)
    told = f"split as a file says: {len(given.train)} training and {len(given.test)} test cases"
    return pooled.take(given.train), pooled.take(given.test) if len(given.test) else None, given.folds, [told]


def _split(
    parts: Sequence[_Cases], *, labels: Labels, options: LoadOptions, source: str
) -> tuple[_Cases, _Cases | None, list[str]]:
    """Return training cases, test cases, and what was done."""
    train = parts[0]
    if options.pool_test:
        pooled = _pooled(parts)
        parts_said = "official parts pooled" if len(parts) > 1 else "all for training and validation"
        return pooled, None, [f"{len(pooled.values)} cases, {parts_said}"]
    if len(parts) == 2:
        n_train, n_test = (len(part.values) for part in parts)
        return train, parts[1], [f"official split: {n_train} training and {n_test} test cases"]
    labels.check(train.labels, source=source)
    order = labels.order(train.labels, rng=np.random.default_rng([options.rng_seed, 0]))
    n_train = min(max(labels.fewest, round(_TRAIN_SHARE * len(order))), len(order) - 1)
    seed = options.rng_seed
    how = [f"no test file: {labels.drawn} 70/30 split with rng_seed {seed}, {n_train} training cases"]
    return train.take(np.sort(order[:n_train])), train.take(np.sort(order[n_train:])), how


def _pooled(parts: Sequence[_Cases]) -> _Cases:
    """Return the cases of all parts."""
    values, labels = [v for part in parts for v in part.values], np.concatenate([part.labels for part in parts])
    return _Cases(values, labels, np.concatenate([part.places for part in parts]))


def _own_names(data: CasePair) -> tuple[str, ...]:
    """Return the ids of all cases; nothing where some have none, or one is there twice."""
    names = tuple(name for part in data.parts for name in part.names)
    whole = all(part.names for part in data.parts) and len(set(names)) == len(names)
    return names if whole else ()


def _equal(some: Sequence[NDArray[np.int64]], others: Sequence[NDArray[np.int64]]) -> bool:
    return len(some) == len(others) and all(np.array_equal(*pair) for pair in zip(some, others, strict=True))


def _thinned(case: Floats, *, factor: int) -> Floats:
    """Return means over groups of `factor` steps, of what is observed in them, (ceil(time / factor), variates)."""
    missing = -len(case) % factor
    padded = np.concatenate([case, np.full((missing, case.shape[1]), np.nan)])
    groups = padded.reshape(-1, factor, case.shape[1])
    count = (~np.isnan(groups)).sum(axis=1)
    return np.where(count > 0, np.nansum(groups, axis=1) / np.maximum(count, 1), np.nan)


def _padded(cases: Sequence[Floats], *, scaler: Scaler, source: str) -> Windows:
    """Return scaled cases, equally long; those that would fill the memory with nothing are refused."""
    lengths = [len(case) for case in cases]
    length = max(lengths)
    n_padded = length * len(lengths)
    if n_padded > _MOST_PADDING * sum(lengths) and n_padded * 4 > _LARGEST_PADDED:
        raise DataError(
            f"{source}: the cases have {min(lengths)} to {length} steps; made equally long they would need "
            f"{n_padded * 4 >> 20} MiB per channel; leave the longest out or pass max_length=..."
        )
    values = np.full((len(cases), length, cases[0].shape[1]), np.nan, dtype=np.float32)
    for row, case in zip(values, cases, strict=True):
        row[: len(case)] = scaler.transform(case)
    return Windows(values.reshape(n_padded, -1), np.arange(len(cases), dtype=np.int64) * length, length)
