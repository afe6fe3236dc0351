"""The file of a combination: made of its members' files, read back as it was, refused where it does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from downstream.data import load_task
from downstream.task import Task
from encoders.encoder import Encoder
from nas.cost.members import Member
from nas.representer import Representer, tokens_of
from nas.saved.encoder import combine_files, encoder_file, load_encoder
from nas.saved.tensor_file import SavedEncoderError
from search_space.genotype import Genotype
from search_space.presets import preset
from tests.nas.combinations import NAMES, WEIGHTS, combination_file, member_file


def waves(n_variates: int = 2, **asked: Any) -> Task:
    time = np.arange(300)[:, None] / (4 + np.arange(n_variates))
    frame = pd.DataFrame(np.sin(time), columns=list("abcd")[:n_variates])
    return load_task(frame, kind="forecasting", **{"name": "waves", "window": 24, "horizons": (3,), **asked})


def parts(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["facts"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {name: member_file(waves(), name) for name in NAMES}


@pytest.mark.parametrize("n", [2, 3, 4])
def test_what_is_written_is_read_back(n: int, files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    path.write_bytes(combine_files([files[name] for name in NAMES[:n]], weights=WEIGHTS[:n], iterations=range(n)))
    facts, weights = parts(path)
    assert (
        facts["schema"] == 2
        and "genotype" not in facts
        and {name[:2] for name in weights} == {f"{number}/" for number in range(n)}
    )
    saved = load_encoder(tmp_path)
    genotypes = [preset(name, kind="forecasting") for name in NAMES[:n]]
    assert saved.genotype == genotypes[0]
    assert saved.members == tuple(map(Member, genotypes, WEIGHTS, range(n)))
    windows = waves().training_windows(limit=8)
    each = []
    for name in NAMES[:n]:
        (tmp_path / name).write_bytes(files[name])
        each.append(Representer(load_encoder(tmp_path / name).encoder)(windows).reshape(len(windows), -1))
    represent = Representer(saved.encoder)
    z = represent(windows).reshape(len(windows), -1)
    np.testing.assert_array_equal(z, np.concatenate(each, axis=1))
    assert represent.members is not None and represent.members.shape == z.shape[1:]
    saved.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_one_file_stays_what_it_is(files: dict[str, bytes], tmp_path: Path) -> None:
    alone = combine_files([files["ts2vec"]], weights=[1.0], iterations=[3])
    (tmp_path / "one").write_bytes(alone)
    facts, weights = parts(tmp_path / "one")
    saved = load_encoder(tmp_path / "one")
    assert alone == files["ts2vec"] and saved.members == () and Representer(saved.encoder).members is None
    assert facts["schema"] == 1 and facts["genotype"] == preset("ts2vec", kind="forecasting").to_dict()
    assert list(facts) == ["schema", "protocol_version", "torch", "genotype", "variates", "window", "kind", "task",
                           "scaler", "rng_seed", "identity", "question"]  # fmt: skip
    assert weights.keys() == saved.encoder.state_dict().keys()
    saved.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == alone


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"window": 32}, "window"),
        ({"horizons": (5,)}, "question"),
        ({"name": "others"}, "task"),
        ({"n_variates": 3}, "variates, scaler, identity, question"),
    ],
)
def test_members_of_another_task_are_refused(change: dict[str, Any], named: str, files: dict[str, bytes]) -> None:
    other = member_file(waves(**change), "minirocket")
    with pytest.raises(ValueError, match=f"same task and rng_seed; they differ in {named}$"):
        combine_files([files["ts2vec"], other], weights=(0.5, 0.5), iterations=(1, 1))


def test_what_cannot_be_a_member(files: dict[str, bytes]) -> None:
    two = [files["ts2vec"], files["patchtst"]]
    again = member_file(waves(), "minirocket", rng_seed=1)
    for strange, why in (
        (again, "differ in rng_seed"),
        (files["ts2vec"], "member 2 is equal to another"),
        (combination_file(waves(), NAMES[:2]), "cannot be a member of another"),
        (files["minirocket"][:-1], "not a safetensors file"),
    ):
        with pytest.raises(ValueError, match=why):
            combine_files([*two, strange], weights=(0.4, 0.3, 0.3), iterations=(1, 1, 1))
    many = [*files.values(), member_file(waves(), "dlinear")]
    with pytest.raises(ValueError, match="2 to 4 different ones, got 5"):
        combine_files(many, weights=[0.2] * 5, iterations=[1] * 5)


@pytest.mark.parametrize(
    ("weights", "iterations", "why"),
    [
        ((0.5,), (1, 1), "a weight and iterations for each file, got 2"),
        ((0.4, 0.6), (1, 1), "first member must be the heaviest"),
        ((0.5, float("nan")), (1, 1), "finite number >= 0, got nan"),
        ((0.5, -0.1), (1, 1), "finite number >= 0, got -0.1"),
        ((0.5, 0.5), (1, -1), "whole number >= 0, got -1"),
    ],
)
def test_weights_and_iterations_are_checked(
    weights: tuple[float, ...], iterations: tuple[int, ...], why: str, files: dict[str, bytes]
) -> None:
    with pytest.raises(ValueError, match=why):
        combine_files([files["ts2vec"], files["patchtst"]], weights=weights, iterations=iterations)


Damage = Callable[[dict[str, Any], dict[str, Tensor]], object]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "no members": (lambda facts, _: facts.pop("members"), "'members' is missing"),
    "one member": (lambda facts, _: facts["members"].pop(), "a list of 2 to 4"),
    "many members": (lambda facts, _: facts.update(members=facts["members"] * 9), "a list of 2 to 4"),
    "a name": (lambda facts, _: facts.update(members="ab"), "a list of 2 to 4"),
    "no object": (lambda facts, _: facts.update(members=[1, 2]), "do not fit"),
    "no weight": (lambda facts, _: facts["members"][1].pop("weight"), "'weight' is missing"),
    "a truth for a weight": (lambda facts, _: facts["members"][1].update(weight=True), "finite number >= 0, got True"),
    "iterations": (lambda facts, _: facts["members"][1].update(iterations=1.5), "whole number >= 0, got 1.5"),
    "order": (lambda facts, _: facts["members"].reverse(), "weights and genotype do not fit"),
    "genotype": (lambda facts, _: facts["members"][1].update(genotype={}), "cannot be built here"),
    "schema": (lambda facts, _: facts.update(schema=3), "schema 3 is not known"),
    "single": (lambda facts, _: facts.update(schema=1), "'genotype' is missing"),
    "stranger": (lambda _, weights: weights.update(x=torch.zeros(1)), "x belongs to no member"),
    "third": (lambda _, weights: weights.update({"2/x": torch.zeros(1)}), "2/x belongs to no member"),
    "unknown": (lambda _, weights: weights.update({"0/x": torch.zeros(1)}), "x must be absent"),
    "lacking": (lambda _, weights: weights.pop("0/projection.weight"), "projection.weight must be"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_in_one_sentence(damage: str, files: dict[str, bytes], tmp_path: Path) -> None:
    path, (change, why) = tmp_path / "x", DAMAGES[damage]
    path.write_bytes(combine_files([files["ts2vec"], files["patchtst"]], weights=(0.6, 0.4), iterations=(1, 2)))
    facts, weights = parts(path)
    change(facts, weights)
    path.write_bytes(save(weights, {"facts": json.dumps(facts)}))
    with pytest.raises(SavedEncoderError, match=why):
        load_encoder(path)


def test_equal_members_in_a_file_are_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(files["ts2vec"])
    facts, weights = parts(path)
    facts |= {"schema": 2, "members": [{"genotype": facts["genotype"], "weight": 0.5, "iterations": 1}] * 2}
    twice = {f"{number}/{name}": value.clone() for number in range(2) for name, value in weights.items()}
    path.write_bytes(save(twice, {"facts": json.dumps(facts)}))
    with pytest.raises(SavedEncoderError, match="member 1 is equal to another"):
        load_encoder(path)


def test_other_variates_are_taken_where_no_member_mixes_them(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(combination_file(waves(), ("patchtst", "dlinear")))
    saved, windows = load_encoder(tmp_path / "x"), waves(4).training_windows(limit=5)
    z = Representer(saved.encoder_for("abcd", has_names=True))(windows)
    columns = [Representer(saved.encoder)(_columns(windows, pair)) for pair in ([0, 1], [2, 3])]
    np.testing.assert_allclose(z, np.concatenate(columns, axis=1), rtol=1e-4, atol=1e-5)
    (tmp_path / "y").write_bytes(combination_file(waves(), ("patchtst", "ts2vec")))
    mixed = load_encoder(tmp_path / "y")
    assert mixed.encoder.streams == 1 and tokens_of(mixed.encoder, steps=24) == tokens_of(saved.encoder, steps=24) == 48
    for variates in ("abc", "ba"):
        with pytest.raises(SavedEncoderError, match="mixes exactly 2: a, b"):
            mixed.encoder_for(variates, has_names=True)
    assert mixed.encoder_for("xy", has_names=False) is mixed.encoder


def _columns(windows: Any, places: list[int]) -> Any:
    return type(windows)(np.ascontiguousarray(windows.values[:, places]), windows.starts, windows.length)


def test_untrained_members_are_as_they_were_drawn_and_fitted(tmp_path: Path) -> None:
    task = waves()
    one, other = preset("ts2vec", kind="forecasting"), preset("simclr", kind="forecasting")
    twin = Genotype.from_dict({**other.to_dict(), "EncoderCell": one.to_dict()["EncoderCell"]})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = Encoder(one.encoder, variates=2).eval()
    each = []
    for number, genotype in enumerate((one, twin)):  # one encoder, taught by two strategies
        weights = {name: value + 0.1 * number + 0.1 for name, value in drawn.state_dict().items()}
        each.append(encoder_file(weights, genotype=genotype, task=task, rng_seed=0))
    bank = member_file(task, "hydra_spectral")
    (tmp_path / "x").write_bytes(combine_files([*each, bank], weights=(0.4, 0.3, 0.3), iterations=(5, 5, 0)))
    saved, windows = load_encoder(tmp_path / "x"), task.training_windows(limit=5)
    z = Representer(saved.untrained(2))(windows)
    (tmp_path / "y").write_bytes(bank)
    untrained_bank = Representer(load_encoder(tmp_path / "y").untrained(2))(windows)
    plain = Representer(drawn)(windows)
    np.testing.assert_array_equal(z, np.concatenate([plain, plain, untrained_bank], axis=2))
    assert not np.allclose(Representer(saved.encoder)(windows), z)
    fitted = dict(saved.encoder.members[2].named_buffers())
    kept = dict(saved.untrained(2).members[2].named_buffers())
    assert "embedding.standardize.mean" in fitted and all(torch.equal(kept[name], fitted[name]) for name in fitted)
