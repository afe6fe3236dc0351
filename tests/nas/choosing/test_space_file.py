"""Spaces that users name: what a file may say, what is refused, and that all of a small one is ranked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from ahc.ranking import UnlearnedWarning
from compute.user_error import UserError
from downstream.data import load_task
from downstream.task import Task
from nas.choosing.candidates import draw_candidates
from nas.choosing.space_file import named_space, space_text
from nas.errors import OptionError
from nas.options.search import SearchOptions
from search_space import (
    NotesWarning,
    Region,
    Regions,
    SamplingError,
    SearchSpace,
    SpaceError,
    default_space,
    every_genotype,
    full_space,
    read_space,
)
from search_space.space import Space
from tests.nas.choosing.first_wishes import first_wishes, first_wishes_from, source_of

ITALY = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"
SMALL: dict[str, Any] = {
    "AugCell1": {"options": ["jitter"], "lengths": [1], "jitter.sigma": [0.1]},
    "AugCell2": {"options": ["jitter"], "lengths": [1], "jitter.sigma": [0.1]},
    "EmbedCell": {"jitter": [0], "mask": [0], "norm": ["none"]},
    "PairCell": {"kinds": ["instance"], "pool": ["max"], "kernel": [0]},
    "LossCell": {"loss": ["nt_xent"], "nt_xent.temperature": [0.2], "similarity": ["cosine"]},
    "EncoderCell": {
        "nodes": [1],
        "operators": ["conv1d"],
        "blocks": [1],
        "hidden": [16],
        "output": [64],
        "dropout": [0],
        "normalization": ["none"],
        "channels": ["independent"],
        "readout": ["last", "max", "mean"],
    },
    "TrainCell": {"learning_rate": [1e-5], "batch_size": [8], "weight_averaging": [True]},
}


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task(ITALY, kind="classification")


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    full, selection = full_space(), {}
    for cell, fields in full.choices.items():
        for name, values in fields.items():
            if name not in ("lengths", "kernel") and data.draw(st.booleans()):
                selection[f"{cell}.{name}"] = data.draw(st.lists(st.sampled_from(values), min_size=1, unique=True))
    try:
        part = full.restrict(selection)
    except SpaceError:  # such as the loss `none` with auxiliary losses that need another
        reject()
    _check_written(part, tmp_path_factory.mktemp("spaces"))


@pytest.mark.parametrize("space", [default_space(), default_space()["closed_form"], full_space()])
def test_what_is_shipped_is_written_and_read_again(space: Space, tmp_path: Path) -> None:
    _check_written(space, tmp_path)


def _check_written(space: Space, folder: Path) -> None:
    for name in ("space.yaml", "space.json"):
        (folder / name).write_text(space_text(space, as_json=name.endswith("json")))
        assert named_space(folder / name) == space
        assert space_text(named_space(str(folder / name))) == space_text(space)


def test_every_form_of_a_space(tmp_path: Path) -> None:
    assert named_space("default") == default_space() and named_space("full") == full_space()
    small = read_space(SMALL)
    (tmp_path / "small.json").write_text(json.dumps(SMALL, indent="\t"))
    (tmp_path / "small.yaml").write_text("TrainCell:\n  learning_rate: [1e-3, 1.5E-05]\nEmbedCell: {jitter: [0]}\n")
    assert named_space(SMALL) == named_space(small) == named_space(tmp_path / "small.json") == small
    assert named_space(str(tmp_path / "small.yaml"))["TrainCell"]["learning_rate"] == (1.5e-5, 1e-3)
    (tmp_path / "empty.yaml").write_text("{}")
    assert named_space(tmp_path / "empty.yaml") == default_space()["graphs"]
    (tmp_path / "two.yaml").write_text("regions:\n  banks: {share: 2}\n  graphs: {EncoderCell: {nodes: [2]}}\n")
    two = named_space(tmp_path / "two.yaml")
    assert two == Regions(
        {
            "banks": Region(default_space()["banks"], 2),
            "graphs": Region(default_space()["graphs"].restrict({"EncoderCell.nodes": 2})),
        }
    )
    assert named_space(two) == named_space(two.to_dict()) == two


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.yaml", "A: {}\nB: {}\nA: {}\n", "cannot be read (line 3: 'A' is given already in line 1)"),
        ("s.yaml", "EncoderCell:\n  blocks: [1]\n  blocks: [2]\n", "line 3: 'blocks' is given already in line 2"),
        ("s.json", '{"A": {}, "A": {}}', "cannot be read (the key 'A' stands twice)"),
        ("s.json", '{"A": ', "cannot be read (Expecting value"),
        ("s.json", "[" * 100_000, "cannot be read ("),
        ("s.yaml", "a: &x [1]\nb: *x\n", "aliases"),
        ("s.yaml", "- 1\n", "a search space must be a mapping of cells, got [1]"),
        ("s.yaml", "", "a search space must be a mapping of cells, got None"),
        ("s.yaml", "EncoderCel: {}\n", "EncoderCel: unknown cell, got 'EncoderCel'; did you mean 'EncoderCell'?"),
        ("s.yaml", "regions: {a: {share: two}}", "regions.a.share: must be an integer in [1, 1000], got 'two'"),
        ("s.yaml", "regions: {a: {}, b: {}}", "regions a and b: must have no genotype in common"),
        (
            "s.yaml",
            "TrainCell: {learning_rate: [.nan]}",
            "TrainCell.learning_rate: must be a finite number > 0, got nan",
        ),
    ],
)
def test_a_file_at_fault_is_one_sentence(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as caught:
        SearchOptions("d.csv", space=str(tmp_path / name))
    said = str(caught.value)
    assert said.startswith(f"space {tmp_path / name}: ") and message in said and "\n" not in said


def test_what_is_no_space() -> None:
    with pytest.raises(OptionError, match="space: no such file, and unknown space 'ful'; did you mean 'full'"):
        SearchOptions("d.csv", space="ful")
    with pytest.raises(OptionError, match="space: a path must be text or a Path, got NoneType"):
        SearchOptions("d.csv", space=None)  # type: ignore[arg-type]


def test_settings_hold_plain_values(recwarn: pytest.WarningsRecorder) -> None:
    chosen = SearchOptions("d.csv", space={"EncoderCell": {"blocks": [np.int64(1)]}})
    assert json.loads(json.dumps(chosen.as_dict()))["space"] == read_space({"EncoderCell": {"blocks": [1]}}).to_dict()
    assert chosen.search_space == SearchOptions("d.csv", space=chosen.search_space).search_space  # type: ignore[arg-type]
    assert not recwarn.list


def test_the_notes_space_warns_once(tmp_path: Path) -> None:
    notes = {
        "AugCell": {"enabled_ops": ["jitter"], "discrete_values": [0.0, 0.1]},
        "EmbedCell": {"jitter_values": [0.1], "mask_values": [0.1], "norm_options": ["layernorm"]},
        "PairCell": {"temporal": [True, False], "pool_type": ["max"], "kernel_range": [3]},
        "LossCell": {"loss_options": ["NTXent"], "sim_options": ["dot"], "temperature": [0, 0.1]},
    }
    (tmp_path / "notes.json").write_text(json.dumps(notes))
    with pytest.warns(NotesWarning) as caught:
        options = SearchOptions("d.csv", space=str(tmp_path / "notes.json"))
        assert options.search_space["PairCell"]["kinds"] == ("instance", "temporal")
    assert len(caught) == 1


@pytest.mark.parametrize("n_readouts", [1, 3])
def test_all_of_a_small_space_is_ranked(task: Task, n_readouts: int) -> None:
    space = read_space(SMALL).restrict({"EncoderCell.readout": ["last", "max", "mean"][:n_readouts]})
    options = SearchOptions(str(ITALY), space=space, landmarks=4)  # type: ignore[arg-type]
    source = source_of(task, options)
    wishes = [genotype for group in first_wishes_from(source, options).values() for genotype in group]
    every = {genotype.key for genotype in every_genotype(space)}
    assert source.ranking is not None and source.ranking.n_ranked == n_readouts
    assert {genotype.key for genotype in source.ranking.genotypes} == every
    assert {genotype.key for genotype in wishes} <= every and len(wishes) == n_readouts


def test_limits_leave_less_of_a_small_space(task: Task) -> None:
    space = read_space({**SMALL, "EncoderCell": {**SMALL["EncoderCell"], "hidden": [16, 1024]}})
    options = SearchOptions(str(ITALY), space=space, max_parameters=100_000)  # type: ignore[arg-type]
    source = source_of(task, options)
    source.ranked(1)  # type: ignore[union-attr]
    assert source.ranking is not None and source.ranking.n_ranked == 3
    with pytest.raises(SamplingError, match="space: none of its 6 genotypes keeps within"):
        first_wishes(task, SearchOptions(str(ITALY), space=space, max_parameters=10))  # type: ignore[arg-type]


def test_everything_comes_from_the_space(task: Task) -> None:
    space = default_space().restrict(
        {"EncoderCell": {"operators": ["gru", "conv1d"], "hidden": [32, 64]}, "TrainCell.batch_size": 8}
    )
    options = SearchOptions(str(ITALY), space=space, candidates=200, landmarks=30)  # type: ignore[arg-type]
    found = first_wishes(task, options)
    assert isinstance(space, Regions) and set(space.regions) == {"graphs", "ts2vec"}
    assert found["searched"] and found["random"]
    assert all(space.holds(genotype) for group in found.values() for genotype in group)  # no preset from outside


def test_the_default_space_by_name_draws_as_without_one(task: Task) -> None:
    left_out, named, given_ = (
        first_wishes(task, SearchOptions(str(ITALY), candidates=100, **how))  # type: ignore[arg-type]
        for how in ({}, {"space": "default"}, {"space": default_space()})
    )
    assert left_out == named == given_ and len(left_out["searched"]) == len(left_out["random"]) == 32


def test_a_warning_of_many_options_is_one_sentence_of_bounded_length(task: Task) -> None:
    with pytest.warns(UnlearnedWarning) as caught:
        first_wishes(task, SearchOptions(str(ITALY), candidates=200, space="full"))
    said = str(caught[0].message)
    assert len(said) < 400
    assert re.fullmatch(
        r"the comparator never learned about [^;]+ and \d+ more; each is ranked as the mean [^;]+", said
    )


def test_options_that_the_comparator_lacks_are_named_once(task: Task) -> None:
    encoder = {**SMALL["EncoderCell"], "operators": ["lstm", "conv1d", "moe"], "nodes": [2, 3]}
    options = SearchOptions(str(ITALY), space={**SMALL, "EncoderCell": encoder}, candidates=50)
    with pytest.warns(UnlearnedWarning, match="never learned about operator lstm, operator moe; each") as caught:
        found = first_wishes(task, options)
    assert len(caught) == 1
    assert any("lstm" in str(genotype.encoder.edges) for genotype in found["searched"])


def test_a_part_of_a_listed_space_is_drawn_at_random_without_repeats() -> None:
    space = read_space(
        {**SMALL, "TrainCell": {"batch_size": [8, 16], "learning_rate": [1e-3], "weight_averaging": [True]}}
    )
    keys = {genotype.key for genotype in every_genotype(space)}
    drawn = [[g.key for g in draw_candidates(4, np.random.default_rng(seed), space)] for seed in range(40)]
    assert all(len(set(some)) == 4 and set(some) <= keys for some in drawn)
    assert set().union(*drawn) == keys == {g.key for g in draw_candidates(99, np.random.default_rng(0), space)}


def test_a_space_is_a_type_of_its_own() -> None:
    assert isinstance(named_space({}), SearchSpace) and named_space({}).key == default_space()["graphs"].key
    spaces = (default_space(), full_space(), *default_space().products)
    assert len({space.key for space in spaces}) == len(spaces)
