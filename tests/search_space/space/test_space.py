"""Search spaces: what they hold, how they shrink, and exact sizes."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest

from search_space import SearchSpace, SpaceError, default_space, full_space, registry

TINY: dict[str, Any] = {
    "AugCell1": {"lengths": (0, 1), "options": "jitter", "jitter": {"sigma": (0.1, 0.2)}},
    "AugCell2": {"lengths": 1, "options": "jitter", "jitter.sigma": 0.1},
    "EmbedCell": {"jitter": 0.0, "mask": 0.0, "norm": ["none", "l2"], "head": 0},
    "PairCell": {"kinds": ["temporal", "cross_scale"], "kernel": [0, 3]},
    "LossCell": {"loss": ["triplet", "nt_xent"], "similarity": "dot", "nt_xent": {"temperature": (0.1, 0.2)}}
    | {"triplet.margin": (0.2, 0.5, 1.0), "weighting": "none", "auxiliary": "none"},
    "EncoderCell": {
        "nodes": 2,
        "operators": ["identity", "gru"],
        "blocks": 1,
        "hidden": 16,
        "output": 64,
        "dropout": 0.0,
        "normalization": "none",
        "channels": "mixed",
        "readout": ["last", "max"],
        "input": "raw",
        "taps": 1,
        "embedding": 0,
        "window": 0,
    },
    "TrainCell": {"learning_rate": 1e-3, "batch_size": 8, "weight_averaging": True},
}


def graphs() -> SearchSpace:
    return default_space()["graphs"]


def tiny() -> SearchSpace:
    return full_space().restrict(TINY)


def lines_of(build: Any) -> list[str]:
    with pytest.raises(SpaceError) as caught:
        build()
    return str(caught.value).split("\n")


def test_the_graphs_of_the_default_space_lie_within_the_full_one() -> None:
    full = full_space()
    for cell, fields in graphs().choices.items():
        for name, values in fields.items():
            assert set(values) <= set(full[cell][name]), f"{cell}.{name}"


def test_every_registered_option_can_be_drawn() -> None:
    space = full_space()
    assert space["AugCell1"]["options"] == tuple(registry.options("augmentation"))
    assert space["EncoderCell"]["operators"] == tuple(registry.options("operator"))
    assert space["LossCell"]["triplet.margin"] == registry.get("loss", "triplet").choices["margin"]


def test_default_strengths_are_moderate_and_act() -> None:
    space = graphs()
    strengths = [value for name, values in space["AugCell1"].items() if "." in name for value in values]
    assert min(strengths) > 0 and max(strengths) <= 0.5
    assert {0.0, 0.95} <= set(full_space()["AugCell1"]["crop.ratio"])


def test_sizes_of_a_tiny_space_by_hand() -> None:
    # pairs: kernel 0 {temporal}; kernel 3 {t}, {c}, {t, c}; two poolings, of which kernel 0 ignores one
    # graphs: 2 (node 1) x 2 (sources) x 4; behind identity 3, behind gru 4 + 3
    size, canonical = tiny().size(), tiny().canonical_size()
    assert size == {
        "AugCell1": 3,
        "AugCell2": 1,
        "EmbedCell": 2,
        "PairCell": 8,
        "LossCell": 3 + 2,
        "EncoderCell": 16 * 2,
        "TrainCell": 1,
        "total": 3 * 2 * 8 * 5 * 32,
    }
    assert canonical["views"] == 3 and canonical["PairCell"] == 7 and canonical["EncoderCell"] == (3 + 7) * 2
    assert canonical["total"] == 3 * 2 * 7 * 5 * 20


@pytest.mark.parametrize("build", [graphs, full_space])
def test_totals_are_products_and_canonical_is_smaller(build: Any) -> None:
    size, canonical = build().size(), build().canonical_size()
    assert size["total"] == math.prod(value for name, value in size.items() if name != "total")
    assert canonical["total"] == math.prod(value for name, value in canonical.items() if name != "total")
    assert canonical["total"] < size["total"]


def test_restrict_by_dots_nesting_and_keyword_is_the_same() -> None:
    space = graphs()
    dotted = space.restrict({"EncoderCell.blocks": 1, "LossCell.nt_xent.temperature": (0.1, 0.2)})
    nested = space.restrict(EncoderCell={"blocks": [1]}, LossCell={"nt_xent": {"temperature": {0.2, 0.1}}})
    assert dotted == nested and hash(dotted) == hash(nested) and dotted != space
    assert dotted["EncoderCell"]["blocks"] == (1,) and space["EncoderCell"]["blocks"] == (1, 2)


def test_parameters_leave_with_their_option() -> None:
    space = graphs().restrict({"AugCell1.options": ["crop"], "AugCell1.lengths": 1})
    assert set(space["AugCell1"]) == {"lengths", "options", "crop.ratio"}
    assert "jitter.sigma" in space["AugCell2"]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"Encoder.blocks": 1}, "Encoder.blocks: unknown cell, got 'Encoder'; did you mean 'EncoderCell'?"),
        ({"EncoderCell.block": 1}, "EncoderCell.block: unknown field, got 'block'; did you mean 'blocks'?"),
        ({"EncoderCell": {"blocks": 3}}, "EncoderCell.blocks: must be one or more of 1, 2, got [3]"),
        ({"EncoderCell.readout": []}, "EncoderCell.readout: must be one or more of max, "),
        ({"AugCell1.options": "crop", "AugCell1.lengths": 2}, "AugCell1.lengths: must hold a length of at most 1"),
        ({"PairCell.kernel": 0}, "PairCell.kernel: must be one or more of 2, 3, 5, 7, got [0]"),
    ],
)
def test_impossible_restrictions(selection: dict[str, Any], message: str) -> None:
    (line,) = lines_of(lambda: graphs().restrict(selection))
    assert line.startswith(message)


def test_all_problems_of_a_restriction_come_together() -> None:
    assert len(lines_of(lambda: graphs().restrict({"A.b": 1, "EncoderCell.c": 1, "TrainCell.batch_size": 7}))) == 3


@pytest.mark.parametrize(
    ("cell", "name", "values", "message"),
    [
        ("EncoderCell", "blocks", [0], "EncoderCell.blocks: must be an integer in [1, 12], got 0"),
        ("EncoderCell", "nodes", [7], "EncoderCell.nodes: must be an integer in [1, 6], got 7"),
        ("EncoderCell", "blocks", [], "EncoderCell.blocks: must hold at least one value, got none"),
        ("EncoderCell", "bloks", [1], "EncoderCell.bloks: unknown field, got 'bloks'; did you mean 'blocks'?"),
        ("AugCell1", "crop.ratio", [0.99], "AugCell1.crop.ratio: must be a finite number in [0, 0.95], got 0.99"),
        ("PairCell", "pool", ["mean"], "PairCell.pool: unknown value, got 'mean'"),
        ("TrainCell", "weight_averaging", [1], "TrainCell.weight_averaging: unknown value, got 1"),
        ("PairCell", "kernel", [False], "PairCell.kernel: unknown value, got False"),
        ("AugCell1", "crop.ratio", 0.1, "AugCell1.crop.ratio: must be a list of values, got 0.1"),
    ],
)
def test_illegal_values_in_a_stored_space(cell: str, name: str, values: Any, message: str) -> None:
    data = graphs().to_dict()
    data[cell][name] = values
    (line,) = lines_of(lambda: SearchSpace.from_dict(data))
    assert line.startswith(message)


def test_missing_and_unknown_cells_and_fields() -> None:
    data: dict[str, Any] = graphs().to_dict()
    del data["TrainCell"], data["EncoderCell"]["blocks"]
    data["TrainCel"] = {}
    assert lines_of(lambda: SearchSpace.from_dict(data)) == [
        "TrainCel: unknown cell, got 'TrainCel'; did you mean 'TrainCell'? (known: "
        "AugCell1, AugCell2, EmbedCell, EncoderCell, LossCell, PairCell, TrainCell)",
        "EncoderCell.blocks: the field is required, got nothing",
        "TrainCell: the cell is required, got nothing",
    ]
    data["TrainCel"] = 3
    assert lines_of(lambda: SearchSpace.from_dict(data)) == [
        "TrainCel: must be a mapping of field names to lists, got 3"
    ]


@pytest.mark.parametrize("build", [graphs, full_space, tiny])
def test_dict_json_and_pickle_keep_everything(build: Any) -> None:
    space = build()
    assert SearchSpace.from_dict(json.loads(json.dumps(space.to_dict()))) == space
    assert pickle.loads(pickle.dumps(space)) == space


def test_numbers_have_one_type_and_appear_once() -> None:
    data = graphs().to_dict()
    data["EncoderCell"]["dropout"] = [0, 0.0, 0.1]
    dropout = SearchSpace.from_dict(data)["EncoderCell"]["dropout"]
    assert dropout == (0.0, 0.1) and all(type(value) is float for value in dropout)
