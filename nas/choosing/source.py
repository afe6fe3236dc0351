"""Where the candidates of a search come from: presets, the comparator's ranking, blind draws, mutants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahc.landmarks import landmark_vector
from ahc.ranking import Ranking
from nas.choosing.candidates import draw_candidates
from nas.choosing.portfolio import portfolio, preset_name, surest
from nas.choosing.ranker import Ranker
from nas.strategies import STRATEGIES, Plan, Result, Strategy
from nas.strategies.policies.choices import SpaceChoices
from nas.strategies.race import Race
from search_space.drawing import SamplingError, mutate
from search_space.genotype import Genotype
from search_space.presets import preset
from search_space.space import Space

RANDOM_STREAM, CHILD_STREAM, STRATEGY_STREAM = 13, 14, 16
NAMED, BESIDE = "named", "TS2Vec preset"
SUREST_SCORE = 1.0
"""What the surest presets count as where others have what the comparator says of them untrained."""
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

    def gain(self, genotype: Genotype) -> float:
        """Return 0: nothing is known of what training adds."""
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
        affordable: Whether a candidate's untrained encoder may be probed beside many others.
        trainable: Whether a candidate may be trained.
        presets: Whether presets outside the space are welcome, as the user left it open.
        ranker: The comparator on the task; asked when a ranking is needed.
        rng_seed: Of what is drawn.
    """

    named: None = None

    def __init__(
        self,
        kind: str,
        *,
        space: Space,
        accept: Callable[[Genotype], bool] | None,
        affordable: Callable[[Genotype], bool],
        trainable: Callable[[Genotype], bool],
        presets: bool,
        ranker: Ranker,
        rng_seed: int,
    ) -> None:
        self._kind, self._space, self._ranker = kind, space, ranker
        self._accept, self._presets = accept, presets
        self._affordable, self._trainable = affordable, trainable
        self._seed = rng_seed
        self._random = np.random.default_rng([rng_seed, RANDOM_STREAM])
        self._children = np.random.default_rng([rng_seed, CHILD_STREAM])
        self._drawn: set[str] = set()
        self._surest = frozenset(genotype.key for genotype in surest(kind))
        self._landmarks: NDArray[np.float32] | None = None
        self._ranked: tuple[NDArray[np.float32] | None, Ranking] | None = None
        self._opinions: dict[str, Ranking] = {}

    def trainable(self, genotype: Genotype) -> bool:
        """Whether a candidate is cheap enough to be trained."""
        return self._trainable(genotype)

    def strategy(self, plan: Plan, *, name: str, **options: Any) -> Strategy:
        """Return a strategy over these candidates."""
        return STRATEGIES[name](self, plan, np.random.default_rng([self._seed, STRATEGY_STREAM]), **options)

    def origin(self, genotype: Genotype) -> str:
        """Return where a candidate comes from: the name of a preset, or which way it was found."""
        name = preset_name(genotype, kind=self._kind)
        if name is not None:
            return f"preset {name}"
        if self.ranking is not None and genotype in self.ranking.genotypes:
            return "ranked by the comparator"
        return "drawn blindly" if genotype.key in self._drawn else "found by the strategy"

    @property
    def ranking(self) -> Ranking | None:
        """The comparator's latest shortlist, None where nobody asked for one."""
        return None if self._ranked is None else self._ranked[1]

    def ranked(self, n: int) -> list[Genotype]:
        """Return the comparator's best n that are affordable, best first; the best of all where none is.

        They are ranked anew where landmarks were learned since.
        """
        if self._ranked is None or self._ranked[0] is not self._landmarks:
            self._ranked = self._landmarks, self._ranker.rank(self._landmarks)
            self._opinions.clear()
        genotypes = self._ranked[1].genotypes
        return [genotype for genotype in genotypes if self._affordable(genotype)][:n] or [*genotypes[:1]]

    def learn(self, results: Sequence[Result]) -> None:
        """Take untrained scores as landmarks of the task; where they are too few, the ranking stays as it is."""
        first = {one.genotype.untrained_key: one.curve[0] for one in results if one.curve}
        untrained = {key: score for key, (iterations, score) in first.items() if iterations == 0}
        landmarks = landmark_vector(untrained, kind=self._kind)
        if landmarks.any():
            self._landmarks = landmarks

    def score(self, genotype: Genotype) -> float:
        """Return what the comparator says of the untrained encoder, over the mean of what was ranked; 0 without it."""
        if genotype.key in self._surest:
            return SUREST_SCORE
        return 0.0 if self._ranked is None else float(self._opinion(genotype).untrained[0]) - self._ranked[1].mean

    def gain(self, genotype: Genotype) -> float:
        """Return what the comparator foresees training to add; 0 where nothing was ranked."""
        return 0.0 if self._ranked is None else float(self._opinion(genotype).gain[0])

    def _opinion(self, genotype: Genotype) -> Ranking:
        assert self._ranked is not None, "something was ranked"
        if genotype.key not in self._opinions:
            self._opinions[genotype.key] = self._ranker.opinion(genotype, self._ranked[0])
        return self._opinions[genotype.key]

    def portfolio(self) -> list[Genotype]:
        """Return the presets that the task and the limits allow and that are affordable, the surest first."""
        return [
            genotype
            for genotype in portfolio(self._kind)
            if (self._presets or self._space.holds(genotype)) and self.allows(genotype)
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
