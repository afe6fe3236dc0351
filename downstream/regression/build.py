"""From cases with targets to a regression task."""

import numpy as np
from numpy.typing import NDArray

from downstream.cases import reading
from downstream.cases.build import Labels, case_facts
from downstream.data.columns.values import LARGEST
from downstream.data.options import LoadOptions
from downstream.data.raw import CasePair, CaseSet, Source
from downstream.errors import DataError
from downstream.regression.task import RegressionTask

_LEAST_RANGE = 1e-100


def claims(content: Source) -> bool:
    """Whether data is for regression: files of cases that say so themselves (`.ts` with `@targetlabel true`)."""
    return isinstance(content, CasePair) and content.train.has_targets


plain_series = reading.plain_series


def load(content: Source, *, stem: str, options: LoadOptions) -> RegressionTask:
    """Return the task that cases with targets stand for; see `case_facts`.

    Raises:
        DataError: If a target is missing or no finite number, or all training cases have the same.
    """
    del stem
    data = reading.read_cases(content, options=options)
    labels = Labels("random", 2, numbers=_targets, order=_random_order, check=_check_differ)
    return RegressionTask(**case_facts(data, kind="regression", labels=labels, options=options))


def _targets(part: CaseSet) -> NDArray[np.float64]:
    targets = np.asarray([_number(label) for label in part.labels], dtype=np.float64)
    wrong = np.flatnonzero(~(np.abs(targets) <= LARGEST))
    if len(wrong):
        case = int(wrong[0])
        raise DataError(
            f"{part.source}: case {case} has the target {str(part.labels[case])!r}; targets must be finite numbers, "
            f"at most {LARGEST:g}"
        )
    return targets


def _random_order(labels: NDArray[np.float64], *, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permutation(len(labels))


def _check_differ(labels: NDArray[np.float64], *, source: str) -> None:
    if labels.min() == labels.max():
        raise DataError(f"{source}: all training cases have the target {labels[0]:g}; there is nothing to predict")
    if labels.max() - labels.min() < _LEAST_RANGE:
        raise DataError(
            f"{source}: the targets differ by {labels.max() - labels.min():.3g}, so that squared errors vanish; "
            "give them in another unit"
        )


def _number(label: object) -> float:
    """Return the number that a label is or, as text, says; NaN where that is none."""
    try:
        return float(label)  # type: ignore[arg-type]  # what is no number says so
    except (TypeError, ValueError, OverflowError):
        return float("nan")
