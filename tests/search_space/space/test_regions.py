"""Spaces of several regions: apart from each other, narrowed together, written and read."""

from __future__ import annotations

import itertools
import json
import pickle
from typing import Any

import numpy as np
import pytest

from search_space import (
    Region,
    Regions,
    SearchSpace,
    SpaceError,
    default_space,
    every_genotype,
    full_space,
    preset,
    read_space,
    sample_candidates,
)
from search_space.space.overlap import overlap

ONE: dict[str, Any] = {
    cell: {name: values[:1] for name, values in fields.items() if "." not in name}
    for cell, fields in full_space()
    .restrict({"PairCell.kernel": 3, "AugCell1.lengths": 1, "LossCell.loss": "nt_xent"})
    .to_dict()
    .items()
}


def of_one(**cells: dict[str, Any]) -> SearchSpace:
    """A space of one genotype, but for what is given."""
    return full_space().restrict({cell: {**ONE[cell], **cells.get(cell, {})} for cell in ONE})


def small(*, hidden: int, **encoder: Any) -> SearchSpace:
    return of_one(EncoderCell={"hidden": hidden, **encoder})


def two() -> Regions:
    return Regions({"wide": Region(small(hidden=64, blocks=[1, 2]), 3), "narrow": Region(small(hidden=16))})


def lines_of(build: Any) -> list[str]:
    with pytest.raises(SpaceError) as caught:
        build()
    return str(caught.value).split("\n")


# pairs of spaces that hide what they share, or that they share nothing
PAIRS: dict[str, tuple[Any, Any, bool]] = {
    "the same": ({}, {}, True),
    "another value": ({"TrainCell": {"batch_size": 8}}, {"TrainCell": {"batch_size": [16, 32]}}, False),
    "other operators": ({"EncoderCell": {"operators": "gru"}}, {"EncoderCell": {"operators": "lstm"}}, False),
    "an operator of both": (
        {"EncoderCell": {"operators": ["gru", "conv1d"], "nodes": [1, 2]}},
        {"EncoderCell": {"operators": ["gru", "lstm"], "nodes": 2}},
        True,
    ),
    "more taps than blocks": (
        {"EncoderCell": {"blocks": 1, "taps": 4}},
        {"EncoderCell": {"blocks": [1, 2], "taps": 1}},
        True,
    ),
    "other taps of as many blocks": (
        {"EncoderCell": {"blocks": 2, "taps": 4}},
        {"EncoderCell": {"blocks": [1, 2], "taps": 1}},
        False,
    ),
    "no loss, and no auxiliary one of both that may stand alone": (
        {"LossCell": {"loss": "none", "auxiliary": ["vae", "autoencoder"], "vae.own_steps": 0.0}},
        {"LossCell": {"loss": ["none", "dcl"], "auxiliary": ["vae", "none"], "vae.kl": 0.1, "vae.own_steps": 1.0}},
        False,
    ),
    "no loss, and an auxiliary one of both": (
        {"LossCell": {"loss": ["none", "triplet"], "auxiliary": ["vae", "none"], "vae.weight": [0.1, 0.5]}},
        {"LossCell": {"loss": ["none", "dcl"], "auxiliary": ["vae", "none"], "vae.weight": [0.5, 1.0]}},
        True,
    ),
    "views the other way round": (
        {
            "AugCell1": {"options": ["jitter"], "jitter.sigma": 0.1, "lengths": 1},
            "AugCell2": {"options": ["crop"], "crop.ratio": [0.1, 0.2], "lengths": 1},
        },
        {
            "AugCell1": {"options": ["crop"], "crop.ratio": 0.2, "lengths": 1},
            "AugCell2": {"options": ["jitter"], "jitter.sigma": [0.1, 0.2], "lengths": 1},
        },
        True,
    ),
    "chains that zeros shorten": (
        {"AugCell1": {"options": ["crop", "jitter"], "crop.ratio": 0.0, "jitter.sigma": 0.1, "lengths": 2}},
        {"AugCell1": {"options": ["jitter"], "jitter.sigma": 0.1, "lengths": 1}},
        True,
    ),
    "a loss that compares nothing": (
        {"LossCell": {"loss": ["vicreg"], "similarity": "dot", "weighting": "none"}},
        {"LossCell": {"loss": ["vicreg", "triplet"], "similarity": "cosine", "weighting": "self_paced"}},
        True,
    ),
    "a loss that compares by another similarity": (
        {"LossCell": {"loss": ["triplet"], "similarity": "dot"}},
        {"LossCell": {"loss": ["triplet"], "similarity": "cosine"}},
        False,
    ),
    "other temperatures": (
        {"LossCell": {"loss": ["nt_xent"], "nt_xent.temperature": 0.1}},
        {"LossCell": {"loss": ["nt_xent"], "nt_xent.temperature": [0.2, 0.3]}},
        False,
    ),
    "a pooling that nothing asks for": (
        {"PairCell": {"kinds": "temporal", "kernel": 0, "pool": "avg"}},
        {"PairCell": {"kinds": ["temporal", "instance"], "kernel": 0, "pool": "max"}},
        True,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_spaces_overlap_exactly_where_they_list_a_genotype_of_one_key(name: str) -> None:
    *cells, expected = PAIRS[name]
    one, other = (of_one(**changes) for changes in cells)
    keys = [{genotype.key for genotype in every_genotype(space)} for space in (one, other)]
    assert overlap(one.choices, other.choices) == overlap(other.choices, one.choices) == expected
    assert bool(keys[0] & keys[1]) == expected
    regions = {"a": Region(one), "b": Region(other)}
    if expected:
        (line,) = lines_of(lambda: Regions(regions))
        assert line.startswith("regions a and b: must have no genotype in common")
    else:
        space = Regions(regions)
        listed = [genotype.key for genotype in every_genotype(space)]
        assert len(listed) == len(set(listed)) == space.canonical_size()["total"] == len(keys[0]) + len(keys[1])


def test_the_default_space_is_told_apart_in_regions() -> None:
    space = default_space()
    assert {name: region.share for name, region in space.regions.items()} == {
        "graphs": 4,
        "ts2vec": 1,
        "banks": 3,
        "frozen": 1,
        "closed_form": 2,
        "patches": 1,
    }
    for count in ("size", "canonical_size"):
        totals = [getattr(product, count)()["total"] for product in space.products]
        assert getattr(space, count)() == {"total": sum(totals)}
    drawn = {name: sample_candidates(30, np.random.default_rng(0), space[name]) for name in space.regions}
    for name, other in itertools.product(drawn, space.regions):
        held = [space[other].holds(genotype) for genotype in drawn[name]]
        assert all(held) if name == other else not any(held)
    assert all(space.holds(genotype) for genotypes in drawn.values() for genotype in genotypes)
    # every encoder of the region with a closed form has one, and no frozen bank has a strategy to be told apart by
    assert all(genotype.has_closed_form for genotype in drawn["closed_form"])
    assert not any(genotype.aug1 or genotype.aug2 or genotype.embed.head for genotype in drawn["frozen"])


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("ts2vec", "ts2vec"),
        ("notes_best", "graphs"),
        ("minirocket", "frozen"),
        ("multirocket", "frozen"),
        ("hydra", "frozen"),
        ("multirocket_hydra", "frozen"),
        ("rocket_contrastive", "banks"),
        ("rocket_spectral", "closed_form"),
        ("hydra_spectral", "closed_form"),
        ("rocket_patches", "patches"),
    ],
)
def test_presets_that_the_default_space_holds(name: str, region: str) -> None:
    assert default_space().holds(preset(name)) and default_space()[region].holds(preset(name))


def test_equal_regions_look_alike_in_whatever_order() -> None:
    space = two()
    other = Regions({"narrow": Region(small(hidden=16), 1), "wide": Region(small(hidden=64, blocks=[2, 1]), 3)})
    assert space == other and hash(space) == hash(other) and space.key == other.key
    assert json.dumps(space.to_dict()) == json.dumps(other.to_dict())
    assert space != Regions({**space.regions, "narrow": Region(space["narrow"], 2)})
    assert pickle.loads(pickle.dumps(space)) == space
    assert Regions.from_dict(json.loads(json.dumps(space.to_dict()))) == space == read_space(space.to_dict())


def test_a_restriction_applies_to_every_region_that_can_satisfy_it() -> None:
    space = default_space()
    some = space.restrict({"EncoderCell": {"operators": ["dilated_conv", "kernel_bank"], "dropout": 0.0}})
    assert isinstance(some, Regions) and set(some.regions) == set(space.regions) - {"banks"}
    assert some["graphs"] == space["graphs"].restrict({"EncoderCell": {"operators": "dilated_conv", "dropout": 0.0}})
    assert some["frozen"] == space["frozen"].restrict({"EncoderCell.operators": "kernel_bank"})
    assert some.regions["graphs"].share == 4
    # the field of an option that a region lacks
    assert set(space.restrict({"LossCell.nt_xent.temperature": 0.2}).regions) == set(space.regions) - {"closed_form"}  # type: ignore[union-attr]
    # a single region is a product as any other
    assert space.restrict({"EncoderCell.embedding": [256]}) == space["closed_form"].restrict(
        {"EncoderCell.embedding": 256}
    )
    # chains of two are impossible where only one of the options is left
    warped = space.restrict({"AugCell1.options": ["crop", "time_warp"], "AugCell1.lengths": 2})
    assert isinstance(warped, Regions) and set(warped.regions) == {"banks", "closed_form"}


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"Encoder.blocks": 1}, "Encoder.blocks: unknown cell, got 'Encoder'; did you mean 'EncoderCell'?"),
        ({"EncoderCell.block": 1}, "EncoderCell.block: unknown field, got 'block'; did you mean 'blocks'?"),
        ({"EncoderCell.blocks": [1, 3]}, "EncoderCell.blocks: must be one or more of 1, 2, 6, 10, got [3]"),
        ({"EncoderCell.blocks": []}, "EncoderCell.blocks: must be one or more of 1, 2, 6, 10, got ()"),
        (
            {"EncoderCell": {"blocks": 10, "operators": "kernel_bank"}},
            "EncoderCell.blocks, EncoderCell.operators: nothing has such values of all of these at once",
        ),
        (
            {"PairCell": {"kinds": "cross_scale", "kernel": 0}},
            "PairCell.kinds, PairCell.kernel: nothing has such values of all of these at once",
        ),
    ],
)
def test_impossible_restrictions(selection: dict[str, Any], message: str) -> None:
    (line,) = lines_of(lambda: default_space().restrict(selection))
    assert line.startswith(message)


WIDE, NARROW = ({"EncoderCell": {"hidden": [hidden], "nodes": [2]}} for hidden in (64, 16))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"regions": {}}, "regions: must be a mapping of one name or more to cells, got {}"),
        ({"regions": [1]}, "regions: must be a mapping of one name or more to cells, got [1]"),
        ({"regions": {"a": 3}}, "regions.a: must be a mapping of cells, got 3"),
        ({"regions": {"a": {}}, "TrainCell": {}}, "regions: cells stand inside a region, got ['TrainCell'] beside the"),
        ({"regions": {"a": {}, 7: WIDE}}, "regions: a name must be a word such as graphs, got 7"),
        ({"regions": {"a": {"share": 0}}}, "regions.a.share: must be an integer in [1, 1000], got 0"),
        ({"regions": {"a": {"share": 1.5}}}, "regions.a.share: must be an integer in [1, 1000], got 1.5"),
        ({"regions": {"a": {"share": True}}}, "regions.a.share: must be an integer in [1, 1000], got True"),
        ({"regions": {"a": {"share": 10**400}}}, "regions.a.share: must be an integer in [1, 1000], got 1000"),
        ({"regions": {"a": {"TrainCel": {}}}}, "regions.a.TrainCel: unknown cell, got 'TrainCel'; did you mean"),
        ({"regions": {"a": {"EncoderCell": {"blocks": [1, 1]}}}}, "regions.a.EncoderCell.blocks: a value may stand on"),
        ({"regions": {"a": {"EncoderCell": {"hidden": []}}}}, "regions.a.EncoderCell.hidden: must hold at least one"),
        ({"regions": {"a": WIDE, "b": {}}}, "regions a and b: must have no genotype in common"),
        ({"regions": {f"r{at}": {} for at in range(101)}}, "regions: must be at most 100, got 101"),
    ],
)
def test_refuses_in_one_sentence(data: Any, message: str) -> None:
    (line,) = lines_of(lambda: read_space(data))
    assert line.startswith(message)


def test_all_problems_come_together() -> None:
    lines = lines_of(lambda: read_space({"regions": {"a": {"TrainCel": {}}, "b": {"EncoderCell": 3}}}))
    assert [line.partition(":")[0] for line in lines] == ["regions.a.TrainCel", "regions.b.EncoderCell"]
    lines = lines_of(lambda: Regions.from_dict({"regions": {"a": {**small(hidden=16).to_dict(), "TrainCell": {}}}}))
    assert all(line.startswith("regions.a.TrainCell.") for line in lines) and len(lines) == 3


def test_one_region_is_a_product_and_regions_are_two_or_more() -> None:
    assert read_space({"regions": {"any": {"share": 2, **WIDE}}}) == read_space(WIDE)
    assert Regions.from_dict({"regions": {"any": small(hidden=16).to_dict()}}) == small(hidden=16)
    assert lines_of(lambda: Regions({"any": Region(small(hidden=16))})) == ["regions: must be two or more, got 1"]
    with pytest.raises(SpaceError, match="regions: unknown region, got 'widen'; did you mean 'wide'"):
        two()["widen"]


def test_what_a_region_leaves_out_comes_from_the_one_of_its_name_or_that_its_operators_fit() -> None:
    default = default_space()
    written = {
        "graphs": {"TrainCell": {"batch_size": [16]}},
        "banks": {"share": 5},
        "mine": {"EncoderCell": {"operators": ["kernel_bank"], "hidden": [1512]}},
        "small": {"EncoderCell": {"hidden": [8]}},
    }
    space = read_space({"regions": written})
    assert isinstance(space, Regions)
    assert space["graphs"] == default["graphs"].restrict({"TrainCell.batch_size": 16})
    assert space.regions["banks"] == Region(default["banks"], 5)
    assert space["mine"] == default["frozen"].restrict({"EncoderCell": {"operators": "kernel_bank", "hidden": 1512}})
    assert space["small"]["TrainCell"] == default["graphs"]["TrainCell"]
    assert [region.share for region in space.regions.values()] == [5, 1, 1, 1]


def test_genes_that_are_as_usual_stay_so_whatever_region_would_fill_blanks() -> None:
    # a bank without a head says nothing of it, and the region of banks has one
    full = full_space().restrict({"EncoderCell.operators": "trained_kernel_bank", "EmbedCell.head": 0})
    assert "head" not in full.to_dict()["EmbedCell"] and read_space(full.to_dict()) == full
    assert read_space({"regions": {"banks": full.to_dict()}}) == full
