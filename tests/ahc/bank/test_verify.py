"""Every kind of unsoundness gives its line, and a sound bank none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ahc.bank import SHIPPED, Bank, BankError
from ahc.bank.verify import find_problems, problems_of
from ahc.record import TrialRecord


def _problems(path: Path) -> list[str]:
    before = path.read_bytes()
    lines = list(find_problems(path))
    assert path.read_bytes() == before
    assert all(line.isprintable() for line in lines)
    return lines


def test_a_sound_bank_has_no_problem(sound: Path) -> None:
    assert _problems(sound) == []


def test_the_shipped_bank_has_no_problem() -> None:
    assert _problems(SHIPPED) == []


def test_a_changed_cell_is_seen_even_where_it_is_possible(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("UPDATE trials SET seconds = seconds + 1 WHERE rowid = 5")
    (line,) = _problems(sound)
    assert line.endswith("classification-1 600 0: was changed after it was written")


CHANGES = {
    "its genotype has the key": {"genotype_key": "0" * 16},
    "its genotype cannot be read": {"genotype": {"schema": 1}},
    "kind must be one of": {"kind": "clustering"},
    "protocol 'anomaly-1' is not one of classification": {"protocol": "anomaly-1"},
    "family is empty": {"family": ""},
    "rng_seed must be >= 0, got -1": {"rng_seed": -1},
    "seconds must be finite and >= 0, got -3.0": {"seconds": -3.0},
    "created must be an ISO time": {"created": "yesterday"},
    "score must be in 0..1": {"score": 1.5, "curve": ()},
    "score must be >= 0 (mse)": {"score": -1.0, "curve": (), "metric": "mse", "higher_is_better": False},
    "the direction of accuracy": {"higher_is_better": False, "curve": ()},
    "iterations must rise": {"curve": ((5, 0.2, None), (5, 0.2, None)), "score": 0.2, "best_iteration": 5},
    "must lie in 0..600 iterations, got 0..700": {"curve": ((0, 0.25, None), (700, 0.9, None)), "score": 0.9,
                                                  "best_iteration": 700},
    "is not the best of its curve": {"score": 0.26},
    "another score at best_iteration 0": {"best_iteration": 0},
    "is not the curve's score at 0": {"untrained_score": 0.3},
}  # fmt: skip


@pytest.mark.parametrize(("sentence", "change"), CHANGES.items(), ids=CHANGES)
def test_impossible_records_are_named(
    sentence: str, change: dict[str, object], tmp_path: Path, records: Sequence[TrialRecord]
) -> None:
    assert list(problems_of(records[1])) == []
    wrong = replace(records[1], **change)  # type: ignore[arg-type]
    assert any(sentence in problem for problem in problems_of(wrong))
    with Bank(tmp_path / "b") as bank:
        bank.add(wrong)
        bank.add(records[3])
    assert any(sentence in line and line.startswith("trial ") for line in _problems(tmp_path / "b"))


@pytest.mark.parametrize(
    ("protocol", "score", "sentence"),
    [
        ("classification-1", 0.9, ""),
        ("classification-1.3", 0.5, "score 0.5 is not the best of its curve, 0.9"),
        ("classification-2", 0.5, ""),
        ("classification-2.3", 0.9, "score 0.9 is not the last of its curve, 0.5"),
        ("classification-2", None, ""),  # it diverged
    ],
)
def test_a_score_is_the_best_of_its_curve_and_since_protocol_2_the_last(
    protocol: str, score: float | None, sentence: str, records: Sequence[TrialRecord]
) -> None:
    curve = ((0, 0.25, None), (300, 0.9, 1.0), (600, 0.5, 0.9))
    facts = {"protocol": protocol, "curve": curve, "score": score, "untrained_score": 0.25, "best_iteration": 300}
    status = "diverged" if score is None else "completed"
    record = replace(records[1], status=status, **facts)  # type: ignore[arg-type]
    assert list(problems_of(record))[:1] == [sentence] * bool(sentence)
    (problem,) = problems_of(replace(record, score=0.9 if "-1" in protocol else 0.5, best_iteration=600))
    assert problem == "the curve has another score at best_iteration 600"


def test_a_share_that_was_rounded_up_is_no_fault(records: Sequence[TrialRecord]) -> None:
    above = 1.0 + 2.0**-52
    rounded = replace(records[1], curve=((0, above, None),), score=above, untrained_score=above, best_iteration=0)
    assert records[1].metric == "accuracy" and list(problems_of(rounded)) == []


def test_tasks_that_trials_call_differently_are_named(sound: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(sound) as bank:
        bank.add(replace(records[1], rng_seed=9, family="other"))
    (line,) = _problems(sound)
    assert "calls task hash-t1 ('other'," in line and "others call it ('family-t1'," in line


def test_doubled_keys_and_a_broken_index_are_named(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_trials_1'"
        ).fetchone()
        connection.execute("UPDATE trials SET digest = ''")
    # an empty index lets the same trial in once more
    content = bytearray(sound.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\x0a\0\0\0\0\x10\0\0" + bytes(4088)
    sound.write_bytes(content)
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("INSERT INTO trials SELECT * FROM trials NOT INDEXED WHERE rowid = 2")
    lines = _problems(sound)
    assert any("is there 2 times" in line for line in lines)
    assert any(line.startswith("file: ") and "tscnas bank recover" in line for line in lines)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"spec": "[]"}, "spec must be a JSON object"),
        ({"embedding": b"123"}, "the embedding must be a row of numbers"),
        ({"embedding": b"\0\0\xc0\x7f"}, "the embedding must be finite"),
        ({"embedding": b"\0\0\0\0"}, "embeddings of version 1 must be of one length, got 1 of length"),
    ],
)
def test_wrong_tasks_are_named(sound: Path, change: dict[str, object], sentence: str) -> None:
    ((name, value),) = change.items()
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"UPDATE tasks SET {name} = ? WHERE task_hash = 'hash-t0'", (value,))
    assert any(line.startswith("task") and sentence in line for line in _problems(sound))


def test_cells_that_cannot_be_read_are_named_one_by_one(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("UPDATE trials SET score = 9e999, digest = '' WHERE rowid = 2")
        connection.execute("UPDATE trials SET curve = ?, digest = '' WHERE rowid = 3", (json.dumps([[0.5, 1, 1]]),))
        connection.execute("UPDATE trials SET details = X'00', digest = '' WHERE rowid = 4")
    text = "\n".join(_problems(sound))
    for sentence in ("details must be text, got bytes", "curve must count iterations", "must be finite"):
        assert sentence in text


def test_damaged_pages_are_problems_and_not_an_error(sound: Path) -> None:
    content = bytearray(sound.read_bytes())
    for at in range(3 * 4096, len(content), 2 * 4096):
        content[at : at + 400] = b"\xff" * 400
    sound.write_bytes(content)
    lines = _problems(sound)
    assert lines and all("tscnas bank recover" in line for line in lines if line.startswith("file"))
    assert any(line.startswith("file: ") for line in lines)


def test_what_is_no_bank_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="there is no such bank"):
        list(find_problems(tmp_path / "none"))
