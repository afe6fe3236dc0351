"""The recorded trials of a task as a pool: what was tried on it, and a source of candidates that knows no others."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ahc.ranking import Ranking
from ahc.record import TrialRecord
from ahc.training.comparisons import robust_deviation
from ahc.training.fitting import noise_of
from nas.strategies import PolicySpace, Result, Wish
from nas.strategies.strategy import Pick
from search_space.drawing import mutate
from search_space.genotype import Genotype
from search_space.genotype.encoder_dag import target_of
from search_space.space import Space, full_space

UNTRAINED_SHARE = 0.1
"""What a landmark costs of a full trial where none was recorded by itself: one probe of four, so at most a quarter.
Measured for 100 iterations of drawn candidates: .09 on ItalyPowerDemand (mean of seven, .04 to .25), .24 on 12,000 rows
of ETTh1 (two)."""
Genes = dict[str, Hashable]


@dataclass(frozen=True)
class Pool:
    """The candidates of one task, each with one full trial.

    Args:
        task: Name of the task.
        task_hash: Its identity.
        family: Source of its data.
        kind: Of the task.
        iterations: Of a full trial.
        records: One trial per genotype, by key; its curve has a point at every rung.
        probes: Seconds of untrained trials, by key.
    """

    task: str
    task_hash: str
    family: str
    kind: str
    iterations: int
    records: Mapping[str, TrialRecord]
    probes: Mapping[str, float]

    @classmethod
    def of(cls, records: Sequence[TrialRecord]) -> "Pool":
        """Return the pool of the records of one task: its longest trials, of repeated ones the first rng_seed."""
        first = records[0]
        longest = max(record.iterations for record in records)
        kept: dict[str, TrialRecord] = {}
        probes: dict[str, float] = {}
        for record in sorted(records, key=lambda record: record.rng_seed):
            if record.iterations == longest and record.status == "completed" and _curve(record):
                kept.setdefault(record.genotype_key, record)
            if record.iterations == 0:
                probes.setdefault(record.genotype_key, record.seconds)
        return cls(first.task_name, first.task_hash, first.family, first.kind, longest, kept, probes)

    @property
    def best(self) -> float:
        """The best score of all, at any point of a curve."""
        return max(score for record in self.records.values() for _, score in _curve(record))

    @property
    def unit(self) -> float:
        """Robust deviation between the scores."""
        return robust_deviation(np.array([record.oriented_score for record in self.records.values()]))

    @property
    def seconds(self) -> float:
        """What all full trials took."""
        return sum(record.seconds for record in self.records.values())

    def result(self, wish: Wish) -> Result:
        """Return what a trial had given: its curve up to the iterations, which are trained from the start."""
        record = self.records[wish.genotype.key]
        probe = min(self.probes.get(record.genotype_key, UNTRAINED_SHARE * record.seconds), record.seconds)
        seconds = probe + (record.seconds - probe) * wish.iterations / self.iterations
        curve = tuple((at, score) for at, score in _curve(record) if at <= wish.iterations)
        return Result(wish.genotype, wish.iterations, curve, noise=noise_of(record), seconds=seconds)


class PoolSource:
    """Candidates of a pool.

    Args:
        before: All of the pool, as the comparator ranks them by the task's embedding alone.
        after: The same, once the fixed probes were tried on the task; they may lie outside the pool.
        portfolio: Of the pool, what was good on other tasks, best first.
        rng: Source of randomness.
        space: Where mutants come from, whose nearest relatives in the pool are children; the full space where None.
    """

    def __init__(
        self,
        before: Ranking,
        *,
        after: Ranking,
        portfolio: Sequence[Genotype],
        rng: np.random.Generator,
        space: Space | None = None,
    ) -> None:
        self._rng, self._portfolio, self._space = rng, [*portfolio], space or full_space()
        self._after = after
        self._take(before)
        members = sorted(before.genotypes, key=lambda genotype: genotype.key)
        self._hidden = [members[at] for at in rng.permutation(len(members))]
        self._genes = {genotype.key: (genotype, genes(genotype)) for genotype in members}
        self._born: set[str] = set()

    def ranked(self, n: int) -> list[Genotype]:
        """Return the comparator's best n."""
        return [*self._ranking.genotypes[:n]]

    def learn(self, results: Sequence[Result]) -> None:
        """Rank by landmarks from now on: what the bank has of the fixed probes on the task, whatever was tried."""
        del results
        self._take(self._after)

    def score(self, genotype: Genotype) -> float:
        """Return what the comparator says of the untrained encoder, over the mean of the pool."""
        return float(self._ranking.untrained[self._places[genotype.key]]) - self._ranking.mean

    def gain(self, genotype: Genotype) -> float:
        """Return what the comparator foresees training to add."""
        return float(self._ranking.gain[self._places[genotype.key]])

    def portfolio(self) -> list[Genotype]:
        """Return what was good on other tasks."""
        return self._portfolio

    def random(self, n: int) -> list[Genotype]:
        """Return n that were not drawn blindly before."""
        drawn, self._hidden = self._hidden[:n], self._hidden[n:]
        return drawn

    def child(self, parent: Genotype) -> Genotype:
        """Return whose genes are most like those of a mutant, none twice while there are others."""
        wanted = {*genes(mutate(parent, self._rng, self._space)).items()}
        others = [key for key in self._genes if key != parent.key]
        fresh = [key for key in others if key not in self._born] or others
        key = max(fresh, key=lambda key: len(wanted & {*self._genes[key][1].items()}))
        self._born.add(key)
        return self._genes[key][0]

    def allows(self, genotype: Genotype) -> bool:
        """Return True: all that is recorded was allowed."""
        del genotype
        return True

    def _take(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._places = {genotype.key: at for at, genotype in enumerate(ranking.genotypes)}

    def choices(self) -> PolicySpace:
        """Return the genes of the pool as choices."""
        return PoolChoices([*self._genes.values()])


class PoolChoices:
    """The genes of a pool, gene by gene: legal is what some member has that agrees with all choices before.

    Args:
        members: Genotypes with their genes.
    """

    def __init__(self, members: Sequence[tuple[Genotype, Genes]]) -> None:
        self._members = members
        self._names = list(dict.fromkeys(name for _, genes in members for name in genes))

    def build(self, pick: Pick) -> Genotype:
        """Return the member that a sequence of picks leads to."""
        left = self._members
        for name in self._names:
            value = pick(name, list(dict.fromkeys(genes.get(name) for _, genes in left)))
            left = [member for member in left if member[1].get(name) == value]
        return left[0][0]


def genes(genotype: Genotype) -> Genes:
    """Return the genes of a genotype by name, what says most of a score first."""
    data, encoder = genotype.to_dict(), genotype.encoder
    found: Genes = {name: getattr(encoder, name) for name in ("readout", "normalization", "channels")}
    found |= {name: value for name, value in encoder.hyperparameters().items() if name not in found}
    found |= {"nodes": encoder.n_inner, "loss": genotype.loss.loss.name, "kinds": genotype.pair.kinds}
    for at, edge in enumerate(encoder.edges):
        found[f"edge {target_of(at)}.{at % 2}"] = edge
    for cell in ("LossCell", "PairCell", "EmbedCell", "TrainCell"):
        found |= {f"{cell}.{name}": str(value) for name, value in data[cell].items()}
    for view in ("AugCell1", "AugCell2"):
        for name, parameters in data[view]:
            found[f"{view}.{name}"] = tuple(parameters.items())
    return found


def _curve(record: TrialRecord) -> list[tuple[int, float]]:
    """Return the points of a curve that were scored, larger = better."""
    sign = 1.0 if record.higher_is_better else -1.0
    return [(at, sign * score) for at, score, _ in record.curve if score is not None]
