"""What a run writes for other programs: its facts, and a table of all that was ranked and tried."""

import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from ahc.ranking import Ranking
from ahc.record import TrialRecord
from compute.machine import machine_memory, processor, usable_cores
from downstream.task import Task
from nas.choosing.source import NamedSource, TaskSource
from nas.combining.entrants import Entrants
from nas.report.rows import Row
from nas.strategies.belief import believe
from nas.trials.tried import Tried
from nas.version import PROTOCOL_VERSION, __version__
from search_space.genotype import Genotype


def ranking_rows(
    source: TaskSource | NamedSource,
    *,
    tried: Tried | None = None,
    entrants: Entrants | None = None,
    iterations: int = 1,
) -> list[dict[str, object]]:
    """Return the comparator's shortlist, best first, then what else was tried, as rows of one table.

    A row holds what the comparator says, what the trials gave, what was foreseen of the untrained encoder (`prior`; of
    those that were tried) and what is believed of a full training (`posterior`, and `posterior_sd`), in robust
    deviations between the untrained candidates, and the weight in the answer.
    """
    ranking = source.ranking
    results = {} if tried is None else tried.results
    records = [] if tried is None else sorted(tried.records, key=lambda record: record.iterations)
    fullest = {record.genotype_key: record for record in records}
    reached = [result for result in results.values() if result.curve]
    beliefs: dict[str, tuple[float, float, float]] = {}
    if reached:
        priors, gains = ([says(one.genotype) for one in reached] for says in (source.score, source.gain))
        belief = believe(reached, prior=priors, gains=gains, iterations=iterations)
        figures = zip(map(float, priors), belief.mean.tolist(), belief.sd.tolist(), strict=True)
        beliefs = dict(zip([one.genotype.key for one in reached], figures, strict=True))
    weights: defaultdict[str, float] = defaultdict(float)
    if entrants is not None:
        for one, weight in zip(entrants.chosen.members, entrants.chosen.weights, strict=True):
            weights[one.genotype.key] += weight
    shortlist = () if ranking is None else ranking.genotypes
    candidates = {genotype.key: genotype for genotype in (*shortlist, *(one.genotype for one in results.values()))}
    return [
        {
            "rank": place + 1,
            "genotype": key,
            "origin": source.origin(genotype),
            **_ranked(ranking, place),
            **_trained(fullest.get(key)),
            **dict(zip(("prior", "posterior", "posterior_sd"), beliefs.get(key, (None,) * 3), strict=True)),
            "weight": weights.get(key),
        }
        for place, (key, genotype) in enumerate(candidates.items())
    ]


def run_facts(
    task: Task,
    *,
    chosen: Mapping[str, Any],
    rows: Sequence[Row],
    seconds: Mapping[str, float],
    n_ranked: int,
) -> dict[str, Any]:
    """Return everything about a run that another program may want, as JSON values."""
    return {
        "schema": 1,
        "versions": {
            "ts-contrastive-nas": __version__,
            "protocol": PROTOCOL_VERSION,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "machine": _machine(),
        "task": {**asdict(task.spec), "hash": task.hash, "variates": list(task.variates)},
        "chosen": dict(chosen),
        "n_ranked": n_ranked,
        "rows": [row.to_json() for row in rows],
        "seconds": dict(seconds),
    }


def _machine() -> dict[str, Any]:
    gpus = [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]
    return {
        "processor": processor(),
        "cores": usable_cores(),
        "memory_bytes": machine_memory(),
        "gpus": gpus,
        "system": platform.system(),
    }


def chosen_facts(entrants: Entrants) -> dict[str, Any]:
    """Return what was chosen: its heaviest member's genotype, all members, and what validation says."""
    chosen = entrants.chosen
    members = [
        {
            "genotype": one.genotype.to_dict(),
            "key": one.genotype.key,
            "weight": weight,
            "iterations": one.iterations,
            "validation_score": one.record.score,
            "untrained_score": one.record.untrained_score,
            "curve": [list(point) for point in one.record.curve],
            "n_parameters": one.record.n_parameters,
        }
        for one, weight in zip(chosen.members, chosen.weights, strict=True)
    ]
    return {
        "origin": entrants.origin,
        "genotype": members[0]["genotype"],
        "key": members[0]["key"],
        "validation_score": chosen.score,
        "validation_noise": chosen.noise,
        "untrained_score": chosen.untrained_score,
        "members": members,
    }


def ranked_facts(genotype: Genotype) -> dict[str, Any]:
    """Return what a ranking says is best."""
    return {"origin": "the comparator's ranking", "genotype": genotype.to_dict(), "key": genotype.key, "members": []}


def _ranked(ranking: Ranking | None, place: int) -> dict[str, object]:
    there = ranking is not None and place < len(ranking)
    return {
        "comparator_score": float(ranking.scores[place]) if ranking is not None and there else None,
        "p_over_median": float(ranking.p_over_median[place]) if ranking is not None and there else None,
        "p_failure": float(ranking.failure[place]) if ranking is not None and there else None,
    }


def _trained(record: TrialRecord | None) -> dict[str, object]:
    return {
        "iterations": None if record is None else record.iterations,
        "validation_score": None if record is None else record.score,
        "untrained_score": None if record is None else record.untrained_score,
        "status": "not tried" if record is None else record.status,
    }
