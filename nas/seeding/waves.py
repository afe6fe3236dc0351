"""Which trials teach the comparator most: many untrained probes, and training of the few that they single out.

Every wave follows from its settings, the task, and what earlier waves left in the bank.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ahc.bank import Bank
from ahc.checkpoint import load_comparator
from ahc.comparator import Comparator
from ahc.record import EVOLVED, TrialRecord
from downstream.task import Task
from nas.choosing.candidates import draw_candidates, sizes, space_for
from nas.choosing.portfolio import portfolio
from nas.seeding.promising import single_out
from nas.trials.trial import TrialPlan, trial_protocol
from search_space.drawing import SamplingError, crossover, mutate
from search_space.genotype import Genotype
from search_space.genotype.requirements import unmet
from search_space.presets import preset
from search_space.space import Space, default_space

POOL_STREAM, RANDOM_STREAM, EVOLVED_STREAM, REPEAT_STREAM, TRAINED_STREAM = 1, 2, 3, 4, 5
POOL = 12
"""How many times as many genotypes as a task takes lie in the pool that all tasks take theirs from, so that most are
tried on several tasks."""
SHARED = 5 / 8
"""The part of a first wave that all tasks share; presets that differ untrained come first."""
PARENTS = 6
PROMISING = "promising"
RUNGS = (8, 2, 1)
"""Trials are probed after the iterations of a full one divided by these."""
TRAINED_PRESETS = (
    "rocket_contrastive",
    "ts2vec",
    "hydra_spectral",
    "simclr",
    "rocket_spectral",
    "autocl_ggs",
    "vicreg",
    "notes_best",
    "ts_tcc",
    "cost",
    "paano",
    "patchtst",
)
"""Presets that every task trains, as far as there is room: whole strategies, by which all tasks can be compared."""
_LENGTHS = (8, 8, 2, 1)  # by these the iterations of every four candidates are divided, cheap ones first
_PATIENCE = 200  # children in a row that are none or known; then the space has no more

Wave = Callable[[Task, Bank], list[TrialPlan]]


@dataclass(frozen=True)
class Waves:
    """The trials of each task, wave by wave.

    Args:
        probes: Candidates of a task whose untrained encoders are probed: presets and others that all tasks share, some
            of a pool, a third around the best so far.
        genotypes: Candidates of a task that are trained: half of them presets, half of them of those that were probed.
        iterations: Of a full trial, which a quarter of them get; another quarter gets half, the rest an eighth.
        promising: How many more are trained, which a comparator singles out of all that were probed.
        repeats: Share of the candidates that is run twice more with other rng_seeds.
        rng_seed: Of whatever is drawn, and of the trials.
        affordable: By kind of task, what a search would take for a landmark; where a kind is not there, everything.
        trainable: By kind of task, what a search would train; where a kind is not there, everything.
        comparator: Loads the one that singles out.
        space: Where candidates are drawn from; one that holds fewer than a wave wants gives all of them.
    """

    probes: int
    genotypes: int
    promising: int
    iterations: int
    repeats: float
    rng_seed: int
    affordable: Mapping[str, Callable[[Genotype], bool]] = field(default_factory=dict)
    trainable: Mapping[str, Callable[[Genotype], bool]] = field(default_factory=dict)
    comparator: Callable[[], Comparator] = load_comparator
    space: Space = field(default_factory=default_space)

    def __iter__(self) -> Iterator[tuple[str, Wave]]:
        """Yield each wave with its name, in their order."""
        yield "probes", lambda task, bank: self.first(task)
        yield "repeated probes", lambda task, bank: self._repeated(task, bank, self.first(task))
        yield "training", self.training
        yield "repeated training", lambda task, bank: self._repeated(task, bank, self.training(task, bank))
        yield "probes around the best", self.evolved
        yield "training of the promising", self.promising_of

    @property
    def later(self) -> Counter[int]:
        """How many trials of a task the later waves have at most, by their iterations: which follows from the first."""
        lengths = Counter(self._length(at) for count in (self.genotypes, self.promising) for at in range(count))
        lengths[0] += self.probes // 3 + 2 * math.ceil(self.repeats * (self.probes - self.probes // 3))
        lengths[self.iterations] += 2 * math.ceil(self.repeats * self.genotypes)
        return lengths

    def first(self, task: Task) -> list[TrialPlan]:
        """Return the untrained probes of shared candidates and of this task's share of the pool."""
        n = self.probes - self.probes // 3
        pool = self._pool(n)
        allowed = self.affordable.get(task.spec.kind, _everything)
        presets = [genotype for genotype in portfolio(task.spec.kind) if not unmet(genotype, **sizes(task))]
        if not task.kind.whole_cases:  # where every step is represented, some presets take as long as a whole wave
            presets = [genotype for genotype in presets if allowed(genotype)]
        shared = _different(itertools.chain(presets, filter(allowed, pool)), int(SHARED * n))
        own = self._rng(RANDOM_STREAM, task=task).permutation(len(pool))
        drawn = _different(itertools.chain(shared, filter(allowed, (pool[at] for at in own))), n)[len(shared) :]
        return [*self._probes(shared, "shared"), *self._probes(drawn, "random")]

    def evolved(self, task: Task, bank: Bank) -> list[TrialPlan]:
        """Return untrained probes of children of the best of the first wave: mutations and crossovers.

        Presets are no parents: most lie outside the space that a search samples from, and so would their children.
        """
        known = {plan.genotype.key for plan in self.first(task)}
        presets = {genotype.key for genotype in portfolio(task.spec.kind)}
        first = [record for record in self._done(task, bank) if record.genotype_key in known - presets]
        best = sorted(first, key=lambda record: (-record.oriented_score, record.genotype_key))
        parents = [Genotype.from_dict(dict(record.genotype)) for record in best[:PARENTS]]
        rng = self._rng(EVOLVED_STREAM, task=task)
        space = space_for(task, self.space)
        allowed = self.affordable.get(task.spec.kind, _everything)
        children: list[Genotype] = []
        fruitless = 0
        while parents and len(children) < self.probes // 3 and fruitless < _PATIENCE:
            mother, father = (parents[index] for index in rng.integers(len(parents), size=2))
            parent = mother if rng.random() < 0.5 else crossover(mother, father, rng, space=space)
            fruitless += 1
            with suppress(SamplingError):
                child = mutate(parent, rng, space)
                if child.key not in known and allowed(child):
                    known.add(child.key)
                    children.append(child)
                    fruitless = 0
        return self._probes(children, EVOLVED)

    def training(self, task: Task, bank: Bank) -> list[TrialPlan]:
        """Return trainings of presets, and of candidates of the first wave that training changes, at random.

        Nobody's probe decides: gains of training must not be those of the promising alone.
        """
        rng = self._rng(TRAINED_STREAM, task=task)
        presets = [preset(name, kind=task.spec.kind) for name in TRAINED_PRESETS]
        allowed = self.trainable.get(task.spec.kind, _everything)
        shared = [genotype for genotype in presets if not unmet(genotype, **sizes(task))]
        if not task.kind.whole_cases:
            shared = [genotype for genotype in shared if allowed(genotype)]
        shared = shared[: self.genotypes - self.genotypes // 2]
        known = {genotype.key for genotype in shared}
        first = {plan.genotype.key for plan in self.first(task)}
        done = [record for record in self._done(task, bank) if record.genotype_key in first and not record.iterations]
        done = [record for record in done if not record.is_final]
        probed = [Genotype.from_dict(dict(record.genotype)) for record in done]
        order = rng.permutation(len(probed))
        drawn = [probed[at] for at in order if probed[at].key not in known and allowed(probed[at])]
        drawn = drawn[: self.genotypes - len(shared)]
        order = rng.permutation(len(shared))
        of_presets = self._trainings([shared[at] for at in order], "shared")
        return [*of_presets, *self._trainings(drawn, "random", begin=len(of_presets))]

    def promising_of(self, task: Task, bank: Bank) -> list[TrialPlan]:
        """Return trainings of the candidates that a comparator singles out among those that were not trained yet."""
        done = self._done(task, bank)
        trained = {record.genotype_key for record in done if record.iterations and record.origin != PROMISING}
        probes = [record for record in done if not record.iterations]
        allowed = self.trainable.get(task.spec.kind, _everything)
        fresh = [one for one in probes if not one.is_final and one.genotype_key not in trained]
        open_to = [one.genotype_key for one in fresh if allowed(Genotype.from_dict(dict(one.genotype)))]
        found = single_out(
            probes,
            open_to=open_to,
            embedding=bank.task_embeddings()[task.hash],
            comparator=self.comparator(),
            n=self.promising,
        )
        return self._trainings(found, PROMISING)

    def _repeated(self, task: Task, bank: Bank, plans: Sequence[TrialPlan]) -> list[TrialPlan]:
        """Repeat a share of what completed with two other rng_seeds: a score's noise shows."""
        done = {(record.genotype_key, record.iterations) for record in self._done(task, bank)}
        completed = [plan for plan in plans if (plan.genotype.key, plan.iterations) in done]
        rng = self._rng(REPEAT_STREAM, task=task)
        chosen = rng.permutation(len(completed))[: math.ceil(self.repeats * len(plans))]
        return [
            self._plan(completed[at].genotype, completed[at].iterations, "repeat", more=more)
            for at in chosen
            for more in (1, 2)
        ]

    def _probes(self, genotypes: Sequence[Genotype], origin: str) -> list[TrialPlan]:
        return [self._plan(genotype, 0, origin) for genotype in genotypes]

    def _trainings(self, genotypes: Sequence[Genotype], origin: str, *, begin: int = 0) -> list[TrialPlan]:
        return [self._plan(genotype, self._length(at), origin) for at, genotype in enumerate(genotypes, start=begin)]

    def _length(self, at: int) -> int:
        """Return the iterations of a place."""
        return max(1, self.iterations // _LENGTHS[at % len(_LENGTHS)])

    def _plan(self, genotype: Genotype, iterations: int, origin: str, *, more: int = 0) -> TrialPlan:
        points = tuple(sorted({0, *(max(1, self.iterations // rung) for rung in RUNGS)}))
        return TrialPlan(genotype, iterations, self.rng_seed + more, origin, probe_at=points)

    def _done(self, task: Task, bank: Bank) -> list[TrialRecord]:
        """Return the completed trials of the task in the order of their keys."""
        how: dict[str, Any] = {"protocol": trial_protocol(task), "rng_seed": self.rng_seed, "status": "completed"}
        return sorted(bank.records(task_hash=task.hash, **how), key=lambda record: record.record_key)

    def _pool(self, n: int) -> list[Genotype]:
        """Return what all tasks draw from: the same for all, whatever lookbacks they have."""
        return list(draw_candidates(POOL * n, self._rng(POOL_STREAM, task=None), space_for(None, self.space)))

    def _rng(self, stream: int, *, task: Task | None) -> np.random.Generator:
        """Return a generator that depends on the stream, the rng_seed and the task alone."""
        entropy = [self.rng_seed, stream] + ([] if task is None else [int(task.hash, 16)])
        return np.random.default_rng(entropy)


def _everything(_genotype: Genotype) -> bool:
    return True


def _different(genotypes: Iterable[Genotype], n: int) -> list[Genotype]:
    """Return the first n whose untrained encoders differ; no more are looked at than it takes."""
    found: dict[str, Genotype] = {}
    for genotype in genotypes:
        if len(found) >= n:
            break
        found.setdefault(genotype.untrained_key, genotype)
    return [*found.values()]
