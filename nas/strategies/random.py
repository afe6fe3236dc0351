"""`random`: the race of `landmark`, of blind draws alone."""

import numpy as np

from nas.strategies.candidates import blind
from nas.strategies.race import Race
from nas.strategies.strategy import RANDOM, Plan, Source, Strategy


def random(source: Source, plan: Plan, rng: np.random.Generator) -> Strategy:
    """Return the race of blind draws."""
    return Race({RANDOM: blind(source, plan.landmarks)}, rungs=plan.rungs, source=source)
