"""Merging is idempotent, commutative and associative, and versions mix only on demand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ahc.bank import Bank, BankError
from ahc.bank.merge import merge_banks
from ahc.bank.verify import find_problems
from ahc.record import TrialRecord
from search_space.genotype import Genotype

# a trial of a bank: which candidate, which seed, and which of several outcomes of the same trial
PICKS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 4)), max_size=8)
OUTCOMES = (
    {"score": 0.5},
    {"score": 0.75},
    {"score": 0.5, "created": "2024-12-31T00:00:00+00:00"},
    {"score": None, "status": "crashed", "created": "2024-01-01T00:00:00+00:00"},
    {"score": 0.5, "details": {"alpha": 0.1}},
)
Make = Callable[..., TrialRecord]


def _write(path: Path, picks: Sequence[tuple[int, int, int]], candidates: list[Genotype], make_record: Make) -> Path:
    with Bank(path, lasting=False) as bank:
        for number, (candidate, rng_seed, outcome) in enumerate(picks):
            bank.add(make_record(candidates[candidate], rng_seed=rng_seed, **OUTCOMES[outcome]))
            embedding = np.full(3, outcome, dtype=np.float32) if outcome else None
            bank.add_task("hash-t0", name="t0", family=f"f{number}", kind="classification", embedding=embedding)
    return path


def _content(path: Path) -> tuple[bytes, list[TrialRecord], list[object]]:
    with Bank(path, read_only=True) as bank:
        bank.export_csv(path.with_suffix(".csv"))
        return path.with_suffix(".csv").read_bytes(), bank.records(), list(bank.tasks())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=PICKS, second=PICKS, third=PICKS)
def test_the_order_and_the_number_of_merges_do_not_matter(
    first: list[tuple[int, int, int]],
    second: list[tuple[int, int, int]],
    third: list[tuple[int, int, int]],
    candidates: list[Genotype],
    make_record: Make,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        a, b, c = (
            _write(folder / part, picks, candidates, make_record)
            for part, picks in zip("abc", (first, second, third), strict=True)
        )

        def merged(part: str, *sources: Path) -> Path:
            merge_banks(sources, folder / part)
            return folder / part

        whole = _content(merged("abc_", a, b, c))
        assert _content(merged("cba", c, b, a)) == whole
        assert _content(merged("ab_c", merged("ab", a, b), c)) == whole
        assert _content(merged("again", folder / "abc_", b, b, folder / "abc_")) == whole
        keys = {record.record_key for path in (a, b, c) for record in _content(path)[1]}
        assert [record.record_key for record in whole[1]] == sorted(keys)


def test_a_completed_trial_stands_before_a_failed_one_and_then_the_older(
    tmp_path: Path, candidates: list[Genotype], make_record: Make
) -> None:
    paths = [
        _write(tmp_path / f"b{outcome}", [(0, 0, outcome)], candidates, make_record) for outcome in range(len(OUTCOMES))
    ]
    result = merge_banks(paths, tmp_path / "all")
    (kept,) = _content(tmp_path / "all")[1]
    assert (kept.status, kept.created) == ("completed", "2024-12-31T00:00:00+00:00")
    assert (result.n_trials, result.n_doubled, len(result.contradictions)) == (1, 4, 1)


def test_what_merged_is_sound_and_one_file(sound: Path, version_1: Path, tmp_path: Path) -> None:
    result = merge_banks([sound, version_1], tmp_path / "out" / "all.sqlite")
    assert (result.n_trials, result.n_doubled, result.n_tasks, result.contradictions) == (40, 40, 2, [])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["all.sqlite"]
    assert list(find_problems(tmp_path / "out" / "all.sqlite")) == []
    assert _content(tmp_path / "out" / "all.sqlite")[0] == _content(sound)[0]


def test_protocols_of_one_kind_mix_only_on_demand(sound: Path, tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(tmp_path / "newer") as bank:
        bank.add_all(replace(record, protocol="classification-2") for record in records)
    with pytest.raises(
        BankError, match=r"classification-1 \(.*sound.*\), classification-2 \(.*newer\).*--mix-protocols"
    ):
        merge_banks([sound, tmp_path / "newer"], tmp_path / "all")
    assert not (tmp_path / "all").exists()
    assert merge_banks([sound, tmp_path / "newer"], tmp_path / "all", mix_protocols=True).n_trials == 2 * len(records)
    # what was mixed on purpose stays marked: the next merge asks again
    with pytest.raises(BankError, match="--mix-protocols"):
        merge_banks([tmp_path / "all", sound], tmp_path / "next")


def test_protocols_of_different_kinds_belong_together(
    sound: Path, tmp_path: Path, records: Sequence[TrialRecord]
) -> None:
    with Bank(tmp_path / "other") as bank:
        bank.add_all(replace(r, protocol="anomaly-7", kind="anomaly", task_hash="other") for r in records)
    assert merge_banks([sound, tmp_path / "other"], tmp_path / "all").n_trials == 2 * len(records)


def test_embeddings_of_different_versions_mix_only_on_demand(sound: Path, tmp_path: Path) -> None:
    with Bank(tmp_path / "newer") as bank:
        for task in ("hash-t0", "hash-t9"):
            vector = np.ones(9, dtype=np.float32)
            bank.add_task(task, name="t", family="f", kind="anomaly", embedding=vector, embedding_version="10")
    with pytest.raises(BankError, match=r"task embeddings version 1 \(.*\), version 10 \("):
        merge_banks([sound, tmp_path / "newer"], tmp_path / "all")
    merge_banks([tmp_path / "newer", sound], tmp_path / "all", mix_protocols=True)
    with Bank(tmp_path / "all") as bank:
        assert {task.task_hash: task.embedding_version for task in bank.tasks()} == {
            "hash-t0": "10",
            "hash-t1": "1",
            "hash-t9": "10",
        }


def test_an_output_is_replaced_only_on_demand_and_never_under_a_log(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")
    with pytest.raises(BankError, match="exists and is left alone"):
        merge_banks([sound], tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"
    merge_banks([sound], tmp_path / "out", overwrite=True)
    with pytest.raises(BankError, match="is one of the banks to merge"):
        merge_banks([sound], sound, overwrite=True)
    with Bank(tmp_path / "used") as bank:
        bank.add_task("h", name="n", family="f", kind="anomaly")
        with pytest.raises(BankError, match="used-wal lies there, the log of a bank in use"):
            merge_banks([sound], tmp_path / "used", overwrite=True)


def test_a_damaged_source_leaves_nothing_behind(sound: Path, tmp_path: Path) -> None:
    content = bytearray(sound.read_bytes())
    content[4 * 4096 : 8 * 4096] = bytes(4 * 4096)
    (tmp_path / "hurt").write_bytes(content)
    with pytest.raises(BankError, match="tscnas bank recover"):
        merge_banks([sound, tmp_path / "hurt"], tmp_path / "out" / "all")
    assert not list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else True
