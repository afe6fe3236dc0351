"""Listing a space finds exactly what drawing from it can find, each once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search_space import (
    Genotype,
    SearchSpace,
    every_genotype,
    full_space,
    mutate,
    preset,
    sample_arch,
    sample_candidates,
)

ONE: dict[str, Any] = {
    cell: {name: values[:1] for name, values in fields.items() if "." not in name}
    for cell, fields in full_space().restrict({"PairCell.kernel": 3, "LossCell.loss": "nt_xent"}).to_dict().items()
}
SPACES: dict[str, dict[str, Any]] = {
    "one genotype": {},
    "chains that zeros shorten, in views that have no order": {
        "AugCell1": {"lengths": [0, 2], "options": ["crop", "jitter"], "crop.ratio": [0.0, 0.1], "jitter.sigma": 0.1},
        "AugCell2": {"lengths": [1, 2], "options": ["crop", "drift"], "crop.ratio": [0.1], "drift.sigma": [0.0, 0.3]},
    },
    "losses that compare nothing": {
        "LossCell": {
            "loss": ["vicreg", "nt_xent"],
            "nt_xent.temperature": [0.1, 0.2],
            "weighting": ["hard"],
            "hard.tilt": 1.0,
            "auxiliary": ["none", "vae"],
            "similarity": ["dot", "cosine"],
        }
    },
    "auxiliary losses that stand alone or may not": {
        "LossCell": {
            "loss": ["none", "vicreg", "triplet"],
            "triplet.margin": [0.2, 0.5],
            "weighting": ["none", "hard"],
            "auxiliary": ["none", "vae", "autoencoder"],
            "vae.own_steps": [0.0, 1.0],
            "autoencoder.own_steps": [1.0],
            "similarity": ["dot", "cosine"],
        }
    },
    "poolings that nothing asks for": {
        "PairCell": {"kinds": ["temporal", "cross_scale"], "pool": ["avg", "max"], "kernel": [0, 3]}
    },
    "graphs": {"EncoderCell": {"nodes": [1, 2, 4], "operators": ["identity", "gru"]}},
    "graphs of one operator": {"EncoderCell": {"nodes": [6], "operators": ["identity"]}},
    "fields": {
        "EmbedCell": {"norm": ["none", "l2"]},
        "TrainCell": {"batch_size": [8, 16]},
        "EncoderCell": {"blocks": [1, 4]},
    },
}


def space_of(selection: dict[str, Any]) -> SearchSpace:
    merged = {cell: {**ONE[cell], **selection.get(cell, {})} for cell in ONE}
    return full_space().restrict(merged)


@pytest.mark.parametrize("name", SPACES)
def test_all_of_a_space_is_listed_once_and_held(name: str) -> None:
    space = space_of(SPACES[name])
    listed = list(every_genotype(space))
    keys = {genotype.key for genotype in listed}
    assert len(listed) == len(keys) == space.canonical_size()["total"]
    assert all(space.holds(genotype) for genotype in listed)
    rng = np.random.default_rng(0)
    drawn = {Genotype.from_dict(sample_arch(rng, space)).key for _ in range(400)}
    assert drawn <= keys
    assert len(drawn) > 0.2 * min(len(keys), 400)


@pytest.mark.parametrize("name", [name for name in SPACES if name != "one genotype"])
def test_mutants_stay_in_the_space(name: str) -> None:
    space = space_of(SPACES[name])
    keys = {genotype.key for genotype in every_genotype(space)}
    rng = np.random.default_rng(1)
    genotype = Genotype.from_dict(sample_arch(rng, space))
    met = set()
    for _ in range(300):
        genotype = mutate(genotype, rng, space)
        met.add(genotype.key)
    assert met <= keys
    assert len(met) > 1


@pytest.mark.parametrize("name", SPACES)
def test_what_lies_outside_is_not_held(name: str) -> None:
    space = space_of(SPACES[name])
    keys = {genotype.key for genotype in every_genotype(space)}
    rng = np.random.default_rng(2)
    near = next(every_genotype(space))
    for _ in range(400):
        near = mutate(near, rng, full_space()) if rng.random() < 0.5 else next(every_genotype(space))
        assert space.holds(near) == (near.key in keys)
    assert not space.holds(preset("ts2vec"))


def test_every_drawn_genotype_is_held() -> None:
    space = full_space()
    assert all(space.holds(genotype) for genotype in sample_candidates(300, np.random.default_rng(3), space))
