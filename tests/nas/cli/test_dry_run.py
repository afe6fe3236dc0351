"""Dry runs: nothing is written, the plan is that of the real run, and the figures follow from what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ahc.bank import Bank
from downstream.cases import features
from downstream.data import load_task
from nas.budget.estimate import estimate_trials
from nas.budget.pilot import Timing, makespan, measure
from nas.cli.dry_run import estimate_search, estimate_seeds
from nas.engines.settings import EngineSettings
from nas.options.search import SearchOptions
from nas.options.seeding import SeedsOptions
from nas.seeding.seeds import generate_seeds
from nas.trials.trial import TrialPlan
from search_space.presets import preset

EXAMPLES = Path(__file__).parents[3] / "examples" / "data"
ITALY = EXAMPLES / "ItalyPowerDemand"
TS2VEC, SIMCLR, MINIROCKET = (preset(name, kind="classification") for name in ("ts2vec", "simclr", "minirocket"))


@pytest.fixture(scope="module", autouse=True)
def without_minirocket() -> Iterator[None]:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)
        yield


def test_a_search_is_told_and_not_made(tmp_path: Path) -> None:
    settings = {"task": "classification", "iterations": 8, "candidates": 40, "top_k": 2, "engine": "serial"}
    settings |= {"landmarks": 12}
    output = {"output": str(tmp_path / "run"), "bank": str(tmp_path / "bank.sqlite")}
    told = estimate_search(
        SearchOptions(str(ITALY), **settings, **output, workers=1, quiet=True, dry_run=True, time_budget=1.0)  # type: ignore[arg-type]
    )
    assert list(tmp_path.iterdir()) == []
    assert "landmarks: 12 candidates" in told.text
    # those that have something to learn, and are cheap enough to be trained
    for iterations, places in ((2, 8), (4, 4), (8, 2)):
        found = re.search(rf"train to {iterations} iterations: (\d+) candidates", told.text)
        assert found and 1 <= int(found[1]) <= places
    assert "verify on test: 5 encoders and the baselines" in told.text
    assert "Time budget 1 s: it would be cut." in told.text
    assert re.search(r"Memory: about [\d,]+ MB a worker", told.text) and re.search(r"Disk: about [\d.,]+ MB", told.text)


def test_seeds_are_told_and_what_the_bank_holds_is_not_counted(tmp_path: Path) -> None:
    manifest, bank = tmp_path / "tasks.yaml", tmp_path / "bank.sqlite"
    lines = [
        f"{{name: {name}, family: f, kind: classification, path: {path}, max_cases: 40}}"
        for name, path in (("italy", "ItalyPowerDemand"), ("taxi", "NycTaxiDays"))
    ]
    manifest.write_text(f"tasks: [{', '.join(lines)}]")
    sizes = {"probes": 6, "genotypes": 2, "promising": 1, "iterations": 2, "repeats": 0.2}
    plan = {"data": str(EXAMPLES), "bank": str(bank), **sizes, "engine": "serial", "workers": 1, "quiet": True}
    told = estimate_seeds(SeedsOptions(str(manifest), **plan, dry_run=True))  # type: ignore[arg-type]
    assert not bank.exists()
    assert "italy: 4 of 4 untrained probes of shared and random candidates, 9 more" in told.text
    generate_seeds(SeedsOptions(str(manifest), **plan))  # type: ignore[arg-type]
    with Bank(bank, read_only=True) as opened:
        probes = sum(not record.iterations for record in opened.records())
        # all probes that were told; of the ten trainings, those that a search would do
        assert probes == 16 and 0 < len(opened) - probes <= 10
    before = bank.read_bytes()
    again = estimate_seeds(SeedsOptions(str(manifest), **plan, dry_run=True))  # type: ignore[arg-type]
    assert "italy: 0 of 4 untrained probes" in again.text and bank.read_bytes() == before


def test_two_timed_candidates_and_the_cost_model_give_the_rest() -> None:
    task = load_task(ITALY, kind="classification")
    timing = Timing(build=1.0, probe=0.5, iteration=0.1, memory=1000, file=5000, start=0.25)
    found = estimate_trials(task, {TS2VEC.key: timing}, trained=[TS2VEC, SIMCLR], probed=[MINIROCKET])
    # 0, 25, 50 and 100 iterations are probed
    assert found.seconds(TrialPlan(TS2VEC, 100, 0, "search")) == pytest.approx(0.25 + 1.0 + 4 * 0.5 + 100 * 0.1)
    ratio = found.costs[SIMCLR.key].seconds_per_iteration / found.costs[TS2VEC.key].seconds_per_iteration
    probe = 0.5 * (0.3 + 0.7 * found.probes[SIMCLR.key] / found.probes[TS2VEC.key])
    expected = 0.25 + 1.0 + 4 * probe + 100 * 0.1 * ratio
    assert found.seconds(TrialPlan(SIMCLR, 100, 0, "search")) == pytest.approx(expected)
    assert found.seconds(TrialPlan(MINIROCKET, 100, 0, "search")) == pytest.approx((expected + 13.25) / 2)
    untrained = 0.5 * (0.3 + 0.7 * found.probes[MINIROCKET.key] / found.probes[TS2VEC.key])
    assert found.seconds(TrialPlan(MINIROCKET, 0, 0, "search")) == pytest.approx(0.25 + 1.0 + untrained)
    # what goes on from a shorter trial has that one's iterations and probes behind it
    rung = TrialPlan(TS2VEC, 50, 0, "search", probe_at=(0, 25, 50, 100))
    assert found.seconds(rung) == pytest.approx(0.25 + 1.0 + 3 * 0.5 + 50 * 0.1)
    assert found.seconds(rung, done=25) == pytest.approx(0.25 + 1.0 + 0.5 + 25 * 0.1)
    smaller = found.costs[SIMCLR.key].parameters - found.costs[TS2VEC.key].parameters
    assert found.file_bytes(TrialPlan(SIMCLR, 100, 0, "search")) == 5000 + 4 * smaller


def test_what_is_timed_is_what_a_trial_does() -> None:
    task = load_task(ITALY, kind="classification")
    found = measure(task, [TS2VEC], settings=EngineSettings(engine="serial"))
    timing = found[TS2VEC.key]
    assert min(timing.build, timing.probe, timing.iteration) > 0.0 and timing.start >= 0.0
    assert timing.memory > 10_000_000 and timing.file > 4 * 10_000
    assert task.open_test() is not None  # still sealed until here


@pytest.mark.parametrize(("workers", "expected"), [(1, 9.0), (2, 6.0), (3, 6.0), (4, 5.0)])
def test_workers_take_jobs_when_they_are_free(workers: int, expected: float) -> None:
    assert makespan([1.0, 1.0, 2.0, 5.0], workers=workers) == expected
