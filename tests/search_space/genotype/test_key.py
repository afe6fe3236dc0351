"""Keys: equal for equivalent genotypes, different otherwise, and the same tomorrow."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space import Choice, Genotype, full_space, sample_arch
from search_space.genotype import GenotypeError, LossCell
from search_space.genotype.encoder_dag import incoming
from search_space.genotype.rules import USUAL

HAND_WRITTEN: dict[str, Any] = {
    "schema": 1,
    "AugCell1": [["jitter", {"sigma": 0.1}], ["resize", {"ratio": 0.4}]],
    "AugCell2": [["frequency_mask", {"ratio": 0.1}]],
    "EmbedCell": {"jitter": 0, "mask": 0.1, "norm": "none"},
    "PairCell": {"instance": True, "temporal": True, "pool": "avg", "kernel": 3},
    "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 1},
    "EncoderCell": {
        "edges": [[0, "identity"], [1, "conv1d"], [0, "gru"]],
        "blocks": 2,
        "hidden": 64,
        "output": 128,
        "dropout": 0.1,
        "normalization": "instance",
        "channels": "independent",
        "readout": "max",
    },
    "TrainCell": {"learning_rate": 3e-4, "batch_size": 32, "weight_averaging": False},
}
# Stored records carry keys: a change here is a change of what a stored file means.
GOLDEN = "8b624dc5164b07a3"
NT_XENT = Choice("nt_xent", (("temperature", 0.2),))

rng_seeds = st.integers(0, 2**32)


def random_genotype(rng_seed: int) -> Genotype:
    return Genotype.from_dict(sample_arch(np.random.default_rng(rng_seed), full_space()))


def test_golden_key() -> None:
    assert Genotype.from_dict(HAND_WRITTEN).key == GOLDEN


def test_genes_that_are_as_usual_may_be_named_and_are_not_written() -> None:
    named = copy.deepcopy(HAND_WRITTEN)
    for cell, genes in USUAL.items():
        named[cell] |= genes
    genotype = Genotype.from_dict(named)
    assert genotype.key == GOLDEN
    assert genotype.to_dict() == Genotype.from_dict(HAND_WRITTEN).to_dict()
    assert not any(set(genes) & set(genotype.to_dict()[cell]) for cell, genes in USUAL.items())


@pytest.mark.parametrize(
    ("cell", "gene", "value", "message"),
    [
        ("EncoderCell", "input", "both", None),
        ("EncoderCell", "taps", 2, None),
        ("EncoderCell", "embedding", 64, None),
        ("EncoderCell", "window", 192, None),
        ("EmbedCell", "head", 128, None),
        ("EncoderCell", "input", "diff", "EncoderCell.input: unknown input, got 'diff'"),
        ("EncoderCell", "taps", 0, "EncoderCell.taps: must be an integer in [1, 12], got 0"),
        ("EncoderCell", "embedding", 5000, "EncoderCell.embedding: must be an integer in [0, 4096], got 5000"),
        ("EncoderCell", "window", 100, "EncoderCell.window: must be one of 0, 96, 192, 336, 512, got 100"),
        ("EncoderCell", "window", True, "EncoderCell.window: must be one of 0, 96, 192, 336, 512, got True"),
        ("EmbedCell", "head", 1.5, "EmbedCell.head: must be an integer in [0, 1024], got 1.5"),
        ("EmbedCell", "heads", 1, "EmbedCell.heads: unknown field, got 1; did you mean 'head'?"),
    ],
)
def test_unusual_genes_count_and_come_back(cell: str, gene: str, value: Any, message: str | None) -> None:
    named = copy.deepcopy(HAND_WRITTEN)
    named[cell][gene] = value
    if message is not None:
        with pytest.raises(GenotypeError) as caught:
            Genotype.from_dict(named)
        assert str(caught.value).startswith(message)
        return
    genotype = Genotype.from_dict(named)
    assert genotype.key != GOLDEN and genotype.to_dict()[cell][gene] == value
    assert Genotype.from_dict(genotype.to_dict()) == genotype


def test_key_does_not_depend_on_the_process() -> None:
    code = "import sys; from search_space import Genotype; print(Genotype.from_dict(eval(sys.argv[1])).key)"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, repr(HAND_WRITTEN)], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == GOLDEN


@settings(max_examples=100, deadline=None)
@given(rng_seed=rng_seeds)
def test_order_of_views_flags_and_edges_does_not_count(rng_seed: int) -> None:
    arch = sample_arch(np.random.default_rng(rng_seed), full_space())
    other = copy.deepcopy(arch)
    other["AugCell1"], other["AugCell2"] = other["AugCell2"], other["AugCell1"]
    other["PairCell"] = {name: other["PairCell"][name] for name in reversed(other["PairCell"])}
    pairs = incoming(other["EncoderCell"]["edges"])
    other["EncoderCell"]["edges"] = [edge for pair in pairs for edge in reversed(pair)]
    assert Genotype.from_dict(other).key == Genotype.from_dict(arch).key


@settings(max_examples=100, deadline=None)
@given(rng_seed=rng_seeds, place=st.integers(0, 4))
def test_an_augmentation_of_zero_strength_does_not_count(rng_seed: int, place: int) -> None:
    genotype = random_genotype(rng_seed)
    chain = [*genotype.aug1[:place], Choice("anything", (("sigma", 0.0),)), *genotype.aug1[place:]]
    assert dataclasses.replace(genotype, aug1=tuple(chain)) == genotype


@settings(max_examples=100, deadline=None)
@given(rng_seed=rng_seeds)
def test_behind_an_identity_nodes_0_and_1_are_one(rng_seed: int) -> None:
    genotype = random_genotype(rng_seed)
    edges = [list(edge) for edge in genotype.encoder.edges]
    edges[0] = [0, "identity"]
    # node 2 must go on reading node 1, so there only its free edge may be renamed
    renamed = [[0, op] if node == 1 and place != 2 else [node, op] for place, (node, op) in enumerate(edges)]

    def key(new: list[list[Any]]) -> str:
        encoder = dataclasses.replace(genotype.encoder, edges=tuple((node, op) for node, op in new))
        return dataclasses.replace(genotype, encoder=encoder).key

    assert key(edges) == key(renamed)
    edges[0] = renamed[0] = [0, "gru"]
    assert (key(edges) == key(renamed)) == (edges == renamed)


@pytest.mark.parametrize("name", ["vicreg", "barlow_twins"])
def test_a_loss_that_compares_nothing_has_neither_similarity_nor_weighting(name: str) -> None:
    genotype, loss, weighting = random_genotype(0), Choice(name), Choice("hard", (("tilt", 0.5),))
    cells = [LossCell(loss, "dot"), LossCell(loss, "cosine", weighting=weighting)]
    assert len({dataclasses.replace(genotype, loss=cell).key for cell in cells}) == 1


@settings(max_examples=100, deadline=None)
@given(rng_seed=rng_seeds)
def test_everything_else_counts(rng_seed: int) -> None:
    genotype = random_genotype(rng_seed)
    if genotype.loss.similarity == "none":  # there it cannot count
        genotype = dataclasses.replace(
            genotype, loss=dataclasses.replace(genotype.loss, loss=NT_XENT, similarity="dot")
        )
    encoder, train = genotype.encoder, genotype.train
    others = [
        dataclasses.replace(genotype, embed=dataclasses.replace(genotype.embed, mask=0.55)),
        dataclasses.replace(genotype, embed=dataclasses.replace(genotype.embed, head=55)),
        dataclasses.replace(genotype, pair=dataclasses.replace(genotype.pair, kernel=11)),
        dataclasses.replace(genotype, loss=dataclasses.replace(genotype.loss, similarity="other")),
        dataclasses.replace(genotype, loss=dataclasses.replace(genotype.loss, loss=Choice("other"))),
        dataclasses.replace(genotype, train=dataclasses.replace(train, weight_averaging=not train.weight_averaging)),
        dataclasses.replace(genotype, aug1=(*genotype.aug1, Choice("other", (("ratio", 0.55),)))),
        *(
            dataclasses.replace(genotype, encoder=dataclasses.replace(encoder, **{name: value}))
            for name, value in (
                ("blocks", 3),
                ("hidden", 1),
                ("dropout", 0.55),
                ("readout", "other"),
                ("embedding", 55),
            )
        ),
    ]
    assert len({genotype.key, *(other.key for other in others)}) == 1 + len(others)


def test_the_order_of_a_chain_counts() -> None:
    other = copy.deepcopy(HAND_WRITTEN)
    other["AugCell1"].reverse()
    assert Genotype.from_dict(other).key != GOLDEN


def test_keys_are_16_hex_digits() -> None:
    assert len(GOLDEN) == 16 and int(GOLDEN, 16) >= 0
