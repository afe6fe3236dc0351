"""The constants of the posterior: what the shipped bank says, and what was planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ahc.bank import SHIPPED as SHIPPED_BANK
from ahc.bank import Bank
from ahc.evaluation.rivals import Asked, Known, ridge_task_blind
from ahc.graphs.encoding import vocabulary_of
from ahc.graphs.flat import flat_features
from ahc.posterior import SHIPPED
from ahc.record import TrialRecord
from ahc.training.comparisons import genotypes_of, task_tables
from ahc.training.fitting import fit_constants, noise_of


@pytest.fixture(scope="module")
def shipped() -> list[TrialRecord]:
    with Bank(SHIPPED_BANK, read_only=True) as bank:
        return bank.records()


def ridge_scores(records: list[TrialRecord]) -> dict[tuple[str, str], tuple[float, float]]:
    """Of a ridge on genes that has not seen the family, in seconds; comparators know the task: less spread is left."""
    tables, genotypes = task_tables(records), genotypes_of(records)
    features = flat_features([*genotypes.values()], vocabulary=vocabulary_of([*genotypes.values()]))
    flat = dict(zip(genotypes, features.astype(np.float64), strict=True))
    families = sorted({table.family for table in tables})
    scores = {}
    for fold in (families[at::5] for at in range(5)):
        known = [table for table in tables if table.family not in fold]
        says = ridge_task_blind(Known(known, np.zeros((len(known), 1)), flat, 0))
        for table in (table for table in tables if table.family in fold):
            said = says(Asked(table.keys, np.zeros(1)))
            scores |= {(table.task_hash, key): (float(value), 0.0) for key, value in zip(table.keys, said, strict=True)}
    return scores


def test_the_shipped_constants_are_what_the_shipped_bank_says(shipped: list[TrialRecord]) -> None:
    fitted = fit_constants(shipped, foreseen=ridge_scores(shipped))
    assert fitted.spread - 0.15 < SHIPPED.spread < fitted.spread
    assert SHIPPED.gains == pytest.approx(fitted.gains, abs=0.01)
    assert SHIPPED.gain_spreads == pytest.approx(fitted.gain_spreads, abs=0.02)
    assert SHIPPED.correlation == pytest.approx(fitted.correlation, abs=0.05)
    assert SHIPPED.slope == pytest.approx(fitted.slope, abs=0.15)


def test_planted_constants_are_found(shipped: list[TrialRecord]) -> None:
    """Tasks of 100 to 3000 cases: the unit of all constants is the spread of untrained candidates, noise included."""
    rng = np.random.default_rng(0)
    records, priors = [], {}
    for task in range(40):
        cases = int(rng.choice((100, 300, 1000, 3000)))
        for at in range(60):
            prior, centre, unit = rng.normal(), 0.5, 0.1
            gains = rng.normal((0.3, 0.0, -0.1), (0.4, 0.2, 0.3))
            quality = unit * np.cumsum([0.6 * prior + 0.8 * rng.normal(), *gains])
            noise = np.sqrt(0.25 / cases)
            error = noise * (np.sqrt(0.9) * rng.normal() + np.sqrt(0.1) * rng.normal(size=4))
            scores = (centre + quality + error).tolist()
            curve = tuple((step, score, None) for step, score in zip((0, 25, 100, 200), scores, strict=True))
            facts: dict[str, Any] = {"task_hash": f"t{task}", "genotype_key": f"g{at}", "details": {"n_cases": cases}}
            facts |= {"iterations": 200, "metric": "accuracy", "higher_is_better": True}
            facts |= {"curve": curve, "untrained_score": scores[0], "score": scores[-1]}
            records.append(replace(shipped[0], **facts))
            priors[f"t{task}", f"g{at}"] = (prior, 0.0)
    fitted = fit_constants(records, foreseen=priors)
    ratio = np.array(fitted.gain_spreads) / fitted.spread
    assert ratio == pytest.approx([0.5, 0.25, 0.375], abs=0.1)
    assert fitted.slope / fitted.spread == pytest.approx(0.6 / 0.8, abs=0.1)
    assert fitted.correlation == pytest.approx(0.9, abs=0.06)
    assert np.array(fitted.gains) / fitted.spread == pytest.approx([0.375, 0.0, -0.125], abs=0.05)


def test_curves_of_other_points_teach_nothing(shipped: list[TrialRecord]) -> None:
    with pytest.raises(ValueError, match="needs trials with a score at"):
        fit_constants([replace(shipped[0], curve=((0, 0.5, None), (50, 0.6, None)))])


def test_the_noise_of_an_accuracy_follows_from_its_cases(shipped: list[TrialRecord]) -> None:
    record = replace(shipped[0], metric="accuracy", score=0.9, details={"n_cases": 100})
    assert noise_of(record) == pytest.approx(0.03)
    assert noise_of(replace(record, score=1.0)) > 0  # a hundred right answers do not make it sure
    assert noise_of(replace(record, metric="mse")) == noise_of(replace(record, details={})) == 0.0
