"""What the comparator says of candidates of one task: a shortlist of many draws, and an opinion of any one."""

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ahc.checkpoint import load_comparator
from ahc.comparator import Comparator, TaskView
from ahc.ranking import SHADES, Ranking, UnlearnedWarning, evolve, rank_candidates
from ahc.task_embedding import embed_task
from downstream.task import Task
from nas.choosing.candidates import draw_candidates
from nas.runs.stopwatch import Stopwatch
from search_space.genotype import Genotype
from search_space.space import Space

CANDIDATE_STREAM, EVOLUTION_STREAM = 11, 12
SHORTLIST = 64
LOOKED_AT = 20_000
"""Of the best of all, how many are looked at for a shortlist of affordable ones: on some tasks the dear ones lead."""


class Ranker:
    """The comparator on one task; nothing is read or drawn before somebody asks, and then once.

    Args:
        task: The task.
        comparator: Path of its file; the shipped one where None.
        candidates: How many are drawn and ranked; all of a space that holds no more.
        space: Where they are drawn from.
        accept: Whether one may appear; None accepts all.
        affordable: Whether one is cheap enough to be tried; those that are come first.
        rng_seed: Of the draws.
        clock: Where the stages of the first ranking are noted; what is ranked anew belongs to who asks for it.
    """

    def __init__(
        self,
        task: Task,
        *,
        comparator: str | None,
        candidates: int,
        space: Space,
        accept: Callable[[Genotype], bool] | None,
        affordable: Callable[[Genotype], bool],
        rng_seed: int,
        clock: Stopwatch,
    ) -> None:
        self._task, self._path, self._n, self._seed = task, comparator, candidates, rng_seed
        self._space, self._accept, self._affordable, self._clock = space, accept, affordable, clock

    @cached_property
    def _comparator(self) -> Comparator:
        with self._clock("load comparator"):
            return load_comparator(self._path)

    @cached_property
    def _embedding(self) -> NDArray[np.float32]:
        with self._clock("embed task"):
            return embed_task(self._task)

    @cached_property
    def _drawn(self) -> Sequence[Genotype]:
        rng = np.random.default_rng([self._seed, CANDIDATE_STREAM])
        return draw_candidates(self._n, rng, self._space, accept=self._accept)

    def rank(self, landmarks: NDArray[np.float32] | None = None) -> Ranking:
        """Return the shortlist of the draws, refined by evolution under the comparator, best first.

        It is made of what is affordable, as far as there is any: the best of all are mostly too dear to be tried.

        Args:
            landmarks: What the fixed probes score on the task, (landmarks,); None before they were tried.

        Raises:
            CheckpointError: If the comparator's file is at fault.
            SamplingError: If the limits on cost leave too few candidates.

        Warns:
            UnlearnedWarning: Of options of the space that the comparator lacks.
        """
        comparator, task = self._comparator, TaskView(self._embedding, landmarks)
        clock = self._clock if landmarks is None else Stopwatch()
        with clock("rank candidates"):
            ranking = self._shortlist(rank_candidates(comparator, self._drawn, task, top_k=LOOKED_AT))
        if self._space.canonical_size()["total"] <= self._n:
            return ranking  # there is nothing left to find
        with clock("refine by evolution"):
            rng = np.random.default_rng([self._seed, EVOLUTION_STREAM])
            refined = evolve(comparator, ranking.genotypes, task, rng, space=self._space, accept=self._allows)
        return replace(refined, mean=ranking.mean, n_ranked=ranking.n_ranked)

    def _shortlist(self, ranking: Ranking) -> Ranking:
        """Return the first that are affordable, of a design no more than `SHADES`; behind them, if need be, others."""
        cheap: list[int] = []
        counts = Counter[Hashable]()
        for at, genotype in enumerate(ranking.genotypes):
            if len(cheap) == SHORTLIST:
                break
            if counts[genotype.design] < SHADES and self._affordable(genotype):
                counts[genotype.design] += 1
                cheap.append(at)
        return ranking.take([*cheap, *(at for at in range(len(ranking)) if at not in cheap)][:SHORTLIST])

    def _allows(self, genotype: Genotype) -> bool:
        return (self._accept is None or self._accept(genotype)) and self._affordable(genotype)

    def opinion(self, genotype: Genotype, landmarks: NDArray[np.float32] | None = None) -> Ranking:
        """Return what the comparator says of one candidate: a ranking of it alone."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnlearnedWarning)  # a ranking says what the comparator lacks
            return rank_candidates(self._comparator, [genotype], TaskView(self._embedding, landmarks))
