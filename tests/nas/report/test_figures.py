"""Figures: what they compute, what they need, and what a run without that is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from nas.report.figures import FIGURES
from nas.report.figures.canvas import NothingToDrawError, style
from nas.report.figures.importance import importance_of, table_of
from nas.report.figures.pareto import front_of
from nas.report.figures.ranking import believed, foreseen, kendall
from nas.report.figures.timeline import schedule
from nas.report.reading import Candidate, RunReading
from search_space.drawing import sample_candidates
from search_space.genes import genes_of
from tests.nas.trial_records import record


def candidate(key: str, *, score: float, seconds: float = 1.0) -> Candidate:
    return Candidate(key, "drawn blindly", 0.0, None, None, record(score=score, seconds=seconds, genotype_key=key))


@pytest.mark.parametrize("name", [*FIGURES])
def test_a_run_that_has_nothing_says_what_is_missing(run: Path, name: str) -> None:
    empty = dataclasses.replace(RunReading.finished(run), candidates=(), records={}, events=(), evidence={})
    with style(), pytest.raises(NothingToDrawError, match=r"[a-z]{3}"):
        FIGURES[name](empty)


def test_the_ranking_of_the_run_is_compared_with_its_scores(run: Path) -> None:
    reading = RunReading.finished(run)
    before, after = foreseen(reading), believed(reading)
    assert len(before.said) >= 8 and len(after.said) >= 8 and len(after.sd) == len(after.said)
    assert any(after.trained) and not all(after.trained)


@pytest.mark.parametrize(("higher", "tau"), [(True, 1.0), (False, -1.0)])
def test_taus_sign_is_that_of_what_is_good(higher: bool, tau: float) -> None:
    assert kendall([1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4], higher_is_better=higher)[0] == tau
    assert kendall([1.0, 1.0, 1.0], [0.1, 0.2, 0.3], higher_is_better=higher) == (0.0, 1.0)


def test_the_front_is_who_nobody_beats_in_both() -> None:
    known = {"slow": (0.9, 9.0), "cheap": (0.5, 1.0), "beaten": (0.4, 2.0), "middle": (0.8, 3.0), "same": (0.8, 4.0)}
    some = [candidate(key, score=score, seconds=seconds) for key, (score, seconds) in known.items()]
    assert [one.key for one in front_of(some, higher_is_better=True)] == ["cheap", "middle", "slow"]
    assert [one.key for one in front_of(some, higher_is_better=False)] == ["cheap", "beaten"]


def test_the_gene_that_decides_comes_first(run: Path) -> None:
    genotypes = sample_candidates(80, np.random.default_rng(3))
    hidden = [genotype.encoder.hidden for genotype in genotypes]
    noise = np.random.default_rng(0).normal(scale=1e-3, size=len(genotypes))
    candidates = tuple(
        Candidate(one.key, "", 0.0, None, None,
                  record(genotype=one.to_dict(), genotype_key=one.key, score=width + error))
        for one, width, error in zip(genotypes, hidden, noise, strict=True)
    )  # fmt: skip
    found = importance_of(dataclasses.replace(RunReading.finished(run), candidates=candidates))
    assert found.genes[0] == "encoder.hidden" and found.explained > 0.5
    assert found.losses[0] > 3 * found.losses[1]


def test_genes_become_numbers_without_those_that_never_change() -> None:
    rows = [genes_of(genotype) for genotype in sample_candidates(20, np.random.default_rng(0))]
    names, columns = table_of(rows)
    assert columns.shape == (20, len(names)) and np.isfinite(columns).all() and (np.ptp(columns, axis=0) > 0).all()
    assert any(name.startswith("encoder.operators: ") for name in names) and "encoder.edges" not in names
    assert table_of([rows[0], rows[0]])[0] == []


def test_time_between_sittings_does_not_count() -> None:
    def at(second: int, event: str, **facts: object) -> dict[str, object]:
        return {"time": f"2026-01-0{1 + second // 100}T00:00:{second % 100:02}Z", "event": event, **facts}

    plan = schedule([
        at(0, "run"), at(0, "stage", stage="try"), at(1, "trial started", trial="a", worker=1),
        at(2, "trial started", trial="lost", worker=2),
        at(4, "trial", trial="a", key="a", iterations=3, status="completed"),
        {"time": "nonsense", "event": "run"}, at(105, "run"), at(106, "trial started", trial="b", worker=2),
        at(109, "trial", trial="b", key="b", iterations=0, status="timeout"), at(109, "trial", trial="old"),
        at(110, "end"),
    ])  # fmt: skip
    trials = [(bar.name, bar.lane, bar.begin, bar.end) for bar in plan.bars if bar.lane]
    assert trials == [("a", 1, 1.0, 4.0), ("b", 2, 5.0, 8.0)]
    assert plan.breaks == [4.0] and plan.seconds == 9.0


def test_workers_of_the_run_are_told(run: Path) -> None:
    started = [event for event in RunReading.finished(run).events if event["event"] == "trial started"]
    assert started and {event["worker"] for event in started} == {1}


@pytest.mark.parametrize(
    "found",
    [
        {"form": "forecasts", "panels": [
            {"name": "$a_<b>", "step": step, "past": [1.0, None, 2.0], "truth": [1.0, None], "forecast": [1.5, 1.0],
             "low": [1.0, 0.5], "high": [2.0, 1.5]} for step in (7, 9)]},
        {"form": "scores", "threshold": 1.0, "panels": [
            {"name": "s & t", "first": 4, "variates": ["a", "b"], "values": [[1.0, 2.0, 3.0], [0.0, None, 1.0]],
             "scores": [0.1, 2.0, 0.3], "labels": labels} for labels in ([0, 1, 1], None)]},
        {"form": "targets", "truth": [1.0, 2.0, 3.0], "predicted": [1.1, 1.9, 3.2]},
        {"form": "confusion", "classes": [f"class {n}" for n in range(14)], "counts": np.eye(14).tolist(),
         "n_left_out": 3},
    ],
    ids=lambda found: found["form"],
)  # fmt: skip
def test_predictions_of_every_form_are_drawn(run: Path, found: dict[str, object]) -> None:
    reading = dataclasses.replace(RunReading.finished(run), evidence={"examples": found})
    with style():
        drawing = FIGURES["examples"](reading)
    assert drawing.alt and drawing.figure.axes and all(axes.has_data() for axes in drawing.figure.axes)
