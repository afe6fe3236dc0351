"""Columns: the same genotypes as a loop over single choices makes, and the same ones left out as twins."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pytest

from search_space import PRESETS, Genotype, SearchSpace, default_space, full_space, mutate, preset, sample_candidates
from search_space.drawing import sample_columns
from search_space.drawing.plan import Draw, Plan, optional_points, plan_of
from search_space.drawing.twins import identities
from search_space.genotype import EmbedCell, EncoderCell, LossCell, TrainCell
from search_space.genotype.cells import BETWEEN
from search_space.genotype.columns import as_columns, joined
from search_space.genotype.rules import USUAL
from search_space.space.counting import pair_cells, points, standing_alone


def alone() -> SearchSpace:
    """A space in which every other loss is none, beside auxiliary losses that may and may not stand alone."""
    steps = {f"{name}.own_steps": (0.0, 1.0) for name in ("vae", "autoencoder")}
    losses = {"loss": ("none", "triplet"), "auxiliary": ("none", "vae", "autoencoder"), **steps}
    return full_space().restrict(LossCell=losses)


def zero_strengths() -> SearchSpace:
    """A small space in which most draws have a twin: steps that do nothing, losses that compare nothing."""
    data = {
        cell: {name: values[:1] for name, values in fields.items()} for cell, fields in full_space().to_dict().items()
    }
    strengths = {"jitter.sigma": [0.0, 0.1]}
    data["AugCell1"] = {
        "lengths": [0, 2],
        "options": ["jitter", "point_mask"],
        "point_mask.ratio": [0.1, 0.0],
    } | strengths
    data["AugCell2"] = {"lengths": [1], "options": ["jitter"]} | strengths
    data["PairCell"] = {"kinds": ["temporal", "instance"], "pool": ["avg", "max"], "kernel": [0]}
    losses = {"loss": ["vicreg", "triplet"], "similarity": ["dot", "cosine"], "weighting": ["hard", "none"]}
    dotted = {name: values[:1] for name, values in full_space().to_dict()["LossCell"].items()}
    data["LossCell"] = {"auxiliary": ["none"], **losses} | {
        name: values
        for name, values in dotted.items()
        if name.split(".")[0] in ("vicreg", "triplet", "hard") and "." in name
    }
    data["EncoderCell"] |= {"nodes": [2, 3], "operators": ["identity", "gru"]}
    return SearchSpace.from_dict(data)


SPACES: dict[str, Callable[[], SearchSpace]] = {
    "graphs": lambda: default_space()["graphs"],
    "frozen": lambda: default_space()["frozen"],
    "full": full_space,
    "without augmentations": lambda: default_space()["graphs"].restrict({"AugCell1.lengths": 0, "AugCell2.lengths": 0}),
    "auxiliary losses alone": alone,
    "one node": lambda: full_space().restrict({"EncoderCell.nodes": 1}),
    "zero strengths": zero_strengths,
}


def one_by_one(plan: Plan, uniforms: Sequence[float]) -> Genotype:
    """Make the genotype of one row, choice by choice."""
    draw, space = Draw(uniforms), plan.space

    def chain(view: str) -> tuple[Any, ...]:
        left = [points(space[view], option) for option in space[view]["options"]]
        length = draw.pick([length for length in space[view]["lengths"] if length <= len(left)])
        return tuple(draw.pick(left.pop(draw.below(len(left)))) for _ in range(length))

    def pick(cell: str, name: str) -> Any:
        values = space[cell][name]
        return values[0] if name in USUAL.get(cell, {}) and len(values) == 1 else draw.pick(values)

    def cell(kind: type[Any]) -> list[Any]:
        return [pick(kind.__name__, field.name) for field in dataclasses.fields(kind)]

    def loss() -> LossCell:
        losses = [points(space["LossCell"], name) for name in space["LossCell"]["loss"]]
        chosen, similarity = draw.pick(draw.pick(losses)), draw.pick(space["LossCell"]["similarity"])
        if not plan.has_beside_loss:
            return LossCell(chosen, similarity)
        weighting = draw.pick(draw.pick(optional_points(space["LossCell"], "weighting")))
        beside = space["LossCell"] if chosen.name != "none" else standing_alone(space["LossCell"])
        auxiliary = draw.pick(draw.pick(optional_points(beside, "auxiliary")))
        return LossCell(chosen, similarity, weighting, auxiliary)

    def edges() -> tuple[tuple[int, str], ...]:
        operators = space["EncoderCell"]["operators"]
        found = []
        for node in range(1, draw.pick(space["EncoderCell"]["nodes"]) + 1):
            found.append((node - 1, draw.pick(operators)))
            if node > 1:
                found.append((draw.below(node), draw.pick(operators)))
        return tuple(found)

    return Genotype(
        aug1=chain("AugCell1"),
        aug2=chain("AugCell2"),
        embed=EmbedCell(*cell(EmbedCell)),
        pair=draw.pick(pair_cells(space["PairCell"])),
        loss=loss(),
        encoder=EncoderCell.of(
            edges(), [pick("EncoderCell", name) for name in BETWEEN], pick("EncoderCell", "readout")
        ),
        train=TrainCell(*cell(TrainCell)),
    )


def candidates_one_by_one(
    n: int, rng: np.random.Generator, space: SearchSpace, exclude: Collection[str], accept: Callable[[Genotype], bool]
) -> list[Genotype]:
    """Draw 256 rows at a time and keep what has a new key and is accepted."""
    plan, seen, found = plan_of(space), set(exclude), []
    while True:
        for uniforms in rng.random((256, plan.row)).tolist():
            genotype = one_by_one(plan, uniforms)
            if genotype.key not in seen:
                seen.add(genotype.key)
                if accept(genotype):
                    found.append(genotype)
                    if len(found) == n:
                        return found


@pytest.mark.parametrize("name", SPACES)
def test_rows_become_the_genotypes_of_a_loop_over_choices(name: str) -> None:
    plan = plan_of(SPACES[name]())
    uniforms = np.random.default_rng(3).random((1500, plan.row))
    uniforms[:20] = np.nextafter(1.0, 0.0)  # the last choice of everything, and the longest of all graphs and chains
    drawn = plan.genotypes(uniforms)
    looped = [one_by_one(plan, row) for row in uniforms.tolist()]
    assert list(drawn) == looped
    assert [genotype.key for genotype in drawn] == [genotype.key for genotype in looped]


@pytest.mark.parametrize("name", SPACES)
def test_identities_are_equal_exactly_where_keys_are(name: str) -> None:
    plan = plan_of(SPACES[name]())
    drawn = plan.genotypes(np.random.default_rng(4).random((4000, plan.row)))
    keys, names = [genotype.key for genotype in drawn], identities(drawn)
    assert len(set(keys)) == len(set(names)) == len(set(zip(keys, names, strict=True)))
    if name in ("zero strengths", "frozen"):
        assert len(set(keys)) < 3000  # the claim was tried: many had a twin


@pytest.mark.parametrize("name", ["graphs", "zero strengths"])
@pytest.mark.parametrize("n", [1, 256, 700])
def test_candidates_are_those_of_a_loop_and_the_generator_ends_where_it_did(name: str, n: int) -> None:
    space = SPACES[name]()
    excluded = {genotype.key for genotype in sample_candidates(20, np.random.default_rng(6), space)}
    cases: list[tuple[set[str], Callable[[Genotype], bool] | None]] = [
        (set(), None),
        (excluded, None),
        (set(), lambda genotype: genotype.encoder.edges[0][1] == "gru"),
        (excluded, lambda genotype: genotype.key < "8"),
    ]
    for exclude, accept in cases:
        one, other = np.random.default_rng(6), np.random.default_rng(6)
        looped = candidates_one_by_one(n, one, space, exclude, accept or (lambda genotype: True))
        assert sample_candidates(n, other, space, exclude, accept=accept) == looped
        assert one.random() == other.random()


def test_golden_draws() -> None:
    # What a search draws is told by its rng_seed: this must not change unnoticed.
    keys = [genotype.key for genotype in sample_candidates(1000, np.random.default_rng(7), default_space()["graphs"])]
    assert hashlib.sha256(" ".join(keys).encode()).hexdigest()[:16] == "0adbf5a35390d24e"


def test_columns_are_a_sequence_of_genotypes() -> None:
    columns = sample_columns(300, np.random.default_rng(0))
    listed = list(columns)
    assert len(columns) == 300 and columns[7] == listed[7] and columns[-1] == listed[-1]
    assert list(columns[5:9]) == listed[5:9]
    assert list(columns.take(np.array([4, 0, 4]))) == [listed[4], listed[0], listed[4]]
    assert list(joined([columns[:3], columns[10:12]])) == listed[:3] + listed[10:12]
    assert as_columns(columns) is columns
    with pytest.raises(IndexError):
        columns[300]


def test_genotypes_of_any_origin_come_back_from_columns() -> None:
    rng = np.random.default_rng(0)
    genotypes = [preset(name) for name in sorted(PRESETS)]
    genotypes += [mutate(genotype, rng, full_space()) for genotype in genotypes]
    genotypes += sample_candidates(50, rng, full_space())
    assert list(as_columns(genotypes)) == genotypes
