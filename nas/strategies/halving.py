"""`halving`: successive halving (Jamieson & Talwalkar 2016, arXiv:1502.07943) of blind draws, by the latest score."""

import numpy as np

from nas.strategies.candidates import blind
from nas.strategies.race import Race, by_latest
from nas.strategies.strategy import RANDOM, Plan, Source, Strategy


def halving(source: Source, plan: Plan, rng: np.random.Generator) -> Strategy:
    """Return the race of blind draws without landmarks; who leaves a rung does not come back."""
    groups = {RANDOM: blind(source, plan.rungs[0][1])}
    return Race(groups, rungs=plan.rungs, source=source, landmarks=False, standing=by_latest)
