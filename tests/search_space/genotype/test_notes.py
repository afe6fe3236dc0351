"""The notes' form becomes the present one, and a warning says how, or an error says why not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from search_space import NOTES_OPERATORS, Genotype, GenotypeError, NotesWarning, from_notes, preset, upgrade

pytestmark = pytest.mark.filterwarnings("ignore::search_space.genotype.notes.NotesWarning")

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


def test_notes_without_a_cell() -> None:
    with pytest.raises(GenotypeError, match=r"^EmbedCell: the field is required, got nothing$"):
        from_notes({name: cell for name, cell in STRATEGY.items() if name != "EmbedCell"}, ENCODER)


# as the notes' `sample_arch` returns them: chains up to six, a temperature of 0, no encoder
DRAWN: dict[str, Any] = {
    "AugCell1": {
        "enabled_ops": ["rescaling", "crop", "jitter", "frequency_masking", "resize", "point_masking"],
        "params": {
            "rescaling": 0.95,
            "crop": 0.0,
            "jitter": 0.1,
            "frequency_masking": 0.8,
            "resize": 0.4,
            "point_masking": 0.9,
        },
    },
    "AugCell2": {"enabled_ops": ["jitter"], "params": {"jitter": 0.3}},
    "EmbedCell": {"jitter": 0.5, "mask": 0.95, "norm": "layernorm"},
    "PairCell": {"temporal": True, "neighbor": False, "multiscale": True, "pool_type": "avg", "kernel": 7},
    "LossCell": {"loss": "InfoNCE", "sim": "dot", "temperature": 0.0},
}


def test_what_the_notes_draw_is_read_as_it_stands_and_said() -> None:
    with pytest.warns(NotesWarning) as caught:
        genotype = Genotype.from_dict(DRAWN)
    assert [step.name for step in genotype.aug1] == ["rescale", "jitter", "frequency_mask", "resize", "point_mask"]
    assert str(genotype.loss.loss) == "info_nce(temperature=0.05)" and genotype.pair.kinds == (
        "cross_scale",
        "instance",
        "temporal",
    )
    assert genotype.encoder == preset("notes_best").encoder and genotype.train == preset("notes_best").train
    (said,) = [str(warning.message) for warning in caught]
    assert said.split("; ") == [
        "genotype in the notes' form",
        "AugCell1: rescaling as rescale, frequency_masking as frequency_mask, point_masking as point_mask",
        "AugCell1: crop of strength 0 left out",
        "PairCell as instance on, temporal on, cross_scale on (instance pairs always are)",
        "LossCell.temperature 0.0 as 0.05, the smallest",
        "TrainCell as learning_rate 0.001, batch_size 32, weight_averaging True",
        "EncoderCell as that of the notes' best pair (none was given)",
        "the encoder's operators as 0 identity, 1 gated_dilated_conv, 2 temporal_attention, 3 variate_attention",
        "its other fields as blocks 1, hidden 64, output 128, dropout 0.1, normalization none, channels independent, "
        "readout max",
    ]


def test_a_code_of_four_is_of_the_list_with_graph_convolution() -> None:
    with pytest.warns(NotesWarning, match="2 graph_convolution, 3 temporal_attention, 4 variate_attention"):
        genotype = Genotype.from_dict(with_encoder(EncoderCell=[[0, 4], [0, 2], [1, 0]]))
    assert genotype.encoder.edges == ((0, "variate_attention"), (0, "graph_convolution"), (1, "identity"))


def test_the_list_of_operators_may_stand_beside_the_edges_in_the_words_of_autocts() -> None:
    operators = ["skip_connect", "dcc_2", "trans", "s_trans", "diff_gcn", "gru"]
    data = with_encoder(EncoderCell={"edges": [[0, 4], [0, 5], [1, 1]], "operators": operators})
    with pytest.warns(NotesWarning, match="4 graph_convolution, 5 gru"):
        genotype = Genotype.from_dict(data)
    assert genotype.encoder.edges == ((0, "graph_convolution"), (0, "gru"), (1, "gated_dilated_conv"))
    data["EncoderCell"] = {"edges": [[0, 1]], "operators": 3}
    with pytest.raises(GenotypeError, match=r"EncoderCell\.operators: unknown field"):
        Genotype.from_dict(data)


def test_a_preset_in_the_notes_form_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    preset("notes_best")
    assert not recwarn.list
