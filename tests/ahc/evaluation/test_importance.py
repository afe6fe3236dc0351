"""Importance finds the genes that a planted rule uses, and no others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ahc.evaluation.bank_account import account_text
from ahc.evaluation.importance import epsilon_squared, gene_importance, gene_table
from ahc.record import TrialRecord
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.space import SearchSpace

Plant = Callable[..., tuple[list[TrialRecord], dict[str, NDArray[np.float32]]]]


@pytest.fixture(scope="module")
def found(plant: Plant, planted: SearchSpace) -> pd.DataFrame:
    def rule(genotype: Genotype, _: NDArray[np.float64]) -> float:
        return 2.0 * (genotype.encoder.readout == "max") + np.log2(genotype.encoder.hidden / 32)

    def gain(genotype: Genotype, statistics: NDArray[np.float64]) -> float:
        return 0.5 * rule(genotype, statistics)

    pool = sample_candidates(120, np.random.default_rng(4), planted)
    records, _ = plant(rule, pool=pool, n_tasks=2, n_candidates=120, noise=0.1, gain=gain)
    return gene_importance(records, n_trees=15, n_repeats=2)


@pytest.mark.parametrize("target", ["score", "gain"])
def test_planted_genes_come_first(found: pd.DataFrame, target: str) -> None:
    own = found[found["target"] == target]
    mean = own[own["task"] == "mean"].set_index("gene")
    assert set(mean["permutation"].nlargest(2).index) == {"readout", "hidden"}
    assert mean.drop(index=["readout", "hidden"])["permutation"].max() < 0.1
    assert set(mean["epsilon_squared"].nlargest(2).index) == {"readout", "hidden"}
    by_hand = own[own["task"] != "mean"].groupby("gene")["permutation"].mean()
    assert mean["permutation"].to_dict() == pytest.approx(by_hand.to_dict())


def test_epsilon_squared_in_closed_form() -> None:
    target = np.array([1.0, 2.0, 3.0, 5.0, 6.0, 7.0])
    # within 4 over 4 degrees, total 28 over 5
    assert epsilon_squared(["a"] * 3 + ["b"] * 3, target=target) == pytest.approx(1 - 1.0 / (28 / 5))
    assert epsilon_squared(["a"] * 6, target=target) == 0.0
    assert epsilon_squared(list("abcdef"), target=target) == 0.0


def test_chance_explains_nothing_on_average() -> None:
    rng = np.random.default_rng(0)
    drawn = [epsilon_squared(rng.integers(5, size=40).tolist(), target=rng.normal(size=40)) for _ in range(400)]
    assert np.mean(drawn) == pytest.approx(0.0, abs=0.02)


def test_gene_table_shows_the_genotype(candidates: list[Genotype]) -> None:
    genes = gene_table(candidates)
    for row, genotype in zip(genes.to_dict("records"), candidates, strict=True):
        assert row["readout"] == genotype.encoder.readout
        assert row["depth"] == genotype.encoder.n_inner
        names = {choice.name for choice in (*genotype.aug1, *genotype.aug2)}
        assert {g.split(" ")[1] for g, v in row.items() if g.startswith("augmentation ") and v > 0} <= names
        assert sum(v for g, v in row.items() if g.startswith("operator ")) == len(genotype.encoder.edges)
        assert {g.split(" ")[1] for g, v in row.items() if g.startswith("pair ") and v} == set(genotype.pair.kinds)


def test_too_few_candidates_say_nothing(plant: Plant, candidates: list[Genotype]) -> None:
    records, _ = plant(lambda g, s: 0.0, pool=candidates, n_tasks=1, n_candidates=8, noise=1.0)
    assert gene_importance(records).empty
    assert "What the genes explain of the score" in account_text(records)
