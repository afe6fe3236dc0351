"""What a wave holds: what a search would afford, every preset where probes are cheap, and the fixed probes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ahc.bank import Bank
from ahc.landmarks import probes
from downstream.data import load_task
from downstream.task import Task
from nas.choosing.portfolio import portfolio, surest
from nas.seeding.waves import Waves
from search_space.genotype import Genotype

ITALY = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"
SIZES = {"genotypes": 8, "promising": 2, "iterations": 200, "repeats": 0.1, "rng_seed": 0}


def allowed(genotype: Genotype) -> bool:
    return genotype.encoder.hidden <= 64


@pytest.fixture(scope="module")
def cases() -> Task:
    return load_task(ITALY, kind="classification", max_cases=40)


@pytest.fixture(scope="module")
def series() -> Task:
    return load_task(np.sin(np.arange(600) / 5)[None, None], kind="forecasting", window=24, horizons=4)


def test_what_a_search_would_not_afford_is_left_out(cases: Task, series: Task) -> None:
    waves = Waves(96, affordable={"classification": allowed, "forecasting": allowed}, **SIZES)  # type: ignore[arg-type]
    for task in (cases, series):
        plans = waves.first(task)
        assert len(plans) == 64 and all(plan.iterations == 0 for plan in plans)
        presets = {genotype.key for genotype in portfolio(task.spec.kind)}
        drawn = [plan.genotype for plan in plans if plan.genotype.key not in presets]
        assert len(drawn) > 30 and all(map(allowed, drawn))
        probed = {plan.genotype.untrained_key for plan in plans}
        certain = portfolio(task.spec.kind) if task.kind.whole_cases else surest(task.spec.kind)
        assert {genotype.untrained_key for genotype in certain} <= probed
        assert len(probed & {one.untrained_key for one in probes(task.spec.kind)}) >= 4


def test_every_rung_is_trained_and_only_what_a_search_would_train(cases: Task, series: Task, tmp_path: Path) -> None:
    waves = Waves(96, **SIZES)  # type: ignore[arg-type]
    with Bank(tmp_path / "bank.sqlite") as bank:
        plans = waves.training(cases, bank)  # nothing was probed: presets alone
    only = Waves(96, trainable={"forecasting": lambda genotype: False}, **SIZES)  # type: ignore[arg-type]
    with Bank(tmp_path / "other.sqlite") as bank:
        assert only.training(series, bank) == [] and len(only.training(cases, bank)) == 4
    assert sorted(plan.iterations for plan in plans) == [25, 25, 100, 200]
    assert {plan.probe_at for plan in plans} == {(0, 25, 100, 200)}
    assert waves.later[200] >= 2 and waves.later.total() == 32 + 2 * 7 + 8 + 2 * 1 + 2
