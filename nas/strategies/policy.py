"""`policy`: reinforcement learning draws the candidates, in the way of AutoCL (Jing et al. 2024, arXiv:2403.12641).

A controller samples groups of genotypes; each is tried, by default as an untrained landmark, which is cheap and says
most of a score, so that a search has as many rewards as it can have. AutoCL trains each for a while:
`iterations=plan.rungs[0][0]` does so. When the trials are spent, the best of all race on the plan's rungs.
"""

from collections.abc import Sequence

import numpy as np

from ahc.training.comparisons import robust_deviation
from nas.errors import OptionError
from nas.strategies.race import Race
from nas.strategies.strategy import SEARCHED, Plan, Result, Source, Wish

_MOST = 4.0  # deviations, that a reward counts
_PATIENCE = 8  # groups in a row without a new genotype, after which the policy has settled


class Policy:
    """The strategy.

    Args:
        source: Its choices, and the comparator's scores for the race.
        plan: Its landmarks are the trials of the policy.
        rng: Source of randomness.
        update: How the controller learns: `reinforce`, `grpo` or `dapo`.
        group_size: Genotypes sampled at a time.
        iterations: Optimiser steps of each; 0 probes the untrained encoder.
        trials: How many genotypes the policy tries; the plan's landmarks where None.

    Raises:
        OptionError: If there is no such update.
    """

    def __init__(
        self,
        source: Source,
        plan: Plan,
        rng: np.random.Generator,
        *,
        update: str = "grpo",
        group_size: int = 8,
        iterations: int = 0,
        trials: int | None = None,
    ) -> None:
        import torch  # heavy, and no other strategy needs it

        from nas.strategies.policies.controller import Controller, Walk
        from nas.strategies.policies.updates import UPDATES, Learner

        if update not in UPDATES:
            raise OptionError(f"update: must be one of {', '.join(UPDATES)}, got {update!r}")
        self._source, self._plan = source, plan
        self._space, self._group_size, self._iterations = source.choices(), group_size, iterations
        self._left = plan.landmarks if trials is None else trials
        self._controller = Controller(torch.Generator().manual_seed(int(rng.integers(2**63))))
        self._learner = Learner(self._controller, UPDATES[update]())
        self._walks: list[Walk] = []
        self._tried: dict[str, Result] = {}
        self._scale: tuple[float, float] | None = None
        self._race: Race | None = None

    def ask(self) -> list[Wish]:
        """Return the new genotypes of the next group; when the trials are spent, the rungs of the race."""
        settled = 0
        while self._race is None:
            self._learn()
            if self._left <= 0 or settled >= _PATIENCE:
                self._race = self._final_race()
                break
            self._walks = [self._controller.sample(self._space) for _ in range(self._group_size)]
            drawn = {walk.genotype.key: walk.genotype for walk in self._walks if walk.genotype.key not in self._tried}
            new = {key: genotype for key, genotype in drawn.items() if self._source.allows(genotype)}
            refused = {key: Result(drawn[key], self._iterations, ()) for key in drawn.keys() - new.keys()}
            self._tried |= refused  # as bad as the worst of their group
            if new:
                chosen = [*new.values()][: self._left]
                self._left -= len(chosen)
                return [Wish(genotype, self._iterations, SEARCHED) for genotype in chosen]
            settled += 1
        return self._race.ask()

    def tell(self, results: Sequence[Result]) -> None:
        """Take what became of the trials."""
        if self._race is not None:
            self._race.tell(results)
        else:
            self._tried |= {result.genotype.key: result for result in results}

    def _learn(self) -> None:
        """Let the controller learn from the last group; what failed is as bad as the worst of it."""
        import torch

        walks = [walk for walk in self._walks if walk.genotype.key in self._tried]
        curves = [self._tried[walk.genotype.key].curve for walk in walks]
        if not any(curves):
            return
        scores = np.array([curve[-1][1] if curve else np.nan for curve in curves])
        scores = np.where(np.isnan(scores), np.nanmin(scores), scores)
        self._scale = self._scale or (float(np.median(scores)), robust_deviation(scores))
        rewards = np.clip((scores - self._scale[0]) / self._scale[1], -_MOST, _MOST)
        self._learner.learn(walks, torch.from_numpy(rewards).float())

    def _final_race(self) -> Race:
        known = [result for result in self._tried.values() if result.curve]
        groups = {SEARCHED: [result.genotype for result in known]}
        return Race(groups, rungs=self._plan.rungs, source=self._source, landmarks=False, known=known)
