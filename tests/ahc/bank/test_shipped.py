"""A bank as frames, in one call: all trials with typed genes, and all points of their curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ahc.bank import KEY_COLUMNS, SHIPPED, Bank, BankError, frame, points
from ahc.record import TrialRecord
from search_space.genes import gene_columns
from search_space.genotype import Genotype

KEY = list(KEY_COLUMNS)


def test_the_frame_has_a_typed_row_per_trial(sound: Path, records: Sequence[TrialRecord]) -> None:
    found = frame(sound)
    ordered = sorted(records, key=lambda record: record.record_key)
    assert [tuple(row) for row in found[KEY].itertuples(index=False)] == [record.record_key for record in ordered]
    genotypes = [Genotype.from_dict(dict(record.genotype)) for record in ordered]
    assert found["encoder.hidden"].tolist() == [genotype.encoder.hidden for genotype in genotypes]
    temperatures = [genotype.loss.loss.params.get("temperature", np.nan) for genotype in genotypes]
    np.testing.assert_array_equal(found["loss.temperature"], temperatures)
    kinds = {bool: "b", int: "i", float: "f"}
    for name, kind in gene_columns().items():
        assert found[name].dtype.kind == kinds.get(kind, found[name].dtype.kind), name
    assert found["score"].isna().sum() == sum(record.score is None for record in records) > 0
    plain = frame(sound, genes=False)
    pd.testing.assert_frame_equal(plain, found[list(plain.columns)])


def test_points_are_the_curves(sound: Path, records: Sequence[TrialRecord]) -> None:
    found = points(sound)
    assert len(found) == sum(len(record.curve) for record in records)
    curves = {record.record_key: record.curve for record in records if record.curve}
    for key, part in found.groupby(KEY):
        expected = np.array(curves.pop(key), dtype=float)
        np.testing.assert_array_equal(part[["at", "score_at", "loss_at"]].to_numpy(), expected)
    assert not curves
    joined = found.merge(frame(sound, genes=False), on=KEY, validate="many_to_one")
    assert len(joined) == len(found) and not any(name.endswith(("_x", "_y")) for name in joined)


def test_the_shipped_bank_is_what_nobody_names() -> None:
    with Bank(SHIPPED, read_only=True) as bank:
        n_trials = len(bank)
    assert len(frame(genes=False)) == n_trials > 0 and len(points()) >= n_trials


def test_an_empty_bank_has_all_columns(tmp_path: Path, sound: Path) -> None:
    Bank(tmp_path / "b").close()
    for table in (frame, points):
        assert len(table(tmp_path / "b")) == 0 and list(table(tmp_path / "b")) == list(table(sound))


def test_a_genotype_that_cannot_be_read_is_one_sentence(tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(tmp_path / "b") as bank:
        bank.add(replace(records[0], genotype={"schema": 1, "LossCell": 3}))
    with pytest.raises(BankError, match=f"the genotype of trial {records[0].genotype_key} cannot be read") as caught:
        frame(tmp_path / "b")
    assert "\n" not in str(caught.value)
    assert len(frame(tmp_path / "b", genes=False)) == 1
