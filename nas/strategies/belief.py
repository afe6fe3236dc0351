"""What is believed of the candidates of one task that were tried, in robust deviations between them, untrained."""

from collections.abc import Sequence

import numpy as np

from ahc.posterior import SHIPPED, Belief, Constants, posterior
from ahc.training.comparisons import robust_deviation
from nas.strategies.strategy import Result


def believe(
    results: Sequence[Result],
    *,
    prior: Sequence[float],
    gains: Sequence[float] = (),
    iterations: int,
    constants: Constants = SHIPPED,
) -> Belief:
    """Return what is believed of candidates that were tried on one task, each with a curve.

    Args:
        results: One of each candidate.
        prior: What the comparator says of untrained encoders; 0 where nothing is known.
        gains: What it says of the gains of training; 0 where none are given.
        iterations: Of a full training.
        constants: Of the model.
    """
    first = np.array([result.curve[0][1] for result in results])
    centre, unit = float(np.median(first)), robust_deviation(first)
    curves = [[(at / iterations, (score - centre) / unit) for at, score in result.curve] for result in results]
    noise = np.array([result.noise for result in results]) / unit
    return posterior(
        curves,
        noise=noise,
        prior=np.asarray(prior, dtype=np.float64),
        gains=np.asarray(gains, dtype=np.float64) if gains else None,
        constants=constants,
    )
