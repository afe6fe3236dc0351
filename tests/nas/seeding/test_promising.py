"""Whom a comparator singles out: those of whom it expects most after training, and those it is least sure of."""

from __future__ import annotations

import numpy as np

from ahc.checkpoint import load_comparator
from ahc.record import TrialRecord
from nas.seeding.promising import single_out
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype


def probe(genotype: Genotype, score: float) -> TrialRecord:
    facts = {"task_name": "t", "task_hash": "h", "family": "f", "kind": "classification", "protocol": "p-2"}
    return TrialRecord(
        genotype.to_dict(),
        genotype.key,
        **facts,
        metric="accuracy",
        higher_is_better=True,
        iterations=0,
        rng_seed=0,
        curve=((0, score, None),),
        score=score,
        untrained_score=score,
    )


def test_half_are_the_best_and_the_others_are_not_chosen_for_their_scores() -> None:
    comparator = load_comparator()
    genotypes = sample_candidates(40, np.random.default_rng(0))
    scores = np.random.default_rng(1).permutation(np.linspace(0.1, 0.9, 40))
    probes = [probe(genotype, score) for genotype, score in zip(genotypes, scores.tolist(), strict=True)]
    open_to = [genotype.key for genotype in genotypes[:30]]
    how = {"embedding": np.zeros(comparator.settings.task_features, dtype=np.float32), "comparator": comparator}
    found = single_out(probes, open_to=open_to, n=8, **how)  # type: ignore[arg-type]
    keys = [genotype.key for genotype in found]
    assert len(set(keys)) == 8 and set(keys) <= set(open_to)
    places = {key: int((scores[:30] > scores[at]).sum()) for at, key in enumerate(open_to)}
    assert max(places[key] for key in keys[:4]) < 15  # the untrained score says most
    assert single_out(probes[::-1], open_to=open_to, n=8, **how) == found  # type: ignore[arg-type]
    assert single_out(probes, open_to=open_to[:3], n=8, **how)[0].key in open_to[:3]  # type: ignore[arg-type]
    assert single_out(probes, open_to=[], n=8, **how) == []  # type: ignore[arg-type]
