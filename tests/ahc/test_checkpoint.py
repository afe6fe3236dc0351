"""Checkpoints come back exactly, and everything that is no checkpoint gets one clear sentence."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ahc.checkpoint import CheckpointError, load_comparator, save_comparator, shipped_path
from ahc.comparator import Comparator, ComparatorSettings, TaskView, TrainingFacts
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.vocabulary import Vocabulary
from ahc.task_embedding import EMBEDDING_VERSION
from search_space.genotype import Genotype

SETTINGS = ComparatorSettings(task_features=4, members=2, hidden=8, layers=1)
FACTS = TrainingFacts(families=("a", "b"), tasks=("t",), n_trials=9, embedding_version=EMBEDDING_VERSION)


@pytest.fixture(scope="module")
def made(vocabulary: Vocabulary) -> Comparator:
    comparator = Comparator(vocabulary, settings=SETTINGS, facts=FACTS)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in comparator.state_dict().values():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) - 0.3)
    return comparator.eval()


@pytest.fixture
def saved(tmp_path: Path, made: Comparator) -> Path:
    save_comparator(tmp_path / "c.safetensors", made)
    return tmp_path / "c.safetensors"


def test_what_it_says_and_its_facts_survive(
    made: Comparator, saved: Path, candidates: list[Genotype], vocabulary: Vocabulary
) -> None:
    loaded, again = load_comparator(saved), load_comparator(str(saved))
    assert (loaded.settings, loaded.facts, loaded.vocabulary) == (SETTINGS, FACTS, vocabulary)
    assert not loaded.training
    batch = encode_genotypes(candidates, vocabulary=vocabulary)
    embedding = np.linspace(-1, 1, SETTINGS.task_features).astype(np.float32)
    landmarks = np.linspace(3, -3, SETTINGS.landmarks).astype(np.float32)
    for task in (TaskView(embedding), TaskView(embedding, landmarks), TaskView(embedding, landmarks, blind=True)):
        expected = made.predict(batch, task=task)
        for one in (loaded, again):
            assert all(map(torch.equal, expected, one.predict(batch, task=task)))
    with safe_open(saved, framework="pt") as stream:
        for name, tensor in made.state_dict().items():
            assert torch.equal(stream.get_tensor(name), tensor)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def rewrite(path: Path, *, header: dict[str, str] | None = None, drop: str = "", reshape: str = "") -> None:
    with safe_open(path, framework="pt") as stream:
        metadata = {**stream.metadata(), **(header or {})}
        tensors = {name: stream.get_tensor(name) for name in list(stream.keys()) if name != drop}
    if reshape:
        tensors[reshape] = torch.zeros(3, 3)
    save_file(tensors, path, metadata=metadata)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return Path.touch, (tmp_path / "sprung",)

    (tmp_path / "evil.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_comparator(tmp_path / "evil.safetensors")
    assert not (tmp_path / "sprung").exists()


def test_other_files_are_refused(tmp_path: Path, saved: Path) -> None:
    (tmp_path / "cut").write_bytes(saved.read_bytes()[:-50])
    save_file({"x": torch.zeros(1)}, tmp_path / "other")
    for name, sentence in (("none", "no such comparator"), ("cut", "not a safetensors"), ("other", "not of a comp")):
        with pytest.raises(CheckpointError, match=sentence) as caught:
            load_comparator(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_lost_operator_is_named(saved: Path, vocabulary: Vocabulary) -> None:
    words = replace(vocabulary, columns=(*vocabulary.columns[:-1], "operator/warp_drive"))
    rewrite(saved, header={"vocabulary": words.to_json()})
    with pytest.raises(CheckpointError, match="registry does not know these vocabulary entries: operator 'warp_drive'"):
        load_comparator(saved)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"schema": "99"}, "schema must be 2, got 99: it was written by another version"),
        ({"schema": "1"}, "schema must be 2, got 1: it was written by another version"),
        ({"schema": ""}, "schema must be 2, got none"),
        ({"settings": json.dumps({"nonsense": 1})}, "header is damaged"),
        ({"facts": "{"}, "header is damaged"),
        (
            {"facts": json.dumps({"families": [], "tasks": [], "probes": [], "embedding_version": "0"})},
            "embeddings of version 0, but",
        ),
    ],
)
def test_headers_are_checked(saved: Path, header: dict[str, str], sentence: str) -> None:
    rewrite(saved, header=header)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        load_comparator(saved)
    assert "\n" not in str(caught.value)


def test_landmarks_of_other_probes_are_refused(tmp_path: Path, vocabulary: Vocabulary) -> None:
    other = Comparator(vocabulary, settings=SETTINGS, facts=replace(FACTS, probes=FACTS.probes[::-1]))
    save_comparator(tmp_path / "other.safetensors", other)
    with pytest.raises(CheckpointError, match="its landmarks are of other probes than"):
        load_comparator(tmp_path / "other.safetensors")


def test_tensors_are_checked(saved: Path) -> None:
    rewrite(saved, drop="task_mean")
    with pytest.raises(CheckpointError, match="task_mean is missing"):
        load_comparator(saved)
    rewrite(saved, reshape="task_mean")
    with pytest.raises(CheckpointError, match=r"task_mean must be \(4,\), got \(3, 3\)"):
        load_comparator(saved)
    rewrite(saved, reshape="surplus")
    with pytest.raises(CheckpointError, match="surplus is unknown"):
        load_comparator(saved)


def test_the_shipped_comparator_works_where_it_is_shipped(candidates: list[Genotype]) -> None:
    if not shipped_path().is_file():
        with pytest.raises(CheckpointError, match="no such comparator"):
            load_comparator()
        return
    comparator = load_comparator()
    batch = encode_genotypes(candidates, vocabulary=comparator.vocabulary, lacking=set())
    task = TaskView(np.zeros(comparator.settings.task_features, dtype=np.float32))
    assert np.ptp(comparator.predict(batch, task=task).score.numpy()) > 0
