"""A small space whose scores are a known function of the genotype, and a search in it by any strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nas.strategies import PolicySpace, Result, Strategy, Wish
from nas.strategies.policies.choices import SpaceChoices
from search_space.drawing import mutate, sample_candidates
from search_space.genotype import Genotype
from search_space.space import SearchSpace

Score = Callable[[Genotype], float]

READOUTS = {"max": 0.0, "mean": 0.5, "last": 0.2, "ppv": 1.5}
OPERATORS = {"conv1d": 0.2, "dilated_conv": 0.6, "gru": 0.0, "identity": -0.5}
NORMALIZATIONS = {"none": 0.0, "instance": 1.0, "last": 0.3}


def quality(genotype: Genotype) -> float:
    """Additive, but for one bonus that needs two genes."""
    encoder = genotype.encoder
    value = READOUTS[encoder.readout] + NORMALIZATIONS[encoder.normalization] + OPERATORS[encoder.edges[0][1]]
    value += 0.3 * (encoder.channels == "mixed") + 0.2 * (encoder.blocks == 2) - 0.2 * (encoder.dropout > 0)
    value += 0.4 * (genotype.aug1[0].name == "crop") + 0.3 * (genotype.loss.loss.name == "nt_xent")
    value += 0.2 * (genotype.embed.norm == "l2") + 0.2 * (len(genotype.pair.kinds) == 2)
    return value + 0.4 * (encoder.readout == "ppv" and encoder.channels == "mixed")


SPACE = SearchSpace.from_dict(
    {
        "AugCell1": {
            "options": ["jitter", "crop"],
            "lengths": [1],
            "jitter.sigma": [0.1, 0.2],
            "crop.ratio": [0.1, 0.5],
        },
        "AugCell2": {"options": ["jitter"], "lengths": [0], "jitter.sigma": [0.1]},
        "EmbedCell": {"jitter": [0.0], "mask": [0.0], "norm": ["none", "l2"]},
        "PairCell": {"kinds": ["instance", "temporal"], "pool": ["max"], "kernel": [0]},
        "LossCell": {
            "loss": ["nt_xent", "triplet"],
            "nt_xent.temperature": [0.2],
            "triplet.margin": [0.5],
            "similarity": ["dot"],
            "weighting": ["none"],
            "auxiliary": ["none"],
        },
        "EncoderCell": {
            "nodes": [1],
            "operators": [*OPERATORS],
            "blocks": [1, 2],
            "hidden": [16, 32],
            "output": [64],
            "dropout": [0.0, 0.1],
            "normalization": [*NORMALIZATIONS],
            "channels": ["independent", "mixed"],
            "readout": [*READOUTS],
        },
        "TrainCell": {"learning_rate": [1e-3], "batch_size": [8], "weight_averaging": [True]},
    }
)


class SmallSource:
    """A source whose comparator ranks by a rule of its own."""

    def __init__(self, rng_seed: int = 0, *, opinion: Score | None = None) -> None:
        self.limit: Callable[[Genotype], bool] | None = None
        self._rng, self.opinion = np.random.default_rng(rng_seed), opinion
        self.drawn: list[Genotype] = []
        self.learned: list[Result] = []

    def ranked(self, n: int) -> list[Genotype]:
        if self.opinion is None:
            return []
        return sorted(sample_candidates(4 * n, np.random.default_rng(0), SPACE), key=self.opinion)[::-1][:n]

    def learn(self, results: Sequence[Result]) -> None:
        self.learned += results

    def score(self, genotype: Genotype) -> float:
        return 0.0 if self.opinion is None else self.opinion(genotype)

    def gain(self, genotype: Genotype) -> float:
        return 0.01 * self.score(genotype)

    def portfolio(self) -> list[Genotype]:
        return sample_candidates(2, np.random.default_rng(99), SPACE)

    def random(self, n: int) -> list[Genotype]:
        known = [genotype.key for genotype in self.drawn]
        self.drawn += sample_candidates(n, self._rng, SPACE, known)
        return self.drawn[len(known) :]

    def child(self, parent: Genotype) -> Genotype:
        return mutate(parent, self._rng, SPACE)

    def allows(self, genotype: Genotype) -> bool:
        return self.limit is None or self.limit(genotype)

    def choices(self) -> PolicySpace:
        return SpaceChoices(SPACE)


def trained(wish: Wish, *, score: Score = quality) -> Result:
    """Training adds what an untrained encoder lacks, a little per point of the curve."""
    points = sorted({0, *(at for at in (25, 50, 100) if at <= wish.iterations), wish.iterations})
    curve = tuple((at, score(wish.genotype) * (1.0 + at / 1000)) for at in points)
    return Result(wish.genotype, wish.iterations, curve, seconds=1.0)


def run(strategy: Strategy, *, result: Callable[[Wish], Result] = trained) -> list[list[Wish]]:
    """Play a strategy to its end and return what it asked for, round by round."""
    rounds = []
    while wishes := strategy.ask():
        rounds.append(wishes)
        strategy.tell([result(wish) for wish in wishes])
    return rounds
