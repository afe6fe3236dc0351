"""The constants of the posterior: what the shipped bank says, and what was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ahc.bank import Bank
from ahc.checkpoint import shipped_path
from ahc.evaluation.rivals import Question, ridge_task_blind
from ahc.graphs.encoding import vocabulary_of
from ahc.graphs.flat import flat_features
from ahc.record import TrialRecord
from ahc.training.comparisons import genotypes_of, task_tables
from nas.strategies.fitting import fit_constants, noise_of
from nas.strategies.posterior import SHIPPED


@pytest.fixture(scope="module")
def shipped() -> list[TrialRecord]:
    with Bank(shipped_path("bank.sqlite"), read_only=True) as bank:
        return bank.records()


def ridge_scores(records: list[TrialRecord]) -> dict[tuple[str, str], float]:
    """Of a ridge on genes that has not seen the family, which ranks as well as a comparator, in seconds."""
    tables, genotypes = task_tables(records), genotypes_of(records)
    features = flat_features([*genotypes.values()], vocabulary=vocabulary_of([*genotypes.values()]))
    flat = dict(zip(genotypes, features.astype(np.float64), strict=True))
    scores = {}
    for table in tables:
        known = [other for other in tables if other.family != table.family]
        said = ridge_task_blind(Question(known, np.zeros((len(known), 1)), np.zeros(1), table.keys, flat, 0))
        said = (said - said.mean()) / said.std()
        scores |= {(table.task_hash, key): float(value) for key, value in zip(table.keys, said, strict=True)}
    return scores


def test_the_shipped_constants_are_what_the_shipped_bank_says(shipped: list[TrialRecord]) -> None:
    fitted = fit_constants(shipped, priors=ridge_scores(shipped))
    assert SHIPPED.spread == pytest.approx(fitted.spread, abs=0.06)
    assert SHIPPED.gains == pytest.approx(fitted.gains, abs=0.01)
    assert SHIPPED.gain_spreads == pytest.approx(fitted.gain_spreads, abs=0.02)
    assert SHIPPED.correlation == pytest.approx(fitted.correlation, abs=0.05)
    assert SHIPPED.slope == pytest.approx(fitted.slope, abs=0.05)


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
            curve = tuple((step, score, None) for step, score in zip((0, 25, 50, 100), scores, strict=True))
            facts = {"task_hash": f"t{task}", "genotype_key": f"g{at}", "details": {"n_cases": cases}}
            records.append(
                replace(shipped[0], **facts, metric="accuracy", higher_is_better=True, curve=curve, score=0.5)  # type: ignore[arg-type]
            )
            priors[f"t{task}", f"g{at}"] = prior
    fitted = fit_constants(records, priors=priors)
    ratio = np.array(fitted.gain_spreads) / fitted.spread
    assert ratio == pytest.approx([0.5, 0.25, 0.375], abs=0.1)
    assert fitted.slope / fitted.spread == pytest.approx(0.6 / 0.8, abs=0.1)
    assert fitted.correlation == pytest.approx(0.9, abs=0.06)
    assert np.array(fitted.gains) / fitted.spread == pytest.approx([0.375, 0.0, -0.125], abs=0.05)


def test_curves_of_other_points_teach_nothing(shipped: list[TrialRecord]) -> None:
    with pytest.raises(ValueError, match="needs trials with a score at"):
        fit_constants([replace(shipped[0], curve=((0, 0.5, None), (100, 0.6, None)))])


def test_the_noise_of_an_accuracy_follows_from_its_cases(shipped: list[TrialRecord]) -> None:
    record = replace(shipped[0], metric="accuracy", score=0.9, details={"n_cases": 100})
    assert noise_of(record) == pytest.approx(0.03)
    assert noise_of(replace(record, score=1.0)) > 0  # a hundred right answers do not make it sure
    assert noise_of(replace(record, metric="mse")) == noise_of(replace(record, details={})) == 0.0
