"""The bank's account of its labels, on records whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ahc.evaluation.bank_account import account_text, best_gain, curve_gains, gain_by_choice, gain_table, noise_table
from ahc.record import TrialRecord
from search_space.drawing import sample_candidates

N = 120


def records(*, noise: float, gain: float) -> list[TrialRecord]:
    """Return an error task: scores spread with deviation 1, repeats differ by `noise`, max readout gains."""
    rng = np.random.default_rng(0)
    found = []
    for at, genotype in enumerate(sample_candidates(N, np.random.default_rng(1))):
        own = gain if genotype.encoder.readout == "max" else 0.0
        untrained = 5.0 + rng.normal()
        record = TrialRecord(
            genotype=genotype.to_dict(),
            genotype_key=genotype.key,
            task_name="planted",
            task_hash="0" * 16,
            family="planted",
            kind="forecasting",
            protocol="forecasting-1",
            metric="mse",
            higher_is_better=False,
            iterations=10,
            rng_seed=0,
            curve=((0, untrained, None), (5, untrained + 0.5, 1.0), (10, untrained - own, 1.0)),
            score=untrained - own,
            best_iteration=10 if own else 0,
            untrained_score=untrained,
        )
        found.append(record)
        if at < 12:
            found.append(replace(record, rng_seed=1, score=record.score + noise * rng.normal()))
    return found


def test_gains_are_oriented_and_leave_out_the_untrained_point() -> None:
    record = records(noise=0.0, gain=0.7)[0]
    assert curve_gains(record) == {5: pytest.approx(-0.5), 10: pytest.approx(record.curve[0][1] - record.curve[2][1])}
    assert best_gain(replace(record, curve=record.curve[:2])) == pytest.approx(-0.5)
    assert np.isnan(best_gain(replace(record, curve=record.curve[:1])))


@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_noise_is_recovered_from_repeats(noise: float) -> None:
    row = noise_table(records(noise=noise, gain=0.0)).iloc[0]
    assert row["repeats"] == 12
    assert noise / 2 < row["sd between repeats"] * np.sqrt(2) < 2.5 * noise
    assert row["share"] == pytest.approx(row["sd between repeats"] / row["robust sd"])


def test_the_choice_that_gains_comes_first() -> None:
    trials = records(noise=0.0, gain=2.0)
    more = [replace(one, task_hash=f"{at:016d}", task_name=f"t{at}") for at in range(4) for one in trials]
    choices = gain_by_choice(more)
    assert tuple(choices.iloc[0][["gene", "choice"]]) == ("readout", "max")
    assert gain_table(trials).iloc[0]["share gaining"] < 0.6


def test_a_candidate_that_diverged_is_not_the_best() -> None:
    first, *others = records(noise=0.0, gain=1.0)
    diverged = replace(first, genotype_key="0" * 16, status="diverged", score=None)
    row = gain_table([diverged, first, *others]).iloc[0]
    assert row["best candidate"] == min(one.score for one in (first, *others) if one.score is not None)
    assert gain_table([diverged]).empty
    assert account_text([diverged, first, *others])


def test_the_account_names_every_part() -> None:
    text = account_text(records(noise=0.1, gain=1.0))
    for title in ("Label noise per task", "What training gained per task", "Gain by iteration", "explain of the score"):
        assert title in text
