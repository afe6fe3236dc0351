"""What the main directions of normal windows leave over of a window."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from downstream.anomaly.detection.parts._part import Cuts, Floats, PartByVariate, Places

KEPT_SHARE = 0.9
"""Of the variance of normal windows, by the directions that are kept."""
_MOST_DIRECTIONS = 160
_LONG = 500  # numbers of a window above which only the first directions are computed
_FOLDS = 4


class _Directions(NamedTuple):
    mean: Floats
    directions: Floats

    @classmethod
    def of(cls, rows: Floats) -> Self:
        """Return the fewest directions that hold the share, from windows (n, d)."""
        mean = rows.mean(axis=0)
        if len(rows) < 2 or np.allclose(rows, mean):
            return cls(mean, np.zeros((0, rows.shape[1]), dtype=rows.dtype))
        most = min(len(rows) - 1, rows.shape[1], _MOST_DIRECTIONS)
        pca = PCA(most, svd_solver="randomized" if rows.shape[1] > _LONG else "full", random_state=0).fit(rows)
        share = np.cumsum(pca.explained_variance_ratio_)
        return cls(mean, pca.components_[: int(np.searchsorted(share, KEPT_SHARE)) + 1])

    def residuals(self, rows: Floats) -> Floats:
        """Return what is left of windows, (n, d)."""
        away = rows - self.mean
        return np.asarray(away - (away @ self.directions.T) @ self.directions)


class SubPCA(PartByVariate):
    """Distance of a window to the space of the principal components that hold 90 % of the normal variance.

    A normal window is measured by the components of other quarters of the recording, as none is its own measure.

    Source: subsequence PCA, as in TSB-AD (Liu and Paparrizos 2024, NeurIPS), which weights distances to the directions
    instead.
    """

    def __init__(self, known: Cuts) -> None:
        assert known.places is not None
        self._rows, self._places = known.flat(), known.places
        self._all = _Directions.of(self._rows)
        self._without: dict[int, _Directions] = {}

    @classmethod
    def fit(cls, known: Cuts) -> Self:
        """Find the components of normal windows."""
        return cls(known)

    def squares(self, asked: Cuts) -> Floats:
        """Return the squares of what is left over, summed over steps, (n, variates)."""
        rows = asked.flat()
        left = np.empty_like(rows)
        folds = self._folds(asked.places, n=len(rows))
        for fold in np.unique(folds):
            left[folds == fold] = self._directions(int(fold), asked.values.shape[1]).residuals(rows[folds == fold])
        return np.asarray(np.square(left.reshape(asked.values.shape)).sum(axis=1))

    def _folds(self, places: Places | None, *, n: int) -> NDArray[np.int64]:
        """Return which quarter of the normal recording a window lies in, -1 for none, (n,)."""
        if places is None:
            return np.full(n, -1)
        first, last = self._places[0], self._places[-1]
        quarter = (places - first) * _FOLDS // max(1, last - first + 1)
        return np.where((places >= first) & (places <= last), quarter, -1)

    def _directions(self, fold: int, window: int) -> _Directions:
        """Return the components without a quarter and the windows that reach into it, if enough remain."""
        if fold not in self._without:
            inside = self._places[self._folds(self._places, n=len(self._places)) == fold]
            others = np.ones(len(self._places), dtype=np.bool_)
            if fold >= 0 and len(inside):
                others = (self._places <= inside[0] - window) | (self._places >= inside[-1] + window)
            self._without[fold] = self._all if others.sum() < 2 or others.all() else _Directions.of(self._rows[others])
        return self._without[fold]
