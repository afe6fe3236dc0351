"""Names, scales and what a vocabulary refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ahc.graphs.graph import geno_to_graph
from ahc.graphs.vocabulary import Scale, Vocabulary, VocabularyError
from search_space.genotype import Choice, Genotype
from search_space.genotype.graph import Vertex
from search_space.registry import PROVIDERS, options


def test_scale_ends_and_middle() -> None:
    log = Scale(0.01, 1.0, log=True)
    assert [log(0.01), log(0.1), log(1.0)] == pytest.approx([0.0, 0.5, 1.0])
    assert [Scale(2, 6)(2), Scale(2, 6)(5), Scale(2, 6)(6)] == pytest.approx([0.0, 0.75, 1.0])
    assert Scale(0, 1)(50.0) == 2.0
    assert Scale(0, 1)(-50.0) == -1.0
    assert log(0.0) == -1.0


def test_every_registered_option_and_parameter_has_its_own_column(vocabulary: Vocabulary) -> None:
    assert len(set(vocabulary.columns)) == len(vocabulary)
    for kind in PROVIDERS:
        for name, option in options(kind).items():
            vocabulary.column(f"{kind}/{name}")
            for parameter, choices in option.choices.items():
                values = [vocabulary.normalised(f"{kind}/{name}.{parameter}", value) for value in choices]
                assert values == sorted(values)
                usual = option.usual.get(parameter)
                assert (0.0 if usual is None else -1.0) <= min(values) <= max(values) <= 1.0
                # a genotype says nothing of what is usual, and nothing is 0
                assert usual is None or vocabulary.normalised(f"{kind}/{name}.{parameter}", usual) == 0.0
    assert vocabulary.column("loss/none")


def test_json_keeps_everything(vocabulary: Vocabulary) -> None:
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_an_unknown_operator_is_named(vocabulary: Vocabulary, candidates: list[Genotype]) -> None:
    gone = candidates[0].encoder.edges[-1][1]
    smaller = replace(vocabulary, columns=tuple(c for c in vocabulary.columns if c != f"operator/{gone}"))
    with pytest.raises(VocabularyError, match=f"unknown vocabulary entry 'operator/{gone}'"):
        geno_to_graph(candidates[0], smaller)


def test_an_unknown_option_is_the_mean_of_the_known_ones_where_it_may_be(vocabulary: Vocabulary) -> None:
    lacking: set[str] = set()
    vertex = Vertex(
        "loss", (("loss", Choice("new", (("x", 1.0),))), ("similarity", Choice("dot"))), (("train.new", 2.0),)
    )
    row = vocabulary.row(vertex, lacking)
    assert lacking == {"loss new", "train.new"}
    losses = [vocabulary.row(Vertex("loss", (("loss", Choice(name)),), ())) for name in ("none", *options("loss"))]
    for at, name in enumerate(vocabulary.columns):
        if name in ("similarity/dot", "vertex/loss"):
            assert row[at] == 1.0
        elif name in vocabulary.scales:
            assert row[at] == pytest.approx(0.5 / len(losses) if name.startswith("loss/") else 0.0)
        else:
            mean = np.mean([loss[at] for loss in losses]) if name.startswith("loss/") else 0.0
            assert row[at] == pytest.approx(mean)
    with pytest.raises(VocabularyError, match="unknown vocabulary entry 'loss/new'"):
        vocabulary.row(vertex)


def test_a_near_name_is_suggested(vocabulary: Vocabulary) -> None:
    with pytest.raises(VocabularyError, match="did you mean 'augmentation/jitter'"):
        vocabulary.column("augmentation/jiter")


def test_entries_that_the_registry_lost_are_named(vocabulary: Vocabulary) -> None:
    vocabulary.check_registry()
    more = replace(vocabulary, columns=(*vocabulary.columns, "operator/warp_drive", "augmentation/jitter.torque"))
    with pytest.raises(VocabularyError, match=r"operator 'warp_drive', augmentation 'jitter\.torque'"):
        more.check_registry()


@pytest.mark.parametrize("text", ["no json", "[]", "{}", json.dumps({"schema": 1, "columns": [], "scales": {"a": 1}})])
def test_refuses_damaged_text(text: str) -> None:
    with pytest.raises(VocabularyError, match="must be JSON with schema, columns and scales"):
        Vocabulary.from_json(text)


def test_refuses_a_newer_schema() -> None:
    with pytest.raises(VocabularyError, match="schema must be at most 1, got 7"):
        Vocabulary.from_json(json.dumps({"schema": 7, "columns": [], "scales": {}}))
