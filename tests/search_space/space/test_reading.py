"""Spaces that users write: what may be left out, what is refused, the notes' own dict."""

from __future__ import annotations

import copy
import json
import random
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space import Genotype, NotesWarning, SearchSpace, SpaceError, default_space, full_space, read_space
from search_space.genotype.rules import FIELDS, USUAL, Options
from search_space.space.default_regions import REGIONS

FULL = full_space()
VALUES = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
# as written in the design notes, AutoCL's eleven strengths for its `DISCRETE_VALUES`
NOTES: dict[str, Any] = {
    "AugCell": {
        "enabled_ops": ["resize", "jitter", "rescaling", "point_masking", "frequency_masking", "crop"],
        "discrete_values": VALUES,
        "order_values": [1, 2, 3],
    },
    "EmbedCell": {"jitter_values": VALUES, "mask_values": VALUES, "norm_options": ["batchnorm", "layernorm"]},
    "PairCell": {
        "temporal": [True, False],
        "neighbor": [True, False],
        "multiscale": [True, False],
        "pool_type": ["avg", "max"],
        "kernel_range": [3, 5, 7],
    },
    "LossCell": {"loss_options": ["InfoNCE", "NTXent"], "sim_options": ["cosine", "dot"], "temperature": VALUES},
}


def sample_arch_of_the_notes(search_space: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Draw as the notes' `sample_arch` does, line by line."""
    aug, pair, loss = (search_space[name] for name in ("AugCell", "PairCell", "LossCell"))
    values = aug["discrete_values"]
    chains = [rng.sample(aug["enabled_ops"], k=rng.randint(1, len(aug["enabled_ops"]))) for _ in range(2)]
    views = [{"enabled_ops": chain, "params": {op: rng.choice(values) for op in chain}} for chain in chains]
    return {
        "AugCell1": views[0],
        "AugCell2": views[1],
        "EmbedCell": {
            "jitter": rng.choice(values),
            "mask": rng.choice(values),
            "norm": rng.choice(search_space["EmbedCell"]["norm_options"]),
        },
        "PairCell": {
            **{name: rng.choice(pair[name]) for name in ("temporal", "neighbor", "multiscale", "pool_type")},
            "kernel": rng.choice(pair["kernel_range"]),
        },
        "LossCell": {
            "loss": rng.choice(loss["loss_options"]),
            "sim": rng.choice(loss["sim_options"]),
            "temperature": rng.choice(values),
        },
    }


@st.composite
def restrictions(draw: st.DrawFn) -> SearchSpace:
    """Random sub-spaces of the full one."""
    selection = {}
    for cell, fields in FULL.choices.items():
        for name, values in fields.items():
            if draw(st.booleans()):
                selection[f"{cell}.{name}"] = draw(st.lists(st.sampled_from(values), min_size=1, unique=True))
    for cell in ("AugCell1", "AugCell2"):
        selection[f"{cell}.lengths"] = [0, *selection.get(f"{cell}.lengths", FULL[cell]["lengths"])]
    selection["LossCell.loss"] = [*selection.get("LossCell.loss", ()), "nt_xent"]
    selection["PairCell.kernel"] = [*selection.get("PairCell.kernel", ()), 7]
    return FULL.restrict(selection)


@given(restrictions(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_written_space_is_read_as_it_was_in_whatever_order(space: SearchSpace, rng: random.Random) -> None:
    written = json.loads(json.dumps(space.to_dict()))
    assert read_space(written) == space
    shuffled = {
        cell: {name: rng.sample(values, len(values)) for name, values in rng.sample([*fields.items()], len(fields))}
        for cell, fields in rng.sample([*written.items()], len(written))
    }
    read = read_space(shuffled)
    assert read == space and hash(read) == hash(space) and read.to_dict() == space.to_dict()
    assert list(read["LossCell"]) == list(space["LossCell"])


@given(restrictions())
@settings(max_examples=40, deadline=None)
def test_what_equals_the_default_may_be_left_out(space: SearchSpace) -> None:
    default, operators = default_space(), set(space["EncoderCell"]["operators"])
    fitting = (name for name in REGIONS if operators <= set(default[name]["EncoderCell"]["operators"]))
    behind = default[next(fitting, "graphs")]
    said = {"operators", *(gene for genes in USUAL.values() for gene in genes)}
    written = {
        cell: {name: list(fields[name]) for name in fields if name in said or fields[name] != behind[cell].get(name)}
        for cell, fields in space.choices.items()
    }
    assert read_space({cell: fields for cell, fields in written.items() if fields}) == space


def test_nothing_written_is_the_region_of_graphs() -> None:
    graphs = default_space()["graphs"]
    assert read_space({}) == graphs
    assert read_space({"EncoderCell": {"blocks": [2]}}) == graphs.restrict({"EncoderCell.blocks": 2})


@pytest.mark.parametrize("name", REGIONS)
def test_the_default_space_needs_no_bank_and_is_stated_in_full(name: str) -> None:
    space, (share, stated) = default_space()[name], REGIONS[name]
    assert default_space().regions[name].share == share
    for cell, fields in space.choices.items():
        usual = {gene: (value,) for gene, value in USUAL.get(cell, {}).items()}
        assert fields == {**usual, **stated[cell]}


@pytest.mark.parametrize(
    ("operators", "name"),
    [
        (["dilated_conv"], "graphs"),
        (["trained_kernel_bank"], "banks"),
        (["kernel_bank"], "frozen"),
        (["mixed_kernel_bank", "gaussian_kernel_bank"], "frozen"),
        (["trained_kernel_bank", "gru"], "graphs"),
        (["lstm"], "graphs"),
    ],
)
def test_operators_say_which_region_fills_the_blanks(operators: list[str], name: str) -> None:
    written = {"EncoderCell": {"operators": operators}}
    behind = default_space()[name].to_dict()
    behind["EncoderCell"]["operators"] = sorted(operators)
    assert read_space(written).to_dict() == behind


def test_parameters_of_an_option_that_the_default_space_lacks_are_the_registered_ones() -> None:
    space = read_space({"AugCell1": {"options": ["drift", "crop"]}, "LossCell": {"loss": ["vicreg"]}})
    drift = FIELDS["AugCell1"]["options"]
    assert isinstance(drift, Options)
    assert space["AugCell1"]["drift.sigma"] == drift.parameters(["drift"])["drift.sigma"]
    assert space["AugCell1"]["crop.ratio"] == default_space()["graphs"]["AugCell1"]["crop.ratio"]
    assert "nt_xent.temperature" not in space["LossCell"] and "vicreg.variance" in space["LossCell"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1], "a search space must be a mapping of cells, got [1]"),
        ({"EncodrCell": {}}, "EncodrCell: unknown cell, got 'EncodrCell'; did you mean 'EncoderCell'?"),
        ({7: {}}, "7: unknown cell, got 7"),
        ({"EncoderCell": 3}, "EncoderCell: must be a mapping of field names to lists, got 3"),
        ({"EncoderCell": {"bloks": [1]}}, "EncoderCell.bloks: unknown field, got 'bloks'; did you mean 'blocks'?"),
        ({"EncoderCell": {"blocks": 1}}, "EncoderCell.blocks: must be a list of values, got 1"),
        ({"EncoderCell": {"blocks": []}}, "EncoderCell.blocks: must hold at least one value, got none"),
        ({"EncoderCell": {"blocks": [1, 2, 1]}}, "EncoderCell.blocks: a value may stand once, got 1 2 times"),
        ({"EncoderCell": {"dropout": [0, 0.0]}}, "EncoderCell.dropout: a value may stand once, got 0 2 times"),
        ({"EncoderCell": {"blocks": [[1]]}}, "EncoderCell.blocks: must be an integer in [1, 12], got [1]"),
        (
            {"EncoderCell": {"readout": ["men"]}},
            "EncoderCell.readout: unknown value, got 'men'; did you mean 'mean'?",
        ),
        ({"AugCell1": {"options": ["jiter"]}}, "AugCell1.options: unknown value, got 'jiter'; did you mean 'jitter'?"),
        (
            {"AugCell1": {"options": ["crop"], "jitter.sigma": [0.1]}},
            "AugCell1.jitter.sigma: its option must be one of AugCell1.options, got ['crop']",
        ),
        (
            {"LossCell": {"dcl.temperature": [0.1]}},
            "LossCell.dcl.temperature: its option must be one of LossCell.loss, got ['info_nce', 'nt_xent', 'triplet']",
        ),
        ({"AugCell1": {"lengths": [7]}}, "AugCell1.lengths: must be an integer in [0, 6], got 7"),
        ({"AugCell1": {"options": []}, "AugCell2": {"options": [], "lengths": [1]}}, "AugCell2.lengths: must hold"),
        ({"PairCell": {"kinds": ["cross_scale"], "kernel": [0]}}, "PairCell: cross_scale alone needs a kernel > 0"),
        (
            {"EncoderCell": {"hidden": list(range(1, 1001)), "output": list(range(1, 1001))}},
            "EncoderCell and TrainCell: at most 600,000 combinations of values can be told apart, got 432,000,000",
        ),
        (
            {"TrainCell": {"learning_rate": [1 / n for n in range(1, 10_002)]}},
            "TrainCell.learning_rate: must hold at most 10,000 values, got 10,001",
        ),
    ],
)
def test_refuses_in_one_sentence(data: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        read_space(data)
    (line,) = str(caught.value).split("\n")
    assert line.startswith(message)


def test_the_notes_space_is_read_as_it_stands_and_said() -> None:
    with pytest.warns(NotesWarning) as caught:
        space = read_space(NOTES)
    assert space["AugCell1"]["lengths"] == (1, 2, 3) and space["AugCell1"] == space["AugCell2"]
    assert space["AugCell1"]["rescale.sigma"] == tuple(VALUES) == space["EmbedCell"]["mask"]
    assert space["LossCell"]["nt_xent.temperature"] == (0.05, *VALUES[1:])
    assert space["PairCell"]["kinds"] == ("cross_scale", "instance", "neighbor", "temporal")
    graphs = default_space()["graphs"]
    assert space["EncoderCell"] == graphs["EncoderCell"] and space["TrainCell"] == graphs["TrainCell"]
    (said,) = [str(warning.message) for warning in caught]
    assert said.split("; ") == [
        "search space in the notes' form",
        "AugCell as AugCell1 and AugCell2",
        "rescaling as rescale",
        "point_masking as point_mask",
        "frequency_masking as frequency_mask",
        "InfoNCE as info_nce",
        "NTXent as nt_xent",
        "AugCell.order_values as chains of 1, 2, 3, in any order",
        "PairCell as any of instance, temporal, neighbor, cross_scale (the notes always have instance pairs)",
        "LossCell.temperature 0 as 0.05, the smallest",
        "EncoderCell and TrainCell, which were not given, as in the default space",
    ]
    assert read_space(space.to_dict()) == space


@pytest.mark.filterwarnings("ignore::search_space.genotype.notes.NotesWarning")
def test_what_the_notes_draw_lies_in_their_space() -> None:
    rng, notes = random.Random(0), copy.deepcopy(NOTES)
    del notes["AugCell"]["order_values"]  # which their own draws do not look at
    encoder = {"blocks": [1], "hidden": [64], "output": [128], "dropout": [0.1]}
    space = read_space({**notes, "EncoderCell": encoder, "TrainCell": {"batch_size": [32]}})
    assert space["AugCell1"]["lengths"] == (1, 2, 3, 4, 5, 6)
    drawn = [Genotype.from_dict(sample_arch_of_the_notes(notes, rng)) for _ in range(200)]
    assert all(space.holds(genotype) for genotype in drawn)
    assert max(len(genotype.aug1) for genotype in drawn) == 6


@pytest.mark.parametrize(
    ("cell", "changes", "message"),
    [
        ("AugCell", {"enabled_ops": ["croping"]}, "AugCell.enabled_ops: unknown augmentation of the notes, got 'cropi"),
        ("AugCell", {"discrete_values": 0.1}, "AugCell.discrete_values: must be a list of values, got 0.1"),
        ("AugCell", {"orders": [1]}, "AugCell.orders: unknown field, got [1]; did you mean 'order_values'?"),
        ("LossCell", {"loss_options": ["NTX"]}, "LossCell.loss_options: unknown loss of the notes, got 'NTX'"),
        ("LossCell", {"sim_options": ["l1"]}, "LossCell.sim_options: unknown similarity of the notes, got 'l1'"),
        ("EmbedCell", {"norm_options": ["l3"]}, "EmbedCell.norm: unknown value, got 'l3'"),
        ("PairCell", {"kernel_range": [4]}, "PairCell.kernel: unknown value, got 4"),
    ],
)
def test_broken_notes(cell: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        read_space({**NOTES, cell: {**NOTES[cell], **changes}})
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_notes_without_a_cell() -> None:
    with warnings.catch_warnings(), pytest.raises(SpaceError, match=r"^LossCell: the field is required, got nothing$"):
        warnings.simplefilter("error")
        read_space({name: cell for name, cell in NOTES.items() if name != "LossCell"})
