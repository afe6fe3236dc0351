"""How large the values of a window are: what an encoder that learnt to ignore scale and level does not say."""

from typing import NamedTuple, Self

import numpy as np

from downstream.anomaly.detection.parts._part import Cuts, Floats, PartByVariate

_TO_DEVIATION = 1.4826  # of a normal distribution, by its median absolute deviation
_LEAST_SHARE = 0.1
_LEAST = 1e-3


class _Usual(NamedTuple):
    level: Floats
    spread: Floats


class Amplitude(PartByVariate):
    """Root mean square of |value - usual median| / usual median deviation, over the steps and variates of a window.

    The spread is at least a tenth of the standard deviation, for a variate that mostly rests. One that never moves in
    normal rows counts in its own unit.

    Source: that contrastive scores lack amplitude and gain by it is the finding of PAI, 2026, arXiv:2606.08935; its
    formulas are others. A level shift between the halves of a window added nothing to this.
    """

    def __init__(self, usual: _Usual) -> None:
        self._usual = usual

    @classmethod
    def fit(cls, known: Cuts) -> Self:
        """Take median and spread of normal windows."""
        rows = known.values.reshape(-1, known.values.shape[2]).astype(np.float64)
        level = np.median(rows, axis=0)
        spread = np.maximum(_TO_DEVIATION * np.median(np.abs(rows - level), axis=0), _LEAST_SHARE * rows.std(axis=0))
        return cls(_Usual(level, np.where(spread < _LEAST, 1.0, spread)))

    def squares(self, asked: Cuts) -> Floats:
        """Return mean squares over the steps, divided by the number of variates, (n, variates)."""
        away = (asked.values - self._usual.level) / self._usual.spread
        return np.asarray(np.square(away).mean(axis=1) / asked.values.shape[2])
