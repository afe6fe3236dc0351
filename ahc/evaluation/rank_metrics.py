"""How good a ranking of candidates is, and how sure one can be of a mean over tasks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import kendalltau, spearmanr

Values = NDArray[np.float64]
N_GAPS = 4


class Interval(NamedTuple):
    """A mean with its 95 % bootstrap interval; NaN where nothing was measured."""

    mean: float
    low: float
    high: float


def kendall(scores: Values, *, predicted: Values) -> float:
    """Return Kendall's tau-b; 0 where the prediction is constant."""
    return float(np.nan_to_num(kendalltau(scores, predicted).statistic))


def spearman(scores: Values, *, predicted: Values) -> float:
    """Return Spearman's rank correlation; 0 where the prediction is constant."""
    if np.ptp(predicted) == 0 or np.ptp(scores) == 0:
        return 0.0
    return float(np.nan_to_num(spearmanr(scores, predicted).statistic))


def pairwise_accuracy(scores: Values, *, predicted: Values) -> float:
    """Return the share of pairs in the right order, over all pairs with different scores; a predicted tie is half."""
    right, gaps = _pairs(scores, predicted=predicted)
    return float(right.mean()) if len(gaps) else float("nan")


def accuracy_by_gap(scores: Values, *, predicted: Values) -> Values:
    """Return the pairwise accuracy per quarter of the score gap, smallest gaps first, (N_GAPS,)."""
    right, gaps = _pairs(scores, predicted=predicted)
    parts = np.array_split(right[np.argsort(gaps, kind="stable")], N_GAPS)
    return np.array([part.mean() if len(part) else np.nan for part in parts])


def regret(scores: Values, *, predicted: Values, k: int) -> float:
    """Return how far the best of the first k lies below the best known candidate."""
    chosen = np.argsort(-predicted, kind="stable")[:k]
    return float(scores.max() - scores[chosen].max())


def expected_random_regret(scores: Values, *, k: int) -> float:
    """Return the expected regret of k distinct candidates drawn at random.

    The i-th smallest of n scores is the best of k drawn with probability
    `C(i - 1, k - 1) / C(n, k)`.
    """
    n = len(scores)
    k = min(k, n)
    rank = np.arange(k, n + 1)
    log_choose = gammaln(rank) - gammaln(k) - gammaln(rank - k + 1)
    log_all = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    ordered = np.sort(scores)
    return float(scores.max() - np.exp(log_choose - log_all) @ ordered[k - 1 :])


def bootstrap_mean(
    values: Sequence[float], *, groups: Sequence[str], rng: np.random.Generator, n_draws: int = 2000
) -> Interval:
    """Return the mean over tasks with a 95 % interval from redrawing whole families.

    Tasks of a family are not independent, so a family is drawn with all its tasks.

    Args:
        values: One per task; NaN is left out.
        groups: Family of each task.
        rng: Source of randomness.
        n_draws: Bootstrap samples.
    """
    measured = np.isfinite(values)
    if not measured.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    kept = np.asarray(values, dtype=np.float64)[measured]
    names = np.asarray(groups)[measured]
    families, member = np.unique(names, return_inverse=True)
    totals = np.bincount(member, weights=kept)
    counts = np.bincount(member)
    drawn = rng.integers(len(families), size=(n_draws, len(families)))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(kept.mean()), float(low), float(high))


def _pairs(scores: Values, *, predicted: Values) -> tuple[Values, Values]:
    first, second = np.triu_indices(len(scores), k=1)
    gap = scores[first] - scores[second]
    decided = gap != 0
    agreement = np.sign(gap[decided]) * np.sign(predicted[first] - predicted[second])[decided]
    return (agreement + 1.0) / 2.0, np.abs(gap[decided])
