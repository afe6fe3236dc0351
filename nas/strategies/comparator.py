"""`comparator`: its best are trained without a look at any landmark, beside as many blind draws."""

import numpy as np

from nas.errors import OptionError
from nas.strategies.candidates import blind, designs
from nas.strategies.race import Race
from nas.strategies.strategy import RANDOM, SEARCHED, Plan, Source, Strategy


def comparator(source: Source, plan: Plan, rng: np.random.Generator) -> Strategy:
    """Return the race of the comparator's best and the blind ones, from the first rung on.

    Raises:
        OptionError: If nothing was ranked.
    """
    places = plan.rungs[0][1]
    n_blind = max(1, places // 2)
    n_ranked = max(1, places - n_blind)
    ranked = designs(source, n_ranked)
    if not ranked:
        raise OptionError("strategy comparator: needs a comparator that ranked candidates, got none")
    groups = {SEARCHED: ranked, RANDOM: blind(source, n_blind, beside=ranked)}
    return Race(groups, rungs=plan.rungs, source=source, landmarks=False)
