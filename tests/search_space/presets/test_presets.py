"""Presets: named points with their sources, readable by every kind of task."""

from __future__ import annotations

import pytest

from search_space import PRESETS, UnknownOptionError, default_space, from_notes, preset
from search_space.genotype.notes import NOTES_ENCODER
from search_space.presets import BY_NAME, ENCODERS, NAMED
from search_space.presets.strategies import _NOTES_STRATEGY
from search_space.registry import get


@pytest.mark.parametrize("name", sorted(NAMED))
def test_each_is_valid_and_says_what_differs(name: str) -> None:
    assert len(NAMED[name].source) > 20 and len(NAMED[name].differs) > 40
    assert preset(name).to_dict()["EncoderCell"] == NAMED[name].genotype["EncoderCell"]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_the_readout_follows_the_kind_of_task(name: str) -> None:
    own = NAMED[name].genotype["EncoderCell"]["readout"]
    readouts = {kind: preset(name, kind).encoder.readout for kind in ("forecasting", "anomaly", "classification")}
    last = own if own.startswith("patches") else "last"  # patches give the end of a window a place of its own
    assert readouts == {"forecasting": last, "anomaly": last, "classification": own}
    assert preset(name).encoder.readout == own


def test_presets_are_different_genotypes() -> None:
    assert len({preset(name).key for name in NAMED}) == len(NAMED)


def test_ts2vec_doubles_its_dilation_ten_times() -> None:
    genotype = preset("ts2vec")
    assert genotype.encoder.blocks * genotype.encoder.n_inner == 10
    assert genotype.pair.kinds == ("instance", "temporal") and genotype.aug1 == genotype.aug2


def test_notes_best_is_the_import_of_the_notes() -> None:
    assert dict(PRESETS["notes_best"].genotype) == from_notes(_NOTES_STRATEGY, NOTES_ENCODER)


def test_unknown_names() -> None:
    with pytest.raises(UnknownOptionError, match=r"preset: unknown name, got 'ts2vek'; did you mean 'ts2vec'\?"):
        preset("ts2vek")


def test_a_kind_of_task_that_is_new_keeps_the_readout() -> None:
    assert preset("ts2vec", "regression") == preset("ts2vec")


@pytest.mark.parametrize(
    ("name", "operator"),
    [
        ("dlinear", "decomposition_linear"),
        ("itransformer", "variate_attention"),
        ("patchtst", "patch_attention"),
        ("timesnet", "times_block"),
        ("timexer", "cross_variate_attention"),
        ("tsmixer", "mixer"),
        ("witran", "witran"),
        ("witran_conv", "witran_conv"),
        ("witran_frequency", "witran_frequency"),
        ("witran_signed", "witran"),
    ],
)
def test_an_encoder_preset_is_built_around_its_paper(name: str, operator: str) -> None:
    operators = {op for _, op in preset(name).encoder.edges}
    assert operators - {"identity", "decomposition_linear"} == {operator} - {"decomposition_linear"}
    paper = get("operator", operator).source.split(",")[0]
    assert NAMED[name].source.startswith(paper) or operator == "decomposition_linear"


@pytest.mark.parametrize(
    ("name", "operators"),
    [
        ("can", {"decomposition_linear", "co_action", "temporal_attention"}),
        ("fieldy", {"both_axes_attention", "variate_attention", "temporal_attention"}),
        ("ft_transformer", {"variate_attention"}),
        ("mmoe", {"witran", "mmoe"}),
    ],
)
def test_a_preset_by_name_holds_the_parts_of_its_paper(name: str, operators: set[str]) -> None:
    encoder = preset(name).encoder
    assert {op for _, op in encoder.edges} - {"identity"} == operators
    assert encoder.channels == "independent"  # or there would be no variates that could meet


def test_presets_by_name_are_tried_by_nobody_else() -> None:
    assert not set(BY_NAME) & set(PRESETS) and set(NAMED) == {*BY_NAME, *PRESETS}
    assert not any(default_space().holds(preset(name)) for name in BY_NAME)
    with pytest.raises(UnknownOptionError, match=r"got 'ft_transforme'; did you mean 'ft_transformer'\?"):
        preset("ft_transforme")


def test_encoders_are_taught_as_their_papers_pretrain_or_as_ts2vec() -> None:
    ts2vec, patchtst = preset("ts2vec"), preset("patchtst")
    assert patchtst.loss.auxiliary is not None and patchtst.loss.auxiliary.name == "masked_reconstruction"
    pretext = preset("patchtst_pretext")
    assert not pretext.loss.contrasts and pretext.loss.auxiliary == patchtst.loss.auxiliary
    assert pretext.encoder == patchtst.encoder and pretext.train == patchtst.train
    for name in {*ENCODERS, *BY_NAME} - {"patchtst", "patchtst_pretext"}:
        genotype = preset(name)
        assert (genotype.aug1, genotype.pair, genotype.loss, genotype.train) == (
            ts2vec.aug1,
            ts2vec.pair,
            ts2vec.loss,
            ts2vec.train,
        )


def test_vicreg_compares_nothing_and_has_the_published_weights() -> None:
    loss = preset("vicreg").loss
    assert loss.similarity == "none"
    assert loss.loss.params == {"invariance": 25.0, "variance": 25.0, "covariance": 1.0}
