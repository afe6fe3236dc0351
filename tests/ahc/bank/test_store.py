"""The bank keeps every trial once, whole, and refuses what is no bank."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ahc.bank import Bank, BankError
from ahc.record import TrialRecord
from search_space.genotype import Genotype

MakeRecord = Callable[..., TrialRecord]


def test_a_record_comes_back_as_it_was(tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]) -> None:
    record = make_record(
        candidates[3],
        status="timeout",
        score=0.1 + 0.2,
        curve=((0, 0.5, None), (100, 0.1 + 0.2, 1 / 3)),
        best_iteration=100,
        untrained_score=0.5,
        seconds=12.25,
        n_parameters=4321,
        origin="shared",
        details={"probe": {"alpha": 0.1}, "note": "Zürich"},
        code_version="0.1.0",
        higher_is_better=False,
    )
    with Bank(tmp_path / "bank.sqlite") as bank:
        bank.add(record)
    with Bank(tmp_path / "bank.sqlite") as bank:
        assert bank.records() == [record]
        assert Genotype.from_dict(dict(bank.records()[0].genotype)) == candidates[3]


def test_a_key_is_stored_once(tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]) -> None:
    first = make_record(candidates[0], score=0.5)
    with Bank(tmp_path / "b") as bank:
        assert bank.add(first)
        assert not bank.add(make_record(candidates[0], score=0.9))
        assert bank.records() == [first]
        different = [{"rng_seed": 1}, {"iterations": 1200}, {"protocol": "p2"}, {"task": "t9"}]
        assert bank.add_all([make_record(candidates[0], **change) for change in different]) == 4
        assert len(bank) == 5


def test_has_asks_for_the_whole_key(tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]) -> None:
    key = {"task_hash": "hash-t0", "protocol": "p1", "iterations": 600, "rng_seed": 0}
    with Bank(tmp_path / "b") as bank:
        bank.add(make_record(candidates[0], status="crashed", score=None))
        assert bank.has(candidates[0].key, **key)  # type: ignore[arg-type]
        assert not bank.has(candidates[1].key, **key)  # type: ignore[arg-type]
        for change in ({"task_hash": "x"}, {"protocol": "x"}, {"iterations": 1}, {"rng_seed": 1}):
            assert not bank.has(candidates[0].key, **{**key, **change})  # type: ignore[arg-type]


def test_filters_select(tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]) -> None:
    with Bank(tmp_path / "b") as bank:
        bank.add_all(make_record(g, rng_seed=at % 3) for at, g in enumerate(candidates[:9]))
        bank.add(make_record(candidates[9], status="diverged", score=None, rng_seed=2))
        assert len(bank.records(rng_seed=2)) == 4
        assert [r.genotype_key for r in bank.records(rng_seed=2, status="diverged")] == [candidates[9].key]
        with pytest.raises(ValueError, match=r"filters must be among .* got \['genotype', 'sores'\]"):
            bank.records(sores=1, genotype="x")


def test_task_embeddings_are_exact(tmp_path: Path) -> None:
    vector = np.random.default_rng(0).normal(size=17).astype(np.float32)
    with Bank(tmp_path / "b") as bank:
        bank.add_task("h1", name="beta", family="f", kind="anomaly", spec={"window": 64}, embedding=vector)
        bank.add_task("h2", name="alpha", family="f", kind="anomaly")
        bank.add_task("h1", name="beta", family="f", kind="anomaly", spec={"window": 32}, embedding=vector)
        embeddings = bank.task_embeddings()
        assert list(embeddings) == ["h1"] and embeddings["h1"].dtype == np.float32
        np.testing.assert_array_equal(embeddings["h1"], vector)
        assert [(t.name, t.spec) for t in bank.tasks()] == [("alpha", "{}"), ("beta", '{"window": 32}')]


def test_csv_and_frame_hold_every_trial(tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]) -> None:
    with Bank(tmp_path / "b") as bank:
        bank.add_all(make_record(g, score=0.1 * at) for at, g in enumerate(candidates[:4]))
        assert bank.export_csv(tmp_path / "out.csv") == 4
        frame = bank.to_frame()
    with (tmp_path / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["genotype_key"] for row in rows] == sorted(g.key for g in candidates[:4])
    scores = dict(zip(frame["genotype_key"], frame["score"], strict=True))
    assert [float(row["score"]) for row in rows] == [scores[row["genotype_key"]] for row in rows]
    assert frame["higher_is_better"].tolist() == [True] * 4


def test_a_copy_is_one_file_that_opens_in_a_folder_nobody_can_write(
    tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]
) -> None:
    copy = tmp_path / "shipped" / "bank.sqlite"
    with Bank(tmp_path / "b") as bank:
        bank.add_all(make_record(g) for g in candidates[:5])
        bank.save_copy(copy)
        expected = bank.records()
    assert [path.name for path in copy.parent.iterdir()] == ["bank.sqlite"]
    copy.parent.chmod(0o555)
    try:
        with Bank(copy, read_only=True) as bank:
            assert bank.records() == expected
            with pytest.raises(BankError, match="readonly"):
                bank.add(make_record(candidates[9]))
        assert [path.name for path in copy.parent.iterdir()] == ["bank.sqlite"]
    finally:
        copy.parent.chmod(0o755)


def test_a_reader_sees_what_an_open_writer_committed(
    tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]
) -> None:
    with Bank(tmp_path / "b") as writer:
        writer.add(make_record(candidates[0]))
        with Bank(tmp_path / "b", read_only=True) as reader:
            writer.add(make_record(candidates[1]))
            assert len(reader) == 2


def test_half_characters_are_stored_as_escapes(
    tmp_path: Path, make_record: MakeRecord, candidates: list[Genotype]
) -> None:
    with Bank(tmp_path / "b") as bank:
        bank.add(make_record(candidates[0], task_name="Zürich\udcff", details={"note": "\udcff"}))
        bank.add_task("h", name="\udcff", family="f", kind="anomaly")
        (record,) = bank.records()
        assert (record.task_name, record.details) == ("Zürich\\udcff", {"note": "\udcff"})
        assert bank.tasks()[0].name == "\\udcff"


def test_refuses_what_is_no_bank(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("score,task\n" * 200)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE facts (x)")
    other.close()
    for name, sentence in (("text", "not a trial bank"), ("other", "a bank has the tables"), ("none", "no such bank")):
        with pytest.raises(BankError, match=sentence) as caught:
            Bank(tmp_path / name, read_only=name == "none")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("schema", "sentence"), [("3", "1 to 2, got 3.*newer"), ("old", "damaged.*got -1.*recover")])
def test_refuses_another_schema(tmp_path: Path, schema: str, sentence: str) -> None:
    with Bank(tmp_path / "b"):
        pass
    connection = sqlite3.connect(tmp_path / "b")
    with connection:
        connection.execute("UPDATE facts SET value = ? WHERE name = 'schema'", (schema,))
    connection.close()
    with pytest.raises(BankError, match=sentence):
        Bank(tmp_path / "b")
