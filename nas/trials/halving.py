"""Successive halving: many candidates get little training, the better half of them all of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.trials.runner import Trained, TrialRunner
from nas.trials.trial import TrialPlan
from search_space.genotype import Genotype

FIRST_ROUND_SHARE = 0.25
Groups = Mapping[str, Sequence[Genotype]]


@dataclass(frozen=True)
class Halving:
    """Two rounds of trials, in which groups of candidates share the workers; a group of one has the last round only.

    Args:
        iterations: Of the last round; the first one has a quarter of them.
        rng_seed: Of every trial.
        extra: Further candidates, fully trained beside the first round there is.
    """

    iterations: int
    rng_seed: int
    extra: tuple[Genotype, ...] = ()

    def planned(self, groups: Groups) -> tuple[list[TrialPlan], list[TrialPlan]]:
        """Return the trials of both rounds.

        Which candidates are the better half is not known yet: the last round is made of the first of each group.
        """
        first = [plan for plans in self._first(groups).values() for plan in plans]
        last = self._plans([genotype for group in groups.values() for genotype in group[: math.ceil(len(group) / 2)]])
        extra = self._plans(self.extra)
        return ([*extra, *first], last) if first else ([], [*extra, *last])

    def run(self, groups: Groups, runner: TrialRunner) -> tuple[dict[str, list[Trained]], dict[str, Trained]]:
        """Train all candidates.

        Returns:
            Per group its fully trained candidates, the best on validation first - where there is none, those of the
            first round; and the trained extras by their keys.
        """
        first, extra = self._first(groups), self._plans(self.extra)
        better: dict[str, list[Trained]] = {}
        done: dict[str, Trained] = {}
        if first:
            plans = [*extra, *(plan for group in first.values() for plan in group)]
            done = runner.run(plans, name="train, first round", later=self.planned(groups)[1])
            better = {name: _best_first(plans, done) for name, plans in first.items()}
        finalists = {
            name: self._plans(
                [trained.genotype for trained in better[name][: math.ceil(len(group) / 2)]] if name in better else group
            )
            for name, group in groups.items()
        }
        beside = [] if first else extra  # without a first round, all share the workers at once
        last = runner.run(
            [*beside, *(plan for plans in finalists.values() for plan in plans)], name="train, last round"
        )
        done |= {plan.id: last[plan.id] for plan in beside if plan.id in last}
        ranked = {name: _best_first(plans, last) or better.get(name, []) for name, plans in finalists.items()}
        return ranked, {plan.genotype.key: done[plan.id] for plan in extra if plan.id in done}

    def untrained(self, genotype: Genotype) -> TrialPlan:
        """Return the trial that only probes a candidate's untrained encoder."""
        return TrialPlan(genotype, 0, self.rng_seed, "search")

    def _first(self, groups: Groups) -> dict[str, list[TrialPlan]]:
        short = max(1, round(FIRST_ROUND_SHARE * self.iterations))
        return {name: self._plans(group, short) for name, group in groups.items() if len(group) > 1}

    def _plans(self, genotypes: Sequence[Genotype], iterations: int | None = None) -> list[TrialPlan]:
        iterations = self.iterations if iterations is None else iterations
        return [TrialPlan(genotype, iterations, self.rng_seed, "search") for genotype in genotypes]


def _best_first(plans: Sequence[TrialPlan], done: Mapping[str, Trained]) -> list[Trained]:
    trained = [done[plan.id] for plan in plans if plan.id in done]
    return sorted(trained, key=lambda candidate: -candidate.record.oriented_score)
