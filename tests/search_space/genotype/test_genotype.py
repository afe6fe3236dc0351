"""Genotypes: the door in, the normal form, and every error by name."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space import Genotype, GenotypeError, full_space, registry, sample_arch

BASE: dict[str, Any] = {
    "schema": 1,
    "AugCell1": [["jitter", {"sigma": 0.1}], ["resize", {"ratio": 0.4}]],
    "AugCell2": [["frequency_mask", {"ratio": 0.1}]],
    "EmbedCell": {"jitter": 0.1, "mask": 0.1, "norm": "l2"},
    "PairCell": {
        "instance": True,
        "temporal": False,
        "cross_scale": False,
        "neighbor": False,
        "pool": "max",
        "kernel": 3,
    },
    "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.2},
    "EncoderCell": {
        "edges": [[0, "conv1d"], [0, "identity"], [1, "identity"], [1, "gru"], [2, "dilated_conv"]],
        "blocks": 2,
        "hidden": 64,
        "output": 128,
        "dropout": 0.1,
        "normalization": "instance",
        "channels": "independent",
        "readout": "max",
    },
    "TrainCell": {"learning_rate": 0.001, "batch_size": 32, "weight_averaging": True},
}

Path = tuple[str | int, ...]
MISSING = object()


def changed(path: Path, value: Any) -> dict[str, Any]:
    """Return the base with one entry replaced, added or (MISSING) removed."""
    return changed_in(BASE, path, value)


def changed_in(data: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(data)
    inner: Any = result
    for step in path[:-1]:
        inner = inner[step]
    if value is MISSING:
        del inner[path[-1]]
    elif isinstance(inner, list) and path[-1] == len(inner):
        inner.append(value)
    else:
        inner[path[-1]] = value
    return result


def lines_of(data: Any) -> list[str]:
    with pytest.raises(GenotypeError) as caught:
        Genotype.from_dict(data)
    return str(caught.value).split("\n")


NAN, INF = float("nan"), float("inf")
JITTER = ("AugCell1", 0, 1, "sigma")
RATIO = ("AugCell1", 1, 1, "ratio")
ILLEGAL: list[tuple[Path, Any, str]] = [
    (("schema",), MISSING, "schema: the field is required"),
    (("EncoderCell",), MISSING, "EncoderCell: the field is required"),
    (("AugCell1",), MISSING, "AugCell1: the field is required"),
    (("Extra",), 1, "Extra: unknown field, got 1"),
    (("AugCell1",), "jitter", r"AugCell1: must be a list of [augmentation, parameters]"),
    (("AugCell1", 0), ["jitter"], "AugCell1[0]: must be [augmentation, parameters], got ['jitter']"),
    (("AugCell1", 0, 0), "jiter", "AugCell1[0]: unknown augmentation, got 'jiter'; did you mean 'jitter'?"),
    (("AugCell1", 0, 1), [0.1], "AugCell1[0].parameters: must be a mapping"),
    (JITTER, MISSING, "AugCell1[0].jitter.sigma: the field is required"),
    (("AugCell1", 0, 1, "sigmaa"), 1, "AugCell1[0].jitter.sigmaa: unknown field, got 1; did you mean 'sigma'?"),
    (JITTER, -0.1, "AugCell1[0].jitter.sigma: must be a finite number >= 0, got -0.1"),
    (JITTER, INF, "AugCell1[0].jitter.sigma: must be a finite number >= 0, got inf"),
    (JITTER, True, "AugCell1[0].jitter.sigma: must be a finite number >= 0, got True"),
    (RATIO, 0.96, "AugCell1[1].resize.ratio: must be a finite number in [0, 0.95], got 0.96"),
    (RATIO, NAN, "AugCell1[1].resize.ratio: must be a finite number in [0, 0.95], got nan"),
    (
        ("AugCell1", 2),
        ["jitter", {"sigma": 0.2}],
        "AugCell1[2]: an augmentation may stand in a chain once, got 'jitter'",
    ),
    (("EmbedCell",), [], "EmbedCell: must be a mapping"),
    (("EmbedCell", "norm"), MISSING, "EmbedCell.norm: the field is required"),
    (("EmbedCell", "norm"), "layer", "EmbedCell.norm: unknown embedding norm, got 'layer'; did you mean 'layernorm'?"),
    (("EmbedCell", "mask"), 1, "EmbedCell.mask: must be a finite number in [0, 0.95], got 1"),
    (("EmbedCell", "jitter"), "0.1", "EmbedCell.jitter: must be a finite number >= 0, got '0.1'"),
    (("PairCell", "instance"), 1, "PairCell.instance: must be true or false, got 1"),
    (("PairCell", "instance"), False, "PairCell: at least one of cross_scale, instance"),
    (("PairCell", "temporl"), True, "PairCell.temporl: unknown field, got True; did you mean 'temporal'?"),
    (("PairCell", "pool"), "mean", "PairCell.pool: unknown pooling, got 'mean'"),
    (("PairCell", "kernel"), 4, "PairCell.kernel: must be one of 0, 2, 3, 5, 7, got 4"),
    (("PairCell", "kernel"), False, "PairCell.kernel: must be one of 0, 2, 3, 5, 7, got False"),
    (("LossCell",), None, "LossCell: must be a mapping"),
    (("LossCell", "loss"), MISSING, "LossCell.loss: the field is required"),
    (("LossCell", "loss"), "ntxent", "LossCell.loss: unknown loss, got 'ntxent'; did you mean 'nt_xent'?"),
    (("LossCell", "loss"), "triplet", "LossCell.temperature: unknown field, got 0.2"),
    (("LossCell", "similarity"), "cos", "LossCell.similarity: unknown similarity, got 'cos'"),
    (("LossCell", "temperature"), 0, "LossCell.temperature: must be a finite number > 0, got 0"),
    (("LossCell", "margin"), 0.5, "LossCell.margin: unknown field, got 0.5"),
    (("EncoderCell", "edges"), "conv1d", "EncoderCell.edges: must be a list of [node, operator]"),
    (("EncoderCell", "edges"), [], "EncoderCell.edges: must hold 2n-1 edges for n inner nodes, 1 <= n <= 6, got 0"),
    (("EncoderCell", "edges", 5), [3, "gru"], "EncoderCell.edges: must hold 2n-1 edges"),
    (("EncoderCell", "edges", 1), [0], "EncoderCell.edges[1]: must be [node, operator], got [0]"),
    (("EncoderCell", "edges", 1, 0), 0.0, "EncoderCell.edges[1]: input node must be an integer, got 0.0"),
    (("EncoderCell", "edges", 1, 1), "grue", "EncoderCell.edges[1]: unknown operator, got 'grue'; did you mean 'gru'?"),
    (("EncoderCell", "edges", 1, 1), 2, "EncoderCell.edges[1]: unknown operator, got 2"),
    (
        ("EncoderCell", "edges", 3, 0),
        3,
        "EncoderCell.edges[3]: input node must be in 0..2 (edges run forward), got 3",
    ),
    (("EncoderCell", "edges", 4, 0), 0, "EncoderCell.edges[3]: one of the two edges of node 3 must read node 2"),
    (("EncoderCell", "blocks"), 13, "EncoderCell.blocks: must be an integer in [1, 12], got 13"),
    (("EncoderCell", "blocks"), 2.0, "EncoderCell.blocks: must be an integer in [1, 12], got 2.0"),
    (("EncoderCell", "hidden"), 0, "EncoderCell.hidden: must be an integer in [1, 4096], got 0"),
    (("EncoderCell", "output"), 1025, "EncoderCell.output: must be an integer in [0, 1024], got 1025"),
    (("EncoderCell", "dropout"), 1.0, "EncoderCell.dropout: must be a finite number in [0, 1), got 1.0"),
    (("EncoderCell", "normalization"), "z", "EncoderCell.normalization: unknown normalization, got 'z'"),
    (("EncoderCell", "channels"), None, "EncoderCell.channels: unknown channels, got None"),
    (("EncoderCell", "readout"), "maxx", "EncoderCell.readout: unknown readout, got 'maxx'; did you mean 'max'?"),
    (("TrainCell", "learning_rate"), 0.0, "TrainCell.learning_rate: must be a finite number > 0, got 0.0"),
    (("TrainCell", "batch_size"), True, "TrainCell.batch_size: must be an integer in [2, 1024], got True"),
    (("TrainCell", "weight_averaging"), 1, "TrainCell.weight_averaging: must be true or false, got 1"),
    (("TrainCell", "weight_averaging"), MISSING, "TrainCell.weight_averaging: the field is required"),
]


@pytest.mark.parametrize(("path", "value", "message"), ILLEGAL, ids=[f"{p}={v}"[:60] for p, v, _ in ILLEGAL])
def test_one_broken_field_gives_one_line_that_names_it(path: Path, value: Any, message: str) -> None:
    lines = lines_of(changed(path, value))
    assert [line for line in lines if line.startswith(message)], lines
    # changing the loss makes one parameter unknown and another one missing
    assert len(lines) == (2 if value == "triplet" else 1)


def test_all_problems_come_in_one_message() -> None:
    data = changed(("EncoderCell", "blocks"), 0)
    data["TrainCell"]["batch_size"] = 0
    data["AugCell2"] = [["nothing", {}]]
    data["LossCell"] = {"loss": "nt_xent", "similarity": "cosine", "temperature": -1, "more": 1}
    places = [line.split(":")[0] for line in lines_of(data)]
    assert places == [
        "AugCell2[0]",
        "LossCell.more",
        "LossCell.temperature",
        "EncoderCell.blocks",
        "TrainCell.batch_size",
    ]


def test_a_chain_holds_at_most_six() -> None:
    names = [name for name, option in registry.options("augmentation").items() if len(option.choices) == 1][:7]
    chain = [[name, dict.fromkeys(registry.get("augmentation", name).choices, 0.1)] for name in names]
    assert len(Genotype.from_dict(changed(("AugCell2",), chain[:6])).aug2) == 6
    assert lines_of(changed(("AugCell2",), chain)) == ["AugCell2: must hold at most 6 augmentations, got 7"]


def test_cross_scale_needs_a_hierarchy() -> None:
    data = changed(("PairCell", "cross_scale"), True)
    assert Genotype.from_dict(data).pair.kinds == ("cross_scale", "instance")
    data["PairCell"]["kernel"] = 0
    assert lines_of(data) == ["PairCell.kernel: must be > 0 where cross_scale is true (one scale has no other), got 0"]


@pytest.mark.parametrize("data", [None, [], "ts2vec", 3])
def test_what_is_no_mapping_is_no_genotype(data: Any) -> None:
    assert lines_of(data)[0].startswith("genotype: must be a mapping")


@pytest.mark.parametrize(
    ("schema", "rule"),
    [(2, "at most 1 (written by a newer version), got 2"), (0, "a whole number in 1..1"), (True, "a whole number")],
)
def test_schemas_that_this_version_cannot_read(schema: Any, rule: str) -> None:
    (line,) = lines_of(changed(("schema",), schema))
    assert line.startswith(f"schema: must be {rule}")


def test_a_long_value_is_shortened_to_one_line() -> None:
    (line,) = lines_of(changed(("EmbedCell", "jitter"), np.arange(1000.0).reshape(10, 100)))
    assert line.startswith("EmbedCell.jitter: must be a finite number") and len(line) < 160


def leaves(data: Any, path: Path = ()) -> list[Path]:
    if isinstance(data, dict):
        return [leaf for name, value in data.items() for leaf in leaves(value, (*path, name))]
    if isinstance(data, list):
        return [leaf for index, value in enumerate(data) for leaf in leaves(value, (*path, index))]
    return [path]


def random_arch(rng_seed: int) -> dict[str, Any]:
    return sample_arch(np.random.default_rng(rng_seed), full_space())


def place_of(data: dict[str, Any], path: Path) -> str:
    """Return how an error names the leaf."""
    cell, *rest = path
    if str(cell).startswith("AugCell"):
        index = rest[0]
        return f"{cell}[{index}]" + (f".{data[str(cell)][index][0]}.{rest[2]}" if len(rest) == 3 else "")
    if rest and rest[0] in ("weighting", "auxiliary"):
        field = f"{cell}.{rest[0]}"
        return f"{field}.{data[str(cell)][rest[0]][0]}.{rest[2]}" if len(rest) == 3 else field
    if rest and rest[0] == "edges":
        return f"EncoderCell.edges[{rest[1]}]"
    return ".".join(map(str, path))


@settings(max_examples=150, deadline=None)
@given(rng_seed=st.integers(0, 2**32), bad=st.sampled_from([None, NAN, "no such name", -1e9, [], {}]), data=st.data())
def test_corrupting_any_leaf_names_it(rng_seed: int, bad: Any, data: st.DataObject) -> None:
    arch = random_arch(rng_seed)
    path = data.draw(st.sampled_from(leaves(arch)))
    places = [line.split(":")[0] for line in lines_of(changed_in(arch, path, bad))]
    assert place_of(arch, path) in places


@settings(max_examples=150, deadline=None)
@given(rng_seed=st.integers(0, 2**32))
def test_dict_json_and_pickle_keep_everything(rng_seed: int) -> None:
    genotype = Genotype.from_dict(random_arch(rng_seed))
    assert Genotype.from_dict(genotype.to_dict()) == genotype
    assert Genotype.from_dict(json.loads(json.dumps(genotype.to_dict()))) == genotype
    assert pickle.loads(pickle.dumps(genotype)).key == genotype.key
    assert 4 <= len(genotype.describe().split("\n")) <= 7


def test_input_is_not_modified_and_tuples_and_numpy_numbers_will_do() -> None:
    data = changed(("EmbedCell", "jitter"), np.float32(0.5))
    data["EncoderCell"]["blocks"] = np.int64(2)
    data["EncoderCell"]["edges"] = tuple((np.int64(node), op) for node, op in data["EncoderCell"]["edges"])
    before = copy.deepcopy(data)
    genotype = Genotype.from_dict(data)
    assert data == before
    assert type(genotype.embed.jitter) is float and type(genotype.encoder.blocks) is int
    assert genotype.to_dict()["EncoderCell"]["edges"] == BASE["EncoderCell"]["edges"]
    json.dumps(genotype.to_dict())


def test_normal_form_drops_what_does_nothing() -> None:
    data = changed(JITTER, 0)
    data["AugCell2"] = [["crop", {"ratio": -0.0}]]
    data["PairCell"] = {"temporal": True, "pool": "avg", "kernel": 0}
    data["EncoderCell"]["edges"][1:3] = data["EncoderCell"]["edges"][2:0:-1]
    written = Genotype.from_dict(data).to_dict()
    assert written["AugCell1"] == [["resize", {"ratio": 0.4}]] and written["AugCell2"] == []
    assert written["PairCell"]["pool"] == "max" and written["PairCell"]["instance"] is False
    assert written["EncoderCell"]["edges"] == BASE["EncoderCell"]["edges"]


def test_pooling_stays_where_it_matters() -> None:
    for kinds, kernel in (({"instance": True}, 0), ({"neighbor": True}, 0), ({"temporal": True}, 2)):
        data = changed(("PairCell",), {**kinds, "pool": "avg", "kernel": kernel})
        assert Genotype.from_dict(data).pair.pool == "avg"


def test_describe_tells_the_story() -> None:
    text = Genotype.from_dict(BASE).describe()
    assert "jitter(sigma=0.1), then resize(ratio=0.4)" in text
    assert "Pairs: instance; max pooling by 3 per level" in text
    assert "3 nodes (1 conv1d, 1 dilated_conv, 1 gru, 2 identity) x 2 blocks" in text
    assert "the window itself" in Genotype.from_dict(changed(("AugCell2",), [])).describe()
