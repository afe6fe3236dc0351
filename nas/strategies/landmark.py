"""`landmark`: many candidates are probed untrained on the task itself, half of them blind draws, and the best race."""

import numpy as np

from nas.strategies.candidates import begin, blind
from nas.strategies.race import Race
from nas.strategies.strategy import RANDOM, SEARCHED, Plan, Source, Strategy


def landmark(source: Source, plan: Plan, rng: np.random.Generator) -> Strategy:
    """Return the race of known and ranked candidates beside as many blind ones."""
    n_blind = plan.landmarks // 2
    searched = begin(source, plan.landmarks - n_blind)
    groups = {SEARCHED: searched, RANDOM: blind(source, n_blind, beside=searched)}
    return Race(groups, rungs=plan.rungs, source=source)
