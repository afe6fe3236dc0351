"""A table holds every trial, depends on the trials alone, and its text is data even for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahc.bank import Bank
from ahc.bank.export import plain_cell
from ahc.record import TrialRecord

WIDE = tuple(chr(0xFEE0 + ord(sign)) for sign in "=+-@")
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", f"{WIDE[0]}1+1", "'=1")
SIGNS = st.sampled_from(("=", "+", "-", "@", "'", "\t", "\r", *WIDE))


@given(st.one_of(st.text(), SIGNS.flatmap(lambda sign: st.text().map(sign.__add__))))
def test_a_cell_never_begins_like_a_formula_and_comes_back(text: str) -> None:
    cell = plain_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", *WIDE))
    assert (cell[1:] if cell.startswith("'") else cell) == text


@pytest.mark.parametrize("value", [-0.5, -3, None, 0])
def test_numbers_stay_numbers(value: float | None) -> None:
    assert plain_cell(value) is value


def test_formulas_are_data_in_csv_and_as_they_are_in_parquet(tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    odd = [
        replace(record, task_name=text, family=text, code_version=text, score=-0.25, status="completed")
        for record, text in zip(records, FORMULAS, strict=False)
    ]
    with Bank(tmp_path / "b") as bank:
        bank.add_all(odd)
        bank.export_csv(tmp_path / "t.csv")
        bank.export_parquet(tmp_path / "t.parquet")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_bytes().decode(), newline="")))
    expected = {record.genotype_key: record.task_name for record in odd}
    for row in rows:
        for name in ("task_name", "family", "code_version"):
            assert row[name] == f"'{expected[row['genotype_key']]}"
        assert row["score"] == "-0.25"
    table = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert {row["genotype_key"]: row["task_name"] for row in table} == expected


@pytest.mark.parametrize("genes", [False, True])
def test_both_tables_hold_what_the_frame_holds(sound: Path, tmp_path: Path, genes: bool) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    csv_file, parquet_file = tmp_path / "t.csv", tmp_path / "t.parquet"
    with Bank(sound, read_only=True) as bank:
        written = (bank.export_csv(csv_file, genes=genes), bank.export_parquet(parquet_file, genes=genes))
        assert written == (len(bank), len(bank))
        frame = bank.to_frame(genes=genes)
    pd.testing.assert_frame_equal(pd.read_parquet(parquet_file), frame, check_dtype=False)
    read = pd.read_csv(csv_file, dtype={"genotype_key": str})
    pd.testing.assert_frame_equal(read.fillna({"code_version": ""}), frame, check_dtype=False)


def test_the_order_of_storing_does_not_show(tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    tables = []
    for number, order in enumerate((records, records[::-1])):
        with Bank(tmp_path / str(number)) as bank:
            bank.add_all(order)
            bank.export_csv(tmp_path / f"{number}.csv")
        tables.append((tmp_path / f"{number}.csv").read_bytes())
    assert tables[0] == tables[1]


@pytest.mark.parametrize("export", ["export_csv", "export_parquet"])
def test_a_table_is_written_whole_or_not_at_all(sound: Path, tmp_path: Path, export: str) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    content = bytearray(sound.read_bytes())
    for at in range(4 * 4096, len(content), 4096):
        content[at : at + 64] = b"\xff" * 64
    sound.write_bytes(content)
    (tmp_path / "t").write_text("before")
    write: Callable[[Path], int] = getattr(Bank(sound, read_only=True), export)
    with pytest.raises(ValueError, match="tscnas bank recover"):
        write(tmp_path / "t")
    assert (tmp_path / "t").read_text() == "before"
    assert not list(tmp_path.glob("*.partial"))
