"""Sampling: valid, unique, reproducible draws; single steps and children of known genotypes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space import (
    PRESETS,
    Genotype,
    SamplingError,
    SearchSpace,
    crossover,
    default_space,
    full_space,
    mutate,
    preset,
    sample_arch,
    sample_candidates,
)
from search_space.genotype.encoder_dag import incoming
from search_space.genotype.rules import USUAL

rng_seeds = st.integers(0, 2**32)
TINY: dict[str, Any] = {
    "AugCell1": {"lengths": [0, 1], "options": "jitter", "jitter.sigma": [0.1, 0.2]},
    "AugCell2": {"lengths": [0, 1], "options": "jitter", "jitter.sigma": [0.1, 0.2]},
    "EmbedCell": {"jitter": 0.0, "mask": 0.0, "norm": "none", "head": 0},
    "PairCell": {"kinds": ["temporal", "instance"], "kernel": 0},
    "LossCell": {"loss": "triplet", "similarity": "dot", "triplet.margin": 0.5}
    | {"weighting": "none", "auxiliary": "none"},
    "EncoderCell": {"nodes": 2, "operators": ["identity", "gru"], "blocks": 1, "hidden": 16, "output": 64}
    | {"dropout": 0.0, "normalization": "none", "channels": "mixed", "readout": "last"}
    | {"input": "raw", "taps": 1, "embedding": 0, "window": 0},
    "TrainCell": {"learning_rate": 1e-3, "batch_size": 8, "weight_averaging": True},
}


def tiny() -> SearchSpace:
    return full_space().restrict(TINY)


def space_holds(space: SearchSpace, arch: dict[str, Any]) -> bool:
    """Check a drawn dict against its space, field by field."""
    encoder = arch["EncoderCell"]
    graph = {"nodes": (len(encoder["edges"]) + 1) // 2}
    fields = [("EmbedCell", name, value) for name, value in arch["EmbedCell"].items()]
    fields += [("EncoderCell", name, value) for name, value in {**encoder, **graph}.items() if name != "edges"]
    fields += [("EncoderCell", "operators", op) for _, op in encoder["edges"]]
    fields += [("TrainCell", name, value) for name, value in arch["TrainCell"].items()]
    fields += [("PairCell", "pool", arch["PairCell"]["pool"]), ("PairCell", "kernel", arch["PairCell"]["kernel"])]
    fields += [("PairCell", "kinds", name) for name, value in arch["PairCell"].items() if value is True]
    for view in ("AugCell1", "AugCell2"):
        for option, parameters in arch[view]:
            fields.append((view, "options", option))
            fields += [(view, f"{option}.{name}", value) for name, value in parameters.items()]
    loss = dict(arch["LossCell"])
    for beside in ("weighting", "auxiliary"):
        option, parameters = loss.pop(beside, ("none", {}))
        fields.append(("LossCell", beside, option))
        fields += [("LossCell", f"{option}.{name}", value) for name, value in parameters.items()]
    fields += [("LossCell", name, loss[name]) for name in ("loss", "similarity") if loss[name] != "none"]
    fields += [("LossCell", f"{loss['loss']}.{n}", v) for n, v in loss.items() if n not in ("loss", "similarity")]
    taps = {min(taps, encoder["blocks"]) for taps in space["EncoderCell"]["taps"]}  # at most as many as blocks
    return all(value in (taps if name == "taps" else space[cell][name]) for cell, name, value in fields)


@settings(max_examples=200, deadline=None)
@given(rng_seed=rng_seeds, full=st.booleans())
def test_every_draw_is_valid_in_its_space_and_in_normal_form(rng_seed: int, full: bool) -> None:
    space = full_space() if full else default_space()["graphs"]
    arch = sample_arch(np.random.default_rng(rng_seed), space)
    assert space_holds(space, arch)
    assert Genotype.from_dict(arch).to_dict() == arch


def test_the_default_space_is_the_default() -> None:
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    assert sample_arch(one) == sample_arch(other, default_space())


def test_choices_are_drawn_evenly() -> None:
    rng = np.random.default_rng(0)
    space = default_space()["graphs"]
    drawn = [sample_arch(rng, space) for _ in range(4000)]
    readouts = Counter(arch["EncoderCell"]["readout"] for arch in drawn)
    lengths = Counter(len(arch["AugCell2"]) for arch in drawn)
    first = Counter(arch["AugCell1"][0][0] for arch in drawn if arch["AugCell1"])
    for counts, known in (
        (readouts, space["EncoderCell"]["readout"]),
        (lengths, space["AugCell2"]["lengths"]),
        (first, space["AugCell1"]["options"]),
    ):
        expected = counts.total() / len(known)
        chi_squared = sum((counts[value] - expected) ** 2 / expected for value in known)
        assert counts.total() == sum(counts[value] for value in known)
        # mean k - 1, variance 2 (k - 1); five standard deviations
        assert chi_squared < len(known) - 1 + 5 * np.sqrt(2 * (len(known) - 1))


def test_candidates_are_unique_and_the_first_do_not_depend_on_their_number() -> None:
    few = sample_candidates(50, np.random.default_rng(1))
    many = sample_candidates(700, np.random.default_rng(1))
    assert many[:50] == few and len({genotype.key for genotype in many}) == 700
    rest = sample_candidates(100, np.random.default_rng(1), exclude={genotype.key for genotype in few})
    assert rest[0] == many[50]
    assert sample_candidates(0, np.random.default_rng(1)) == []


def test_a_small_space_is_drawn_to_its_last_genotype() -> None:
    # views: unordered pairs of {none, 0.1, 0.2}: 6; pairs: 2 + 2 + 1 poolings; graphs: 3 + 7
    assert tiny().canonical_size()["total"] == 6 * 5 * 10
    found = sample_candidates(300, np.random.default_rng(0), tiny())
    assert len({genotype.key for genotype in found}) == 300
    with pytest.raises(SamplingError, match="n: the space holds 300 different genotypes, got 301"):
        sample_candidates(301, np.random.default_rng(0), tiny())


def test_zero_strengths_do_not_upset_the_count() -> None:
    data = tiny().to_dict()
    data["AugCell1"]["jitter.sigma"] = [0, 0.1]
    data["AugCell2"]["lengths"] = [1]
    space = SearchSpace.from_dict(data)
    total = space.canonical_size()["total"]
    # views: {none, 0.1} with {0.1, 0.2}
    assert total == 4 * 5 * 10
    assert len(sample_candidates(total, np.random.default_rng(0), space)) == total


def test_an_exhausted_space_says_so() -> None:
    keys = {genotype.key for genotype in sample_candidates(300, np.random.default_rng(0), tiny())}
    with pytest.raises(SamplingError, match=r"no new genotype in \d+ draws after 0 \(the space holds 300, 300 are ex"):
        sample_candidates(1, np.random.default_rng(0), tiny(), exclude=keys)


def edit_distance(a: list[Any], b: list[Any]) -> int:
    """Levenshtein distance in which moving one item counts once."""
    if sorted(map(repr, a)) == sorted(map(repr, b)) and a != b:
        rest = [[x for x in chain if x is not item] for chain in (a, b) for item in chain]
        moved = any(left == right for left in rest[: len(a)] for right in rest[len(a) :])
        return 1 if moved else 2
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, last = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y)))
    return row[-1]


def graph_distance(a: list[Any], b: list[Any]) -> int:
    """Number of changed edge ends, or 1 for a node more or less."""
    if len(a) != len(b):
        short, long = sorted((a, b), key=len)
        return 1 if long[: len(short)] == short and len(long) == len(short) + 2 else 99
    total = 0
    for one, other in zip(incoming(a), incoming(b), strict=True):
        orders = [tuple(other), tuple(reversed(other))]
        total += min(sum((x[0] != y[0]) + (x[1] != y[1]) for x, y in zip(one, new, strict=True)) for new in orders)
    return total


def genes_changed(a: dict[str, Any], b: dict[str, Any]) -> int:
    total = sum(edit_distance(a[view], b[view]) for view in ("AugCell1", "AugCell2"))
    for cell in ("EmbedCell", "EncoderCell", "TrainCell"):
        one, other = ({**USUAL.get(cell, {}), **arch[cell]} for arch in (a, b))
        different = {name for name in one if name != "edges" and one[name] != other[name]}
        total += len(different - ({"taps"} if "blocks" in different else set()))  # at most as many as blocks
    total += graph_distance(a["EncoderCell"]["edges"], b["EncoderCell"]["edges"])
    cells = [dict(arch["LossCell"]) for arch in (a, b)]
    gone = {name: [cell.pop(name, None) for cell in cells] for name in ("similarity", "weighting", "auxiliary")}
    if "none" in gone["similarity"]:  # similarity and weighting come and go with a loss that compares
        gone = {"auxiliary": gone["auxiliary"]}
    if (a["LossCell"]["loss"] == "none") != (b["LossCell"]["loss"] == "none") and "auxiliary" in gone:
        # beside the loss `none` stands an auxiliary one without steps of its own: that of before, or a new one
        first, second = ([one[0], {**one[1], "own_steps": 0.0}] if one else None for one in gone["auxiliary"])
        gone["auxiliary"] = [first, second] if first and second else []
    total += (cells[0] != cells[1]) + sum(one != other for one, other in filter(None, gone.values()))
    pairs = [name for name in a["PairCell"] if a["PairCell"][name] != b["PairCell"][name]]
    # pooling falls back to max where the changed kernel or kind leaves nothing to pool
    inactive = {"max"} & {a["PairCell"]["pool"], b["PairCell"]["pool"]}
    return total + len(pairs) - ("pool" in pairs and len(pairs) == 2 and bool(inactive))


@settings(max_examples=300, deadline=None)
@given(rng_seed=rng_seeds)
def test_a_mutation_changes_one_gene(rng_seed: int) -> None:
    rng = np.random.default_rng(rng_seed)
    space = full_space()
    parent = Genotype.from_dict(sample_arch(rng, space))
    child = mutate(parent, rng, space)
    assert child.key != parent.key
    assert Genotype.from_dict(child.to_dict()) == child
    assert space_holds(space, child.to_dict())
    assert genes_changed(parent.to_dict(), child.to_dict()) == 1


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_genotypes_from_outside_the_space_can_be_mutated(name: str) -> None:
    rng, parent = np.random.default_rng(0), preset(name)
    children = [mutate(parent, rng, default_space()["graphs"]) for _ in range(300)]
    assert all(genes_changed(parent.to_dict(), child.to_dict()) == 1 for child in children)
    changed = [sum(getattr(child, f.name) != getattr(parent, f.name) for child in children) for f in FIELDS]
    assert min(changed) > 0


FIELDS = dataclasses.fields(Genotype)


def test_a_walk_of_mutations_reaches_a_whole_small_space() -> None:
    rng, space = np.random.default_rng(0), tiny()
    genotype = Genotype.from_dict(sample_arch(rng, space))
    seen = {genotype.key}
    for _ in range(20_000):
        genotype = mutate(genotype, rng, space)
        seen.add(genotype.key)
        if len(seen) == 300:
            break
    assert len(seen) == 300


def test_a_space_of_one_cannot_be_mutated() -> None:
    one = tiny().restrict(
        {"AugCell1.lengths": 0, "AugCell2.lengths": 0, "PairCell": {"kinds": "temporal", "pool": "max"}}
        | {"EncoderCell.operators": "identity"}
    )
    rng = np.random.default_rng(0)
    with pytest.raises(SamplingError, match=r"space: must offer another value .* got a space of 1"):
        mutate(Genotype.from_dict(sample_arch(rng, one)), rng, one)


@settings(max_examples=100, deadline=None)
@given(rng_seed=rng_seeds)
def test_a_child_has_each_cell_from_a_parent(rng_seed: int) -> None:
    rng = np.random.default_rng(rng_seed)
    a, b = (Genotype.from_dict(sample_arch(rng, full_space())) for _ in range(2))
    child = crossover(a, b, rng)
    assert all(getattr(child, f.name) in (getattr(a, f.name), getattr(b, f.name)) for f in FIELDS)
    assert Genotype.from_dict(child.to_dict()) == child


def test_both_parents_give_their_share() -> None:
    rng = np.random.default_rng(0)
    a, b = preset("ts2vec"), preset("notes_best")
    children = [crossover(a, b, rng) for _ in range(400)]
    for field in FIELDS:
        share = np.mean([getattr(child, field.name) == getattr(a, field.name) for child in children])
        assert 0.4 < share < 0.6, field.name
