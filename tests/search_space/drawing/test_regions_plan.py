"""Drawing from several regions: each as it draws alone, as often as its share says, all in the same columns."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest

from search_space import (
    Genotype,
    Region,
    Regions,
    SamplingError,
    crossover,
    default_space,
    every_genotype,
    full_space,
    mutate,
    preset,
    sample_arch,
    sample_candidates,
    sample_columns,
)
from search_space.drawing.plan import plan_of
from search_space.drawing.regions_plan import RegionsPlan, drawing_plan
from search_space.drawing.twins import identities


def region_of(genotype: Genotype) -> str | None:
    return next((name for name, region in default_space().regions.items() if region.space.holds(genotype)), None)


def unlike() -> Regions:
    """Regions of other operators, identity among them, other widths and chains that zeros shorten."""
    full, default = full_space(), default_space()
    lone = {"EncoderCell": {"operators": ["identity", "gru"], "nodes": [2, 3], "blocks": 4, "taps": [1, 4]}}
    views = {"options": ["jitter", "crop"], "jitter.sigma": [0.0, 0.1], "crop.ratio": 0.0}
    tight = {cell: {"lengths": [0, 2], **views} for cell in ("AugCell1", "AugCell2")}
    plain = {"EmbedCell": {"norm": "none", "jitter": 0.0, "mask": 0.0}, "LossCell": {"loss": "vicreg"}}
    return Regions(
        {
            "twins": Region(full.restrict({**lone, **tight, **plain, "TrainCell": {"batch_size": 8}}), 2),
            "frozen": Region(default["frozen"]),
            "graphs": Region(default["graphs"].restrict({"EncoderCell.nodes": [2, 4]}), 3),
        }
    )


@pytest.mark.parametrize("space", [default_space(), unlike()], ids=["default", "unlike"])
def test_a_row_is_spent_as_the_region_spends_it(space: Regions) -> None:
    plan = drawing_plan(space)
    uniforms = np.random.default_rng(3).random((1500, plan.row))
    uniforms[:20] = np.nextafter(1.0, 0.0)
    drawn = plan.genotypes(uniforms)
    tickets = [name for name, region in space.regions.items() for _ in range(region.share)]
    for row, genotype in zip(uniforms, drawn, strict=True):
        alone = plan_of(space[tickets[int(row[0] * len(tickets))]])
        assert alone.genotypes(row[None, 1:])[0] == genotype
    assert list(drawn[3:5]) == [drawn[3], drawn[4]]


@pytest.mark.parametrize("space", [default_space(), unlike()], ids=["default", "unlike"])
def test_identities_are_equal_exactly_where_keys_are(space: Regions) -> None:
    plan = drawing_plan(space)
    drawn = plan.genotypes(np.random.default_rng(4).random((6000, plan.row)))
    keys, names = [genotype.key for genotype in drawn], identities(drawn)
    assert len(set(keys)) == len(set(names)) == len(set(zip(keys, names, strict=True))) < 6000


def test_regions_are_drawn_by_their_shares() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(region_of(Genotype.from_dict(sample_arch(rng))) for _ in range(2200))
    shares = {name: region.share for name, region in default_space().regions.items()}
    expected = {name: 2200 * share / sum(shares.values()) for name, share in shares.items()}
    assert set(counts) == set(shares)
    # mean 4, variance 8; five standard deviations
    assert sum((counts[name] - mean) ** 2 / mean for name, mean in expected.items()) < 4 + 5 * np.sqrt(8)


def test_equal_parts_of_all_regions_have_one_number() -> None:
    plan = drawing_plan(default_space())
    assert isinstance(plan, RegionsPlan)
    for name, parts in vars(plan.parts).items():
        assert len(set(parts)) == len(parts), name


def test_all_of_small_regions_is_listed_and_drawn() -> None:
    frozen = default_space()["frozen"]
    halves = [frozen.restrict({"EncoderCell.readout": names}) for names in (["hydra"], ["shares_8", "multirocket_8"])]
    space = Regions({"a": Region(halves[0], 9), "b": Region(halves[1])})
    keys = [genotype.key for genotype in every_genotype(space)]
    assert len(keys) == len(set(keys)) == space.canonical_size()["total"] == 5 * (54 + 108)
    assert {genotype.key for genotype in sample_candidates(810, np.random.default_rng(0), space)} == set(keys)
    with pytest.raises(SamplingError, match="n: the space holds 810 different genotypes, got 811"):
        sample_columns(811, np.random.default_rng(0), space)


def test_the_first_candidates_do_not_depend_on_their_number() -> None:
    few, many = (sample_candidates(n, np.random.default_rng(1)) for n in (50, 700))
    assert many[:50] == few and len({genotype.key for genotype in many}) == 700


@pytest.mark.parametrize("name", default_space().regions)
def test_mutants_stay_in_their_region(name: str) -> None:
    rng, space = np.random.default_rng(2), default_space()
    genotype = sample_candidates(1, rng, space[name])[0]
    for _ in range(100):
        genotype = mutate(genotype, rng)
        assert region_of(genotype) == name


def test_what_no_region_holds_is_changed_by_the_region_that_holds_most_of_its_cells() -> None:
    rng, space = np.random.default_rng(0), default_space()
    graph = sample_candidates(1, rng, space["graphs"])[0]
    outside = dataclasses.replace(graph, train=dataclasses.replace(graph.train, batch_size=65))  # nobody's
    counts = {name: space[name].n_cells_held(outside) for name in space.regions}
    assert region_of(outside) is None and max(counts, key=lambda name: counts[name]) == "graphs"
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    assert mutate(outside, one) == mutate(outside, other, space["graphs"])
    bank = preset("minirocket", kind="forecasting")  # with another readout
    operators = {mutate(bank, rng).encoder.edges[0][1] for _ in range(50)}
    assert operators == set(space["frozen"]["EncoderCell"]["operators"])


def test_crosses_of_two_regions_do_not_leave_the_space() -> None:
    rng, space = np.random.default_rng(5), default_space()
    parents = {name: sample_candidates(20, rng, space[name]) for name in space.regions}
    stayed = 0
    for one, other in itertools.product(parents, repeat=2):
        for a, b in zip(parents[one], parents[other][::-1], strict=True):
            child = crossover(a, b, rng, space=space)
            assert space.holds(child)
            stayed += child == a
    assert 0 < stayed < 20 * len(parents) ** 2
    outside = preset("simclr")
    assert any(not space.holds(crossover(outside, parents["graphs"][0], rng, space=space)) for _ in range(20))
