"""Which trials teach the comparator most: shared and random candidates, repeats, and children of the best.

Every wave follows from its settings, the task, and what earlier waves left in the bank.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from ahc.bank import Bank
from downstream.task import Task
from nas.choosing.candidates import draw_candidates, space_for
from nas.trials.trial import TrialPlan, trial_protocol
from search_space.drawing import SamplingError, crossover, mutate
from search_space.genotype import Genotype
from search_space.presets import PRESETS, preset
from search_space.space import Space, default_space

SHARED_STREAM, RANDOM_STREAM, EVOLVED_STREAM, REPEAT_STREAM = 1, 2, 3, 4
PARENTS = 6
_PATIENCE = 200  # children in a row that are none or known; then the space has no more
SHARED_PRESETS = ("autocl_ggs", "notes_best", "simclr", "ts2vec")
"""Presets that every task trains, whatever the space: whole strategies, which every bank can be compared by."""


@dataclass(frozen=True)
class Waves:
    """The trials of each task, in three waves.

    Args:
        genotypes: Candidates per task: a third shared, a third random, a third around the best so far.
        iterations: Of every trial.
        repeats: Share of the candidates that is run once more with another rng_seed.
        rng_seed: Of whatever is drawn, and of the trials.
        space: Where candidates are drawn from; one that holds fewer than a wave wants gives all of them.
    """

    genotypes: int
    iterations: int
    repeats: float
    rng_seed: int
    space: Space = field(default_factory=default_space)

    def __iter__(self) -> Iterator[tuple[str, Callable[[Task, Bank], list[TrialPlan]]]]:
        """Yield each wave with its name, in their order."""
        yield "first wave", lambda task, bank: self.first(task)
        yield "repeat wave", self.repeat
        yield "evolved wave", self.evolved

    @property
    def n_later(self) -> int:
        """How many trials of a task the later waves have: which ones follows from the first."""
        third = math.ceil(self.genotypes / 3)
        return math.ceil(self.repeats * self.genotypes) + max(self.genotypes - 2 * third, 0)

    def first(self, task: Task) -> list[TrialPlan]:
        """Return the shared candidates (presets first, the same for all tasks) and this task's random ones."""
        third = math.ceil(self.genotypes / 3)
        named = [preset(name, kind=task.spec.kind) for name in SHARED_PRESETS][:third]
        shared = named + self._sample(third - len(named), SHARED_STREAM, task=None)
        known = {genotype.key for genotype in shared}
        fresh = [g for g in self._sample(2 * third, RANDOM_STREAM, task=task) if g.key not in known][:third]
        return [*self._plans(shared, "shared"), *self._plans(fresh, "random")]

    def repeat(self, task: Task, bank: Bank) -> list[TrialPlan]:
        """Repeat a share of the first wave with other rng_seeds: half of it among the best, half at random."""
        n = math.ceil(self.repeats * self.genotypes)
        ranked = completed(task, bank, self.first(task))
        best = ranked[: n // 2]
        rest = ranked[n // 2 :]
        drawn = [rest[index] for index in self._rng(REPEAT_STREAM, task=task).permutation(len(rest))[: n - len(best)]]
        return [
            TrialPlan(genotype, self.iterations, self.rng_seed + 1 + number % 2, "repeat")
            for number, genotype in enumerate(best + drawn)
        ]

    def evolved(self, task: Task, bank: Bank) -> list[TrialPlan]:
        """Return children of the best of the first wave: mutations and crossovers.

        Presets are no parents: most lie outside the space that a search samples from, and so would their children.
        """
        first = self.first(task)
        presets = {preset(name, kind=task.spec.kind).key for name in PRESETS}
        sampled = [plan for plan in first if plan.genotype.key not in presets]
        parents = completed(task, bank, sampled)[:PARENTS]
        known = {plan.genotype.key for plan in first}
        rng = self._rng(EVOLVED_STREAM, task=task)
        space = space_for(task, self.space)
        children: list[Genotype] = []
        fruitless = 0
        while parents and len(children) < self.genotypes - len(first) and fruitless < _PATIENCE:
            mother, father = (parents[index] for index in rng.integers(len(parents), size=2))
            parent = mother if rng.random() < 0.5 else crossover(mother, father, rng, space=space)
            fruitless += 1
            with suppress(SamplingError):
                child = mutate(parent, rng, space)
                if child.key not in known:
                    known.add(child.key)
                    children.append(child)
                    fruitless = 0
        return self._plans(children, "evolved")

    def _plans(self, genotypes: list[Genotype], origin: str) -> list[TrialPlan]:
        return [TrialPlan(genotype, self.iterations, self.rng_seed, origin) for genotype in genotypes]

    def _sample(self, n: int, stream: int, *, task: Task | None) -> list[Genotype]:
        return list(draw_candidates(max(n, 0), self._rng(stream, task=task), space_for(task, self.space)))

    def _rng(self, stream: int, *, task: Task | None) -> np.random.Generator:
        """Return a generator that depends on the stream, the rng_seed and the task alone."""
        entropy = [self.rng_seed, stream] + ([] if task is None else [int(task.hash, 16)])
        return np.random.default_rng(entropy)


def completed(task: Task, bank: Bank, plans: list[TrialPlan]) -> list[Genotype]:
    """Return the plans' genotypes that completed, the best first."""
    if not plans:
        return []
    records = {
        (record.genotype_key, record.rng_seed): record
        for record in bank.records(
            task_hash=task.hash, protocol=trial_protocol(task), iterations=plans[0].iterations, status="completed"
        )
    }
    sign = -1.0 if task.spec.higher_is_better else 1.0
    scored = [
        (sign * record.score, plan.genotype.key, plan.genotype)
        for plan in plans
        if (record := records.get((plan.genotype.key, plan.rng_seed))) is not None and record.score is not None
    ]
    return [genotype for *_, genotype in sorted(scored, key=lambda item: item[:2])]
