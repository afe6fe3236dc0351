"""Limits on cost: what is sampled, evolved and searched keeps within them, and nothing else changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ahc.ranking import Ranking
from downstream.data import load_task
from nas.choosing import ranker
from nas.choosing.candidates import acceptable, draw_candidates, space_for
from nas.choosing.cost_limits import affordable, cost_limit, trainable
from nas.choosing.portfolio import portfolio, surest, usual
from nas.cli import program as cli
from nas.cli.commands import Command
from nas.cost import cost, probe_seconds_on
from nas.cost.encoder_cost import read_features
from nas.errors import OptionError
from nas.options.fields import n_bytes
from nas.options.search import SearchOptions
from search_space.drawing import SamplingError, sample_candidates
from search_space.presets import preset
from tests.nas.choosing.first_wishes import first_wishes, source_of

ITALY = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"


def test_accepting_all_is_accepting_none_and_order_is_kept() -> None:
    plain = sample_candidates(60, np.random.default_rng(0))
    assert sample_candidates(60, np.random.default_rng(0), accept=lambda genotype: True) == plain
    small = [genotype for genotype in plain if genotype.encoder.hidden < 64]
    found = sample_candidates(len(small), np.random.default_rng(0), accept=lambda g: g.encoder.hidden < 64)
    assert found == small and len(small) < 60


def test_a_space_without_acceptable_genotypes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_space.drawing.sampling._PATIENCE", 50)
    with pytest.raises(SamplingError, match="only 0 of 51 different genotypes were accepted, got 3; the limits leave"):
        sample_candidates(3, np.random.default_rng(0), accept=lambda genotype: False)


def test_each_limit_refuses_what_is_beyond_it() -> None:
    task = load_task(ITALY, kind="classification")
    genotype = sample_candidates(1, np.random.default_rng(4), space_for(task))[0]
    found = cost(genotype, variates=1, steps=24, batch_size=min(genotype.train.batch_size, 67))
    values = {
        "parameters": found.parameters,
        "multiply_adds": found.multiply_adds,
        "memory": found.memory_bytes,
        "seconds": found.seconds_per_iteration,
    }
    accepts = cost_limit(task, **values)  # type: ignore[arg-type]
    assert accepts is not None and accepts(genotype)
    for name, value in values.items():
        for others in ({}, values):
            accepts = cost_limit(task, **{**others, name: 0.999 * value})  # type: ignore[arg-type]
            assert accepts is not None and not accepts(genotype)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000000", 1_000_000), ("500MB", 500_000_000), ("2GB", 2 * 10**9), ("1.5 GiB", 1_610_612_736), ("3k", 3000)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert n_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "2XB", "-1", "1ib"])
def test_what_is_no_size_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="must be a size in bytes such as 1000000, 500MB or 2GB"):
        n_bytes(text)


def test_limits_reach_the_options_from_flags_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[SearchOptions] = []
    monkeypatch.setattr(
        Command, "load", lambda self, **_: lambda options: (calls.append(options), SimpleNamespace(text=""))[1]
    )
    (tmp_path / "c.yaml").write_text("max_memory: 500MB\nmax_parameters: 100000\n", encoding="utf-8")
    words = ["search", "d.csv", "--config", str(tmp_path / "c.yaml"), "--max-multiply-adds", "2e9"]
    assert cli.main(words) == 0 and cli.main([*words, "--max-memory", "2GB", "--max-seconds-per-iteration", "0.5"]) == 0
    assert [one.max_memory for one in calls] == [500_000_000, 2 * 10**9]
    assert calls[1] == SearchOptions(
        "d.csv",
        max_parameters=100_000,
        max_multiply_adds=2e9,
        max_memory=2 * 10**9,
        max_seconds_per_iteration=0.5,
    )


def test_limits_must_be_above_zero() -> None:
    with pytest.raises(OptionError, match=r"max-parameters: must be >= 1, got 0\nmax-multiply-adds: must be > 0"):
        SearchOptions("d", max_parameters=0, max_multiply_adds=0.0)


def test_a_search_trains_nothing_beyond_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    task = load_task(ITALY, kind="classification")
    evolved = []

    def spy(*given: object, **how: object) -> Ranking:
        found = evolve(*given, **how, generations=2, children=40)  # type: ignore[arg-type]
        evolved.extend(found.genotypes)
        return found

    evolve = ranker.evolve
    monkeypatch.setattr(ranker, "evolve", spy)
    limit = 40_000
    found = first_wishes(task, SearchOptions(str(ITALY), candidates=80, max_parameters=limit))
    accepts = cost_limit(task, **SearchOptions(str(ITALY), max_parameters=limit).limits)
    assert accepts is not None
    assert len(evolved) > 64 and all(accepts(genotype) for genotype in evolved)
    assert all(accepts(genotype) for group in found.values() for genotype in group)
    unlimited = SearchOptions(str(ITALY))
    assert cost_limit(SimpleNamespace(), **unlimited.limits) is None  # type: ignore[arg-type]


def test_no_forecaster_is_so_wide_that_its_probe_takes_longer_than_the_encoder() -> None:
    frame = pd.DataFrame({"a": np.sin(np.arange(600) / 7), "b": np.cos(np.arange(600) / 9)})
    allowed = acceptable(load_task(frame, kind="forecasting", name="f"), None)
    wide = preset("minirocket", kind="classification")
    assert allowed is not None and read_features(wide.encoder) > 4096 and not allowed(wide)
    assert all(allowed(genotype) for genotype in portfolio("forecasting"))
    drawn = draw_candidates(300, np.random.default_rng(0), accept=allowed)
    assert max(read_features(genotype.encoder) for genotype in drawn) <= 4096
    assert acceptable(load_task(ITALY, kind="classification"), None) is None  # folds solve for cases


def test_a_landmark_is_afforded_by_its_encoder_alone() -> None:
    """Neither its strategy counts nor what training would cost it: a trained bank is probed as a fixed one is."""
    task = load_task(ITALY, kind="classification")
    cheap, seconds = affordable(task), probe_seconds_on(task)
    fixed, trained = (preset(name, kind="classification") for name in ("minirocket", "rocket_contrastive"))
    assert cheap(fixed) and cheap(trained) and not trainable(task)(trained)
    other = dataclasses.replace(fixed, loss=trained.loss, pair=trained.pair, train=trained.train)
    assert seconds(other) == seconds(fixed)
    wider = dataclasses.replace(fixed.encoder, hidden=2 * fixed.encoder.hidden)
    assert seconds(dataclasses.replace(fixed, encoder=wider)) > 1.25 * seconds(fixed)
    assert not cheap(dataclasses.replace(fixed, encoder=wider))


def test_the_first_of_the_surest_is_always_afforded_and_the_others_where_cases_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = load_task(ITALY, kind="classification")
    first, second = surest("classification")
    assert probe_seconds_on(task)(second) > 1.25 * probe_seconds_on(task)(usual("classification"))
    assert affordable(task)(first) and affordable(task)(second)
    monkeypatch.setattr("nas.choosing.cost_limits.HELD_NUMBERS", 67 * read_features(second.encoder) - 1)
    assert affordable(task)(first) and not affordable(task)(second)


@pytest.mark.parametrize("kind", ["classification", "forecasting"])
def test_what_the_comparator_ranks_first_can_be_probed(kind: str) -> None:
    """However dear its first of all are: otherwise it would have no say in what is tried."""
    path = {"classification": ITALY, "forecasting": ITALY.parent / "ETTh1.csv"}[kind]
    task = load_task(path, kind=kind)
    source = source_of(task, SearchOptions(str(path), candidates=2000))
    cheap = affordable(task)
    found = source.ranked(16)  # type: ignore[union-attr]
    assert len(found) == 16 and all(map(cheap, found))
