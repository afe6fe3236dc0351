"""Which candidates a search trains: the comparator's picks, chosen without training anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ahc.checkpoint import load_comparator
from ahc.ranking import Ranking, evolve, rank_candidates
from ahc.task_embedding import embed_task
from downstream.task import Task
from nas.choosing.cost_limits import limits_of
from nas.choosing.genotype_file import read_genotype
from nas.options.fields import OptionError
from nas.options.search import SearchOptions
from nas.runs.stopwatch import Stopwatch
from search_space.genotype import Genotype
from search_space.presets import preset
from search_space.requirements import unmet
from search_space.sampling import sample_candidates, sample_columns

CANDIDATE_STREAM, EVOLUTION_STREAM, RANDOM_STREAM = 11, 12, 13
SHORTLIST = 64


@dataclass(frozen=True)
class Candidates:
    """What a search is going to train.

    Args:
        picked: The comparator's best, or the one genotype that the user named.
        random: As many drawn blindly, for the comparison; empty when the user named one.
        ranking: The shortlist with its scores; None when the user named one.
        n_ranked: How many candidates were scored.
    """

    picked: tuple[Genotype, ...]
    random: tuple[Genotype, ...]
    ranking: Ranking | None
    n_ranked: int


def choose_candidates(task: Task, options: SearchOptions, *, clock: Stopwatch) -> Candidates:
    """Return the candidates to train, ranked by the comparator for this task, all within the limits on their cost.

    A genotype that the user named is taken as it is.

    Raises:
        CheckpointError: If the comparator's file is at fault.
        OptionError: If a named genotype's file is at fault, or the task has not what the genotype needs.
        SamplingError: If the limits on cost leave too few candidates.
    """
    named = _named(task, options)
    if named is not None:
        return Candidates(picked=(named,), random=(), ranking=None, n_ranked=0)
    with clock("load comparator"):
        comparator = load_comparator(options.comparator)
    with clock("embed task"):
        embedding = embed_task(task)
    accept = _accept(task, options)
    with clock("rank candidates"):
        rng = np.random.default_rng([options.rng_seed, CANDIDATE_STREAM])
        drawn = sample_columns(options.candidates, rng, accept=accept)
        ranking = rank_candidates(comparator, drawn, embedding, top_k=SHORTLIST)
    with clock("refine by evolution"):
        rng = np.random.default_rng([options.rng_seed, EVOLUTION_STREAM])
        ranking = evolve(comparator, ranking.genotypes, embedding, rng, accept=accept)
    blind = sample_candidates(options.top_k, np.random.default_rng([options.rng_seed, RANDOM_STREAM]), accept=accept)
    return Candidates(
        picked=tuple(_different(ranking.genotypes, options.top_k)),
        random=tuple(blind),
        ranking=ranking,
        n_ranked=options.candidates,
    )


def _named(task: Task, options: SearchOptions) -> Genotype | None:
    """Return the genotype that the user named by preset or file."""
    if options.preset is not None:
        genotype = preset(options.preset, kind=task.spec.kind)
    elif options.genotype is not None:
        genotype = read_genotype(Path(options.genotype), what="--genotype")
    else:
        return None
    problems = unmet(genotype, **_sizes(task))
    if problems:
        raise OptionError(f"{task.spec.name}: this genotype cannot be trained here: {'; '.join(problems)}")
    return genotype


def _accept(task: Task, options: SearchOptions) -> Callable[[Genotype], bool] | None:
    """Return what a drawn candidate must pass: it costs what is allowed, and the task has what it needs."""
    limits = limits_of(options, task)
    sizes = _sizes(task)
    if min(sizes["windows"], sizes["steps"]) > 1:  # enough for every option
        return None if limits is None else limits.accept
    return lambda genotype: not unmet(genotype, **sizes) and (limits is None or limits.accept(genotype))


def _sizes(task: Task) -> dict[str, int]:
    windows = task.training_windows()
    return {"windows": len(windows), "steps": windows.length, "variates": task.n_variates}


def _different(genotypes: tuple[Genotype, ...] | list[Genotype], n: int) -> list[Genotype]:
    """Return the first n genotypes that differ in their encoder, topped up in order.

    The shortlist's head is often one design in many shades; training shades tells little.
    """
    seen: set[object] = set()
    first: list[Genotype] = []
    rest: list[Genotype] = []
    for genotype in genotypes:
        design = (genotype.encoder.edges, genotype.encoder.readout, genotype.loss.loss.name, genotype.pair.kinds)
        (rest if design in seen else first).append(genotype)
        seen.add(design)
    return (first + rest)[:n]
