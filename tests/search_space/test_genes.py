"""A flat row says all of a genotype, in the columns that are promised, each of its type."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.drawing import mutate, sample_candidates
from search_space.genes import gene_columns, genes_of
from search_space.genotype.cells import with_usual
from search_space.presets import PRESETS, preset
from search_space.space import full_space

SPACE = full_space()


def as_written(row: dict[str, object]) -> str:
    return json.dumps(row, sort_keys=True)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_a_row_is_typed_and_no_other_genotype_has_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (genotype,) = sample_candidates(1, rng, SPACE)
    columns, row = gene_columns(), genes_of(genotype)
    for name, value in row.items():
        assert isinstance(value, (int, float) if columns[name] is float else columns[name]), name
    child = mutate(genotype, rng, SPACE)
    assert (row == genes_of(child)) == (genotype == child)


@pytest.mark.parametrize("name", PRESETS)
def test_only_parameters_of_other_options_are_left_out(name: str) -> None:
    row = genes_of(preset(name))
    loss = preset(name).loss
    assert {column for column in gene_columns() if column not in row} == {
        column
        for prefix, choice in (
            ("loss", loss.loss),
            ("loss.weighting", loss.weighting),
            ("loss.auxiliary", loss.auxiliary),
        )
        for column, kind in gene_columns().items()
        if kind is float and column.rpartition(".")[0] == prefix
        if choice is None or column.rpartition(".")[2] not in with_usual(prefix.rpartition(".")[2], choice)
    }


def test_a_preset_as_a_row() -> None:
    genotype, row = preset("ts2vec"), genes_of(preset("ts2vec"))
    encoder = genotype.encoder
    assert (row["encoder.readout"], row["encoder.hidden"]) == (encoder.readout, encoder.hidden)
    assert row["encoder.operators"] == "dilated_conv" and row["encoder.edges"] == "0:dilated_conv"
    assert row["pair.kinds"] == "instance+temporal" and row["train.batch_size"] == genotype.train.batch_size
    assert row["loss.name"] == genotype.loss.loss.name and row["loss.weighting"] == "none"
    assert row["augmentations"] == "+".join(sorted({step.name for step in (*genotype.aug1, *genotype.aug2)}))
