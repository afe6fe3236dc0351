"""Where the candidates of a search come from: presets, the comparator's ranking, blind draws, mutants."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahc.comparator import Comparator
from ahc.ranking import Ranking, UnlearnedWarning, rank_candidates
from nas.choosing.candidates import draw_candidates
from nas.choosing.portfolio import portfolio, preset_name, surest, usual
from nas.strategies import STRATEGIES, Plan, Strategy
from nas.strategies.policies.choices import SpaceChoices
from nas.strategies.race import Race
from search_space.drawing import SamplingError, mutate
from search_space.genotype import Genotype
from search_space.presets import preset
from search_space.space import Space

RANDOM_STREAM, CHILD_STREAM, STRATEGY_STREAM = 13, 14, 16
NAMED, BESIDE = "named", "TS2Vec preset"
SUREST_SCORE = 2.0
"""What the surest presets count as where others have the comparator's standardised score, as it does not know them."""
LANDMARK_TIMES, TRAINED_TIMES = 1.25, 0.75
"""How many times as long as the usual preset a landmark may take, and as TS2Vec one that is trained and no TS2Vec."""
_DRAWN_FOR_ONE = 4  # candidates drawn blindly for each that is wanted, of which most are affordable
_ATTEMPTS = 20


@dataclass(frozen=True)
class NamedSource:
    """The one genotype that the user named, and beside it the preset of TS2Vec.

    Args:
        kind: Of the task.
        named: The genotype.
    """

    kind: str
    named: Genotype
    ranking: None = None

    def strategy(self, plan: Plan) -> Strategy:
        """Return what trains both, whatever validation says."""
        beside = preset("ts2vec", kind=self.kind)
        groups = {NAMED: [self.named], **({BESIDE: [beside]} if beside.key != self.named.key else {})}
        rungs = [(iterations, len(groups)) for iterations, _ in plan.rungs]
        return Race(groups, rungs=rungs, source=self)

    def trainable(self, genotype: Genotype) -> bool:
        """Return True: the user said what is trained."""
        del genotype
        return True

    def score(self, genotype: Genotype) -> float:
        """Return 0: nothing is known of a candidate."""
        del genotype
        return 0.0

    def origin(self, genotype: Genotype) -> str:
        """Return where a candidate comes from."""
        return NAMED if genotype.key == self.named.key else BESIDE


class TaskSource:
    """The candidates of one search.

    Args:
        kind: Of the task.
        space: What the task leaves of the space.
        accept: Whether the task and the user's limits allow a candidate; None for all.
        seconds: Predicts those of an iteration of a candidate.
        presets: Whether presets outside the space are welcome, as the user left it open.
        rank: Returns the comparator, the task's embedding and the ranking; called once, when it is needed.
        rng_seed: Of what is drawn.
    """

    named: None = None

    def __init__(
        self,
        kind: str,
        *,
        space: Space,
        accept: Callable[[Genotype], bool] | None,
        seconds: Callable[[Genotype], float],
        presets: bool,
        rank: Callable[[], tuple[Comparator, NDArray[np.float32], Ranking]],
        rng_seed: int,
    ) -> None:
        self._kind, self._space, self._rank = kind, space, rank
        self._accept, self._seconds, self._presets = accept, seconds, presets
        self._seed = rng_seed
        self._random = np.random.default_rng([rng_seed, RANDOM_STREAM])
        self._children = np.random.default_rng([rng_seed, CHILD_STREAM])
        self._drawn: set[str] = set()
        self._scores = {genotype.key: SUREST_SCORE for genotype in surest(kind)}

    @cached_property
    def _ts2vec(self) -> Genotype:
        return preset("ts2vec", kind=self._kind)

    @cached_property
    def _most(self) -> tuple[float, float]:
        """The predicted seconds of an iteration that a landmark may have, and a candidate that is trained."""
        return LANDMARK_TIMES * self._seconds(usual(self._kind)), TRAINED_TIMES * self._seconds(self._ts2vec)

    def _affordable(self, genotype: Genotype) -> bool:
        """Whether a candidate is cheap enough to be one of many whose untrained encoders are probed."""
        return self._seconds(genotype) <= self._most[0]

    def trainable(self, genotype: Genotype) -> bool:
        """Whether a candidate is cheap enough to be trained."""
        return genotype.encoder == self._ts2vec.encoder or self._seconds(genotype) <= self._most[1]

    def strategy(self, plan: Plan, *, name: str, **options: Any) -> Strategy:
        """Return a strategy over these candidates."""
        return STRATEGIES[name](self, plan, np.random.default_rng([self._seed, STRATEGY_STREAM]), **options)

    def origin(self, genotype: Genotype) -> str:
        """Return where a candidate comes from: the name of a preset, or which way it was found."""
        name = preset_name(genotype, kind=self._kind)
        if name is not None:
            return f"preset {name}"
        if self.ranking is not None and genotype.key in self._shortlist:
            return "ranked by the comparator"
        return "drawn blindly" if genotype.key in self._drawn else "found by the strategy"

    @cached_property
    def _ranked(self) -> tuple[Comparator, NDArray[np.float32], Ranking]:
        return self._rank()

    @cached_property
    def _shortlist(self) -> frozenset[str]:
        return frozenset(genotype.key for genotype in self._ranked[2].genotypes)

    @property
    def ranking(self) -> Ranking | None:
        """The comparator's shortlist, None where nobody asked for it."""
        return self._ranked[2] if "_ranked" in self.__dict__ else None

    def ranked(self, n: int) -> list[Genotype]:
        """Return the comparator's best n that are affordable, best first; the best of all where none is."""
        genotypes = self._ranked[2].genotypes
        return [genotype for genotype in genotypes if self._affordable(genotype)][:n] or [*genotypes[:1]]

    def score(self, genotype: Genotype) -> float:
        """Return the comparator's score, in deviations from the mean of what was ranked; 0 where nothing was."""
        if genotype.key not in self._scores and self.ranking is not None:
            comparator, embedding, ranking = self._ranked
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnlearnedWarning)  # the ranking has said what the comparator lacks
                score = rank_candidates(comparator, [genotype], embedding).scores[0]
            self._scores[genotype.key] = float((score - ranking.mean) / ranking.deviation)
        return self._scores.get(genotype.key, 0.0)

    def portfolio(self) -> list[Genotype]:
        """Return the presets that the task and the limits allow: the surest, and of the others those affordable."""
        certain = {genotype.key for genotype in surest(self._kind)}
        return [
            genotype
            for genotype in portfolio(self._kind)
            if (self._presets or self._space.holds(genotype))
            and (self._accept is None or self._accept(genotype))
            and (genotype.key in certain or self._affordable(genotype))
        ]

    def random(self, n: int) -> list[Genotype]:
        """Return n blind draws that were not drawn before and are affordable; fewer where there are no more."""
        found: dict[str, Genotype] = {}
        for _ in range(_ATTEMPTS):
            if len(found) >= n:
                break
            drawn = draw_candidates(_DRAWN_FOR_ONE * n, self._random, self._space, accept=self._accept)
            for genotype in drawn:
                if len(found) < n and genotype.key not in self._drawn and self._affordable(genotype):
                    found[genotype.key] = genotype
                    self._drawn.add(genotype.key)
        return [*found.values()]

    def child(self, parent: Genotype) -> Genotype:
        """Return a mutant that the task and the limits allow.

        Raises:
            SamplingError: If none was found.
        """
        for _ in range(_ATTEMPTS):
            mutant = mutate(parent, self._children, self._space)
            if self.allows(mutant):
                return mutant
        raise SamplingError("space: no mutant keeps within what the task and the limits allow")

    def allows(self, genotype: Genotype) -> bool:
        """Return whether the task and the limits allow a candidate, and it is affordable."""
        return (self._accept is None or self._accept(genotype)) and self._affordable(genotype)

    def choices(self) -> SpaceChoices:
        """Return what a policy chooses from."""
        return SpaceChoices(self._space)
