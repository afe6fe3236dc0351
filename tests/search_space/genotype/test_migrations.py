"""Migrations: the notes' form becomes the present one, or an error says why not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from search_space import NOTES_OPERATORS, Genotype, GenotypeError, from_notes, preset, upgrade

# as written in the design notes
STRATEGY: dict[str, Any] = {
    "AugCell1": {
        "enabled_ops": ["jittering", "resize", "frequency_masking"],
        "params": {"jittering": 0.1, "resize": 0.4, "frequency_masking": 0.3},
    },
    "AugCell2": {"enabled_ops": ["frequency_masking"], "params": {"frequency_masking": 0.1}},
    "EmbedCell": {"embedding_jittering": 0.1, "embedding_masking": 0.1, "normalization": "l2"},
    "PairCell": {"temporal": False, "pool_type": "max", "kernel": 3},
    "LossCell": {"loss": "NTXent", "sim": "cosine", "temperature": 0.2},
}
ENCODER = [[0, 2], [0, 0], [1, 0], [0, 1], [2, 1], [1, 2], [3, 3]]


def with_encoder(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(STRATEGY), "EncoderCell": ENCODER, **changes}


def test_the_notes_best_pair_as_written_there() -> None:
    genotype = Genotype.from_dict(with_encoder())
    assert genotype == preset("notes_best")
    assert [str(choice) for choice in genotype.aug1] == [
        "jitter(sigma=0.1)",
        "resize(ratio=0.4)",
        "frequency_mask(ratio=0.3)",
    ]
    assert genotype.pair.kinds == ("instance",) and str(genotype.loss.loss) == "nt_xent(temperature=0.2)"
    assert set(genotype.encoder.edges[1:3]) == {(0, "identity"), (1, "identity")}
    assert [(node, NOTES_OPERATORS.index(op)) for node, op in genotype.encoder.edges] == [(n, o) for n, o in ENCODER]


def test_the_other_spelling_of_the_notes() -> None:
    strategy = {
        "AugCell1": {"enabled_ops": ["crop", "rescaling"], "params": {"crop": 0.2, "rescaling": 0.3}},
        "AugCell2": {"enabled_ops": ["point_masking"], "params": {"point_masking": 0.1}},
        "EmbedCell": {"jitter": 0.1, "mask": 0.0, "norm": "batchnorm"},
        "PairCell": {"temporal": True, "neighbor": False, "multiscale": True, "pool_type": "avg", "kernel": 5},
        "LossCell": {"loss": "InfoNCE", "sim": "dot", "temperature": 0.5},
    }
    genotype = Genotype.from_dict(from_notes(strategy, [[0, 1]], operators=("gru", "conv1d")))
    assert genotype.encoder.edges == ((0, "conv1d"),)
    assert genotype.pair.kinds == ("cross_scale", "instance", "temporal") and genotype.pair.pool == "avg"
    assert genotype.embed.norm == "batchnorm" and genotype.loss.loss.name == "info_nce"


def test_hyperparameters_beside_the_notes_override_the_defaults() -> None:
    data = with_encoder(EncoderCell={"edges": ENCODER, "hidden": 16}, TrainCell={"batch_size": 4})
    genotype = Genotype.from_dict(data)
    assert (genotype.encoder.hidden, genotype.encoder.output) == (16, 128)
    assert (genotype.train.batch_size, genotype.train.learning_rate) == (4, 0.001)


def test_upgrade_leaves_the_present_form_alone() -> None:
    present = preset("ts2vec").to_dict()
    assert upgrade(present) == present
    assert upgrade(upgrade(with_encoder())) == upgrade(with_encoder())


CHAIN = {"enabled_ops": ["crop"], "params": {"crop": 0.1}}


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"EncoderCell": 3}, ["EncoderCell: must be a list of [node, code], got 3"]),
        ({"EncoderCell": [[0, 9]]}, ["EncoderCell.edges[0]: code must be in 0..3, got 9"]),
        ({"EncoderCell": [[0, True]]}, ["EncoderCell.edges[0]: code must be in 0..3, got True"]),
        ({"EncoderCell": [[0]]}, ["EncoderCell.edges[0]: must be [node, code], got [0]"]),
        ({"EncoderCell": [[0, 1], [2, 1], [1, 1]]}, ["EncoderCell.edges[1]: input node must be in 0..1"]),
        (
            {"AugCell2": {"enabled_ops": ["croping", "jittering"], "params": {"jitter": 1}}},
            [
                "AugCell2.enabled_ops: unknown augmentation of the notes, got 'croping'; did you mean 'cropping'?",
                "AugCell2.params: must hold the strength of 'jittering', got {'jitter': 1}",
            ],
        ),
        ({"AugCell2": {"enabled_ops": "crop", "params": {}}}, ["AugCell2.enabled_ops: must be a list of names"]),
        ({"AugCell2": {"enabled_ops": ["crop"], "params": 3}}, ["AugCell2.params: must be a mapping"]),
        ({"AugCell2": []}, ["AugCell2: must be a mapping"]),
        ({"AugCell2": {**CHAIN, "order": 1}}, ["AugCell2.order: unknown field, got 1"]),
        ({"EmbedCell": 1}, ["EmbedCell: must be a mapping"]),
        ({"PairCell": 1}, ["PairCell: must be a mapping"]),
        ({"LossCell": 1}, ["LossCell: must be a mapping"]),
        ({"LossCell": {"loss": "NTXent", "sim": "cosine"}}, ["LossCell.temperature: the field is required"]),
        (
            {"LossCell": {"loss": "NT", "sim": "l1", "temperature": 1}},
            ["LossCell.loss: unknown loss of the notes, got 'NT'", "LossCell.sim: unknown similarity of the notes"],
        ),
        ({"TrainCell": 3}, ["TrainCell: must be a mapping"]),
        ({"TrainCell": {"rate": 3}}, ["TrainCell.rate: unknown field"]),
        ({"More": 3}, ["More: unknown field"]),
    ],
)
def test_broken_notes(changes: dict[str, Any], messages: list[str]) -> None:
    with pytest.raises(GenotypeError) as caught:
        Genotype.from_dict(with_encoder(**changes))
    lines = str(caught.value).split("\n")
    assert len(lines) == len(messages)
    assert all(line.startswith(message) for line, message in zip(lines, messages, strict=True)), lines


def test_notes_without_an_encoder() -> None:
    with pytest.raises(GenotypeError, match="EncoderCell: the notes' form needs its encoder"):
        Genotype.from_dict(STRATEGY)


def test_notes_without_a_cell() -> None:
    with pytest.raises(GenotypeError, match=r"^EmbedCell: the field is required, got nothing$"):
        from_notes({name: cell for name, cell in STRATEGY.items() if name != "EmbedCell"}, ENCODER)
