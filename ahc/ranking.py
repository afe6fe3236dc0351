"""Ranking candidates that nobody has trained, and refining the best by evolution."""

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.comparator import Comparator, Prediction, TaskView
from ahc.graphs.encoding import encode_genotypes
from compute.memory import at_a_time
from search_space.drawing import SamplingError, crossover, mutate
from search_space.genotype import Genotype
from search_space.sentences import one_line
from search_space.space import Space, default_space

SHADES = 8
"""How many of one design a shortlist has, so that others are in it too."""
BYTES_PER_CANDIDATE = 2000
"""Of its graph and of what scores it, as measured, with room to spare."""
NAMED = 8
"""Options that a warning names; of the others it says how many there are."""


class UnlearnedWarning(UserWarning):
    """Candidates were ranked that hold options which the comparator never learned about; the message names some."""

    def __init__(self, names: Iterable[str]) -> None:
        known = sorted(names)
        more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
        listed = ", ".join(known[:NAMED]) + more
        text = f"the comparator never learned about {listed}; each is ranked as the mean of what it knows of its kind"
        super().__init__(one_line(text))


@dataclass(frozen=True)
class Ranking:
    """Candidates with what the comparator says of them, best first.

    Args:
        genotypes: The candidates.
        scores: Comparator score with the failure penalty, (candidates,).
        p_over_median: Probability of beating the median of all ranked candidates, (candidates,).
        failure: Probability that a trial fails, (candidates,).
        untrained: How good the untrained encoder is, in deviations between candidates, (candidates,).
        gain: Predicted trained gain, in deviations between candidates, (candidates,).
        seconds: Logarithm of the seconds of an untrained probe over those of a median candidate, (candidates,).
        n_ranked: How many candidates were ranked to get these.
        mean: Of `untrained` of all that were ranked.
    """

    genotypes: tuple[Genotype, ...]
    scores: NDArray[np.float32]
    p_over_median: NDArray[np.float32]
    failure: NDArray[np.float32]
    untrained: NDArray[np.float32]
    gain: NDArray[np.float32]
    seconds: NDArray[np.float32]
    n_ranked: int
    mean: float = 0.0

    def __len__(self) -> int:
        return len(self.genotypes)

    def take(self, places: Sequence[int]) -> "Ranking":
        """Return some of them, in the order asked for."""
        said = ("scores", "p_over_median", "failure", "untrained", "gain", "seconds")
        taken = {name: getattr(self, name)[[*places]] for name in said}
        return replace(self, genotypes=tuple(self.genotypes[at] for at in places), **taken)


def differing(genotypes: Sequence[Genotype], n: int, *, shades: int = 1) -> list[int]:
    """Return the places of the first n of which no design has more than some shades, topped up in order.

    The head of a ranking is often one encoder with one strategy or another; trying them all tells little.
    """
    counts = Counter[Hashable]()
    first: list[int] = []
    rest: list[int] = []
    for at, genotype in enumerate(genotypes):
        counts[genotype.design] += 1
        (first if counts[genotype.design] <= shades else rest).append(at)
    return (first + rest)[:n]


def rank_candidates(
    comparator: Comparator,
    candidates: Sequence[Genotype],
    task: TaskView,
    *,
    top_k: int | None = None,
    batch: int = 131_072,
    failure_weight: float = 1.0,
) -> Ranking:
    """Sort candidates by their score on a task.

    The penalty `failure_weight * log(1 - p_failure)` hardly touches candidates
    that rarely fail and sinks those that mostly do. Memory is some 150 MB of
    graphs at a time, less under a memory budget, whatever the number of
    candidates, and 40 bytes of results for each. Scores depend neither on `batch`
    nor on the number of threads.

    Args:
        comparator: A trained comparator.
        candidates: At least one candidate; fastest as `GenotypeColumns`, of which
            only those returned become genotypes.
        task: What is known of the task.
        top_k: How many to return; all where None.
        batch: Candidates encoded at a time.
        failure_weight: Strength of the penalty; 0 ignores failures.

    Returns:
        The best `top_k` candidates; equal scores keep the order they came in.

    Raises:
        ValueError: If there is no candidate, or `top_k` is less than 1.

    Warns:
        UnlearnedWarning: Of options that the comparator lacks, once each.
    """
    if len(candidates) == 0:
        raise ValueError("rank_candidates: at least one candidate is needed, got none")
    if top_k is not None and top_k < 1:
        raise ValueError(f"rank_candidates: top_k must be at least 1, got {top_k}")
    parts, lacking = [], set[str]()
    batch = at_a_time(batch, "candidate", bytes_each=BYTES_PER_CANDIDATE)
    for start in range(0, len(candidates), batch):
        graphs = encode_genotypes(candidates[start : start + batch], vocabulary=comparator.vocabulary, lacking=lacking)
        parts.append(comparator.predict(graphs, task=task))
    if lacking - comparator.lacking:
        warnings.warn(UnlearnedWarning(lacking - comparator.lacking), stacklevel=2)
        comparator.lacking |= lacking
    said = Prediction(*(torch.cat(values) for values in zip(*parts, strict=True)))
    untrained, gain, failure, seconds, _ = (values.numpy() for values in said)
    scores = said.score.numpy() + failure_weight * np.log1p(-np.minimum(failure, 0.999))
    best = np.argsort(-scores, kind="stable")[:top_k]
    over_median = 1.0 / (1.0 + np.exp(float(comparator.sharpness) * (np.median(scores) - scores)))
    return Ranking(
        genotypes=tuple(candidates[at] for at in best),
        scores=scores[best].astype(np.float32),
        p_over_median=over_median[best].astype(np.float32),
        failure=failure[best],
        untrained=untrained[best],
        gain=gain[best],
        seconds=seconds[best],
        n_ranked=len(candidates),
        mean=float(np.mean(untrained)),
    )


def evolve(
    comparator: Comparator,
    seeds: Sequence[Genotype],
    task: TaskView,
    rng: np.random.Generator,
    *,
    generations: int = 10,
    population: int = 100,
    children: int = 200,
    space: Space | None = None,
    failure_weight: float = 1.0,
    accept: Callable[[Genotype], bool] | None = None,
) -> Ranking:
    """Improve candidates under the comparator by mutation and crossover.

    The best of parents and children survive, so the best score never falls; of one
    design no more than `SHADES` do where there are others, so that the last
    population is not a single encoder. Half of the children are mutants, half are
    mutated crosses of two parents, mutants of the first where a cross would leave
    the space. Children of parents in the space are in it, and a parent that it has
    no mutant of has none.

    Args:
        comparator: A trained comparator.
        seeds: First population, at least one.
        task: What is known of the task.
        rng: Source of randomness.
        generations: Rounds.
        population: Survivors per round, at least 1.
        children: New candidates per round, at least 1.
        space: Where mutations draw from; the default space where None.
        failure_weight: As in `rank_candidates`.
        accept: Says whether a child may take part; None accepts all.

    Returns:
        The last population; `n_ranked` counts every distinct candidate that was scored.

    Raises:
        ValueError: If there is no seed, or a count is less than its least value.
    """
    if not seeds or generations < 0 or population < 1 or children < 1:
        raise ValueError(
            "evolve: needs at least 1 seed, 0 generations, population 1 and children 1, "
            f"got {len(seeds)}, {generations}, {population} and {children}"
        )
    space = space or default_space()  # once, not for every child

    def survivors(pool: Sequence[Genotype]) -> Ranking:
        ranking = rank_candidates(comparator, pool, task, failure_weight=failure_weight)
        return ranking.take(sorted(differing(ranking.genotypes, population, shades=SHADES)))

    pool = list({genotype.key: genotype for genotype in seeds}.values())
    seen = {genotype.key for genotype in pool}
    barren: set[str] = set()
    for _ in range(generations):
        ranked = survivors(pool).genotypes
        born: dict[str, Genotype] = {}
        for at in range(children):
            first, second = (ranked[int(i)] for i in rng.integers(len(ranked), size=2))
            parent = first if at % 2 == 0 else crossover(first, second, rng, space=space)
            if parent.key in barren:
                continue
            try:
                child = mutate(parent, rng, space)
            except SamplingError:
                barren.add(parent.key)
                continue
            if child.key not in seen and (accept is None or accept(child)):
                born[child.key] = child
        seen.update(born)
        pool = [*ranked, *born.values()]
    return replace(survivors(pool), n_ranked=len(seen))
