"""What a full training would give, from what is known of a candidate so far: one Gaussian model.

Notation: q(t) is the quality after the share t of all iterations, q(0) ~ N(slope prior, A^2), where prior is what the
comparator says of the untrained encoder; q gains N(g, G^2) from each share in `SHARES` to the next, evenly between
them, and lift times the gain that the comparator foresees for the candidate, which comes as the variance does. A score
is y(t) = q(t) + e(t), e ~ N(0, noise^2) with correlation rho between the points of one candidate, which are scored on
the same validation cases. All scores are in robust deviations between the untrained candidates of the task.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Curve = Sequence[tuple[float, float]]
SHARES = (0.0, 0.125, 0.5, 1.0)
"""Where the trials of a bank have points, as `nas.seeding.waves` probes them: 0, 25, 100 and 200 of 200 iterations."""
_JITTER = 1e-9


@dataclass(frozen=True)
class Constants:
    """The numbers of the model, as `fitting.fit_constants` finds them on a bank.

    Args:
        spread: A, of untrained candidates around their prior.
        gains: g, the mean gain to each share after the first.
        gain_spreads: G, its deviation.
        correlation: rho.
        slope: Of q(0) on what the comparator says of the untrained encoder.
        lift: Of the gain on what the comparator says of it.
    """

    spread: float
    gains: tuple[float, float, float]
    gain_spreads: tuple[float, float, float]
    correlation: float
    slope: float
    lift: float = 1.0


SHIPPED = Constants(0.55, (0.0, 0.0, 0.0), (0.30, 0.22, 0.08), 0.92, slope=1.0, lift=0.27)
"""Of the shipped bank, with comparators that had not seen a task's family (five parts): spread, slope and lift were
.60, 1.15 and .19 before the fixed probes were tried on the task, .55, 1.01 and .27 after. A test compares with
ridges."""


@dataclass(frozen=True)
class Belief:
    """What is believed of candidates.

    Args:
        mean: Of the quality at the end, (candidates,).
        sd: Its deviation, (candidates,).
        points: Mean quality at each point of each curve: what noise leaves of the scores when a point is chosen.
    """

    mean: Values
    sd: Values
    points: list[Values]


def posterior(
    curves: Sequence[Curve],
    *,
    noise: Values,
    prior: Values,
    gains: Values | None = None,
    constants: Constants = SHIPPED,
) -> Belief:
    """Condition the model on curves, exactly.

    Args:
        curves: Of each candidate, (share of the iterations, score) of each point; empty where nothing is known.
        noise: Standard error of a score of each candidate; infinite where it says nothing, (candidates,).
        prior: What the comparator says of untrained encoders, (candidates,).
        gains: What it says of the gains of a full training, (candidates,); 0 where None.
        constants: Of the model.
    """
    n, width = len(curves), max((len(curve) for curve in curves), default=0)
    shares, scores = np.zeros((2, n, width))
    seen = np.zeros((n, width), dtype=bool)
    for row, curve in enumerate(curves):
        for at, (share, score) in enumerate(curve):
            shares[row, at], scores[row, at], seen[row, at] = share, score, np.isfinite(noise[row])
    told = np.where(seen[:, :, None] & seen[:, None, :], 1.0, 0.0)  # (candidates, points, points)
    error = np.where(np.isfinite(noise), noise, 0.0)[:, None, None] ** 2
    alike = constants.correlation + (1.0 - constants.correlation) * np.eye(width)
    covariance = told * (_covariance(shares, shares, constants) + error * alike)
    covariance += np.eye(width) * np.where(seen, _JITTER, 1.0)[:, None, :]  # what is not seen stands alone
    asked = np.concatenate([shares, np.ones((n, 1))], axis=1)
    between = _covariance(asked, shares, constants) * seen[:, None, :]
    foreseen = np.zeros(n) if gains is None else np.asarray(gains, dtype=np.float64)
    expected = constants.slope * prior[:, None] + _drift(asked, foreseen, constants)
    surprise = np.where(seen, scores - expected[:, :width], 0.0)
    weights = np.linalg.solve(covariance, between.transpose(0, 2, 1)).transpose(0, 2, 1)
    mean = expected + np.einsum("cap,cp->ca", weights, surprise)
    known = np.einsum("cp,cp->c", weights[:, -1], between[:, -1])
    variance = _covariance(asked[:, -1:], asked[:, -1:], constants)[:, 0, 0] - known
    points = [mean[row, : len(curve)] for row, curve in enumerate(curves)]
    return Belief(mean[:, -1], np.sqrt(np.maximum(variance, 0.0)), points)


def _drift(shares: Values, foreseen: Values, constants: Constants) -> Values:
    """Return the expected gain until each share, (candidates, shares)."""
    usual = np.interp(shares, SHARES, np.cumsum([0.0, *constants.gains]))
    grown = np.cumsum([0.0, *np.square(constants.gain_spreads)])
    come = np.interp(shares, SHARES, grown / max(grown[-1], 1e-12))
    return np.asarray(usual + constants.lift * foreseen[:, None] * come)


def _covariance(one: Values, other: Values, constants: Constants) -> Values:
    """Return the covariance of qualities at shares, (candidates, of one, of other)."""
    shared = np.minimum(one[:, :, None], other[:, None, :])
    grown = np.interp(shared, SHARES, np.cumsum([0.0, *np.square(constants.gain_spreads)]))
    return np.asarray(constants.spread**2 + grown)
