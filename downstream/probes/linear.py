"""Linear probes: ridge in closed form, for targets and for classes, and logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compute.memory import at_a_time
from downstream.probes.penalties import fit_best
from downstream.probes.ridge import ALPHAS, RidgePath, choose

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
LOGISTIC_GRID: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
MAX_ITERATIONS = 1000
# Above this size one eigendecomposition takes seconds, so features are projected first.
MAX_RANK = 1536
BLOCK_ROWS = 8192
COLUMNS = 4096


@dataclass(frozen=True)
class Standardizer:
    """`(x - mean) / deviation`, fitted on training rows; constant features are only centred."""

    mean: Floats
    deviation: Floats

    @classmethod
    def fit(cls, x: Floats) -> Standardizer:
        """Fit on training rows, (n, d)."""
        mean: Floats = np.asarray(np.mean(x, axis=0, dtype=np.float64))
        deviation = np.empty_like(mean)
        for begin in range(0, len(mean), COLUMNS):  # the float64 of all columns may not fit into memory
            some = slice(begin, begin + COLUMNS)
            deviation[some] = np.std(np.asarray(x[:, some], dtype=np.float64), axis=0)
        return cls(mean, np.where(deviation <= 1e-12 * (np.abs(mean) + 1e-12), 1.0, deviation))

    def __call__(self, x: Floats) -> Floats:
        """Return standardised rows, float64 (n, d)."""
        scaled: Floats = (np.asarray(x, dtype=np.float64) - self.mean) / self.deviation
        return scaled


@dataclass(frozen=True)
class RidgeProbe:
    """Ridge on standardised features; alpha by leave-one-out error in closed form.

    Args:
        path: The fitted ridge.
        alpha: The chosen penalty.
        projection: Random projection of the features, or None, (d, rank).
        on_edge: Whether alpha is the first or last of its grid.
    """

    path: RidgePath
    alpha: float
    projection: Floats | None
    on_edge: bool

    @classmethod
    def fit(
        cls, x: Floats, targets: Floats, *, alphas: tuple[float, ...] = ALPHAS, max_rank: int | None = MAX_RANK
    ) -> RidgeProbe:
        """Fit on standardised rows, (n, d), with targets, (n, m).

        Where both n and d exceed `max_rank` the features go through one fixed Gaussian projection first.
        """
        projection: Floats | None = None
        if max_rank is not None and min(x.shape) > max_rank:
            projection = np.random.default_rng(0).standard_normal((x.shape[1], max_rank)) / np.sqrt(max_rank)
            x = x @ projection
        rows, wanted = torch.as_tensor(x, dtype=torch.float64), torch.as_tensor(targets)
        path = RidgePath.from_rows(rows, wanted)
        chosen = choose(leave_one_out_errors(path, rows, wanted, alphas=alphas), alphas)
        return cls(path, chosen.alpha, projection, chosen.on_edge)

    def predict(self, x: Floats) -> Floats:
        """Return predictions for standardised rows, (n, m)."""
        x = x if self.projection is None else x @ self.projection
        predicted: Floats = self.path.predict(torch.as_tensor(x, dtype=torch.float64), alpha=self.alpha).numpy()
        return predicted

    @property
    def linear(self) -> tuple[Floats, Floats]:
        """The same as weights, (d, m), and intercepts, (m,), for standardised rows."""
        weights, intercept = (part.numpy() for part in self.path.weights(self.alpha))
        return weights if self.projection is None else self.projection @ weights, intercept


@dataclass(frozen=True)
class RidgeClassifier:
    """One-against-rest ridge on targets -1 and +1.

    Args:
        ridge: The fitted ridge.
        classes: Class number of each column, (n_classes,).
    """

    ridge: RidgeProbe
    classes: Integers

    @classmethod
    def fit(
        cls, x: Floats, labels: Integers, *, alphas: tuple[float, ...] = ALPHAS, max_rank: int | None = MAX_RANK
    ) -> RidgeClassifier:
        """Fit on standardised rows, (n, d), with labels, (n,); see `RidgeProbe.fit`.

        Raises:
            ValueError: If there are fewer than two classes.
        """
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(f"RidgeClassifier.fit needs at least two classes, got {classes.tolist()}")
        targets = np.where(labels[:, None] == classes, 1.0, -1.0)
        return cls(RidgeProbe.fit(x, targets, alphas=alphas, max_rank=max_rank), classes)

    def decision(self, x: Floats) -> Floats:
        """Return one score per class, larger = more likely, (n, n_classes)."""
        return self.ridge.predict(x)

    def predict(self, x: Floats) -> Integers:
        """Return the class number of each row, (n,)."""
        predicted: Integers = self.classes[self.decision(x).argmax(axis=1)]
        return predicted


def leave_one_out_errors(
    path: RidgePath, x: torch.Tensor, y: torch.Tensor, *, alphas: tuple[float, ...]
) -> torch.Tensor:
    """Return the mean squared leave-one-out error of each alpha, (n_alphas,).

    The residual without row i is the residual divided by `1 - h_i`, where `h_i`
    is the leverage `1/n + sum_r p_ir^2 / (s_r^2 + alpha)` of the projected row.
    """
    shrink = 1.0 / (path.eigenvalues + torch.tensor(alphas).to(x)[:, None])
    numbers = 5 * x.shape[1] + len(alphas) + 4 * y.shape[1]
    some = at_a_time(BLOCK_ROWS, "row", bytes_each=8 * numbers)
    total = x.new_zeros(len(alphas))
    for first in range(0, len(x), some):
        rows = slice(first, first + some)
        projected = ((x[rows] - path.mean) / path.scale) @ path.basis
        # A leverage of 1 means that the row is fitted exactly whatever its target is.
        left = (1.0 - 1.0 / len(x) - projected**2 @ shrink.T).clamp_min(1e-10)
        centred = y[rows] - path.intercept
        for i in range(len(alphas)):
            residual = (centred - projected @ (path.loadings * shrink[i][:, None])) / left[:, i : i + 1]
            total[i] += (residual**2).sum()
    return total / y.numel()


def fit_logistic(x: Floats, labels: Integers, *, rng_seed: int = 0, n_folds: int = 5) -> Any:
    """Fit multinomial logistic regression; C from `LOGISTIC_GRID` by stratified inner folds.

    With fewer than two cases in the smallest class there is nothing to hold out, and C is 1.

    Returns:
        A fitted scikit-learn classifier; see `fit_best`. One that all its iterations were too few for is good enough.

    Raises:
        NoEndError: If none came to its end in time.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    def new_model(c: float) -> LogisticRegression:
        return LogisticRegression(C=c, max_iter=MAX_ITERATIONS)

    folds = min(n_folds, int(np.unique(labels, return_counts=True)[1].min()))
    if folds < 2:
        model = fit_best(new_model, x, labels, grid=(1.0,))
    else:
        inner = StratifiedKFold(folds, shuffle=True, random_state=rng_seed)
        model = fit_best(new_model, x, labels, grid=LOGISTIC_GRID, splits=list(inner.split(x, labels)))
    if max(model.n_iter_) >= MAX_ITERATIONS:
        early = f"after {MAX_ITERATIONS:,} iterations"
        model.stopped_ = f"{early}; {model.stopped_}" if model.stopped_ else early
    return model
