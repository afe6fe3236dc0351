"""The verbs below `tscnas bank`: what they print, write and refuse, and with which exit status."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ahc.bank import SHIPPED, Bank
from ahc.record import TrialRecord
from nas.cli import program as cli
from nas.cli.commands import COMMANDS
from nas.options.seeding import AhcOptions
from nas.runs.lock import bank_lock
from search_space.drawing import sample_candidates

GENOTYPES = sample_candidates(6, np.random.default_rng(3))
Run = Callable[..., tuple[int, str, str]]


def _record(at: int, *, task: str = "Crop", **changes: object) -> TrialRecord:
    score = 0.5 + at / 20
    return replace(
        TrialRecord(
            genotype=GENOTYPES[at].to_dict(),
            genotype_key=GENOTYPES[at].key,
            task_name=task,
            task_hash=f"hash-{task}",
            family="plants",
            kind="classification",
            protocol="classification-1",
            metric="accuracy",
            higher_is_better=True,
            iterations=100,
            rng_seed=0,
            curve=((0, 0.5, None), (50, score, 1.25), (100, 0.4, 1.0)),
            score=score,
            best_iteration=50 if at else 0,
            untrained_score=0.5,
            details={"alpha": 0.1},
        ),
        **changes,  # type: ignore[arg-type]
    )


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Return a bank of two tasks in the folder of a run."""
    path = tmp_path / "run" / "bank.sqlite"
    with Bank(path) as made:
        made.add_task(
            "hash-Crop", name="Crop", family="plants", kind="classification", embedding=np.ones(3, np.float32)
        )
        made.add_all(_record(at) for at in range(4))
        made.add_all((_record(0, rng_seed=1), _record(0, task="Leaf"), _record(1, task="Leaf")))
        made.add(_record(4, status="diverged", score=None, curve=(), best_iteration=None, untrained_score=None))
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        status = cli.main(["bank", *(str(word) for word in words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return call


def test_ls_counts_trials_by_task_and_status(bank: Path, run: Run) -> None:
    status, out, _ = run("ls", bank)
    lines = out.splitlines()
    assert status == 0 and lines[0] == f"{bank}: 8 trials (7 completed, 1 diverged)"
    assert lines[1] == "2 tasks of 1 family, 1 with an embedding"
    assert lines[3].split()[-6:] == ["protocol", "hash", "iterations", "completed", "diverged", "seconds"]
    with Bank(bank, read_only=True) as opened:
        seconds = f"{sum(one.seconds for one in opened.records(task_name='Crop')):,.0f}"
    assert lines[4].split()[0] == "Crop" and lines[4].split()[-3:] == ["5", "1", seconds]
    assert lines[5].split()[-3:-1] == ["2", "0"]
    # the folder of a run stands for its bank
    assert run("ls", bank.parent)[1].splitlines()[3:] == lines[3:]


def test_ls_of_an_empty_bank(tmp_path: Path, run: Run) -> None:
    Bank(tmp_path / "b").close()
    assert run("ls", tmp_path / "b")[1].splitlines()[0].endswith("0 trials (none)")


def test_show_gives_a_candidate_with_all_curves(bank: Path, run: Run) -> None:
    status, out, _ = run("show", GENOTYPES[0].key[:9], bank)
    assert status == 0
    assert GENOTYPES[0].describe() in out
    assert "Crop, seed 1, 100 iterations: 0:0.5000 50:0.5000 100:0.4000" in out
    assert "Leaf, seed 0" in out


def test_show_says_why_a_trial_has_no_curve(bank: Path, run: Run) -> None:
    with Bank(bank) as opened:
        failed = _record(0, task="Oak", status="crashed", score=None, curve=(), best_iteration=None)
        opened.add(replace(failed, untrained_score=None, details={"message": "killed by SIGKILL", "attempts": 2}))
    assert "Oak, seed 0, 100 iterations: no curve (killed by SIGKILL)" in run("show", GENOTYPES[0].key, bank)[1]
    assert "attempts: 2" in run("show", GENOTYPES[0].key, bank, "--task", "Oak")[1]


def test_show_gives_one_trial_with_its_curve(bank: Path, run: Run) -> None:
    status, out, _ = run("show", GENOTYPES[3].key, bank)
    assert status == 0
    assert "task hash-Crop, family plants" in out and "alpha: 0.1" in out
    lines = out.splitlines()
    bars = [line.count("█") for line in lines[-3:]]
    assert bars[1] == 40 and bars[2] == 1 and 1 < bars[0] < 40
    narrowed = run("show", GENOTYPES[0].key, bank, "--task", "Crop", "--rng-seed", 1)[1]
    assert "accuracy (higher is better)" in narrowed and "Leaf" not in narrowed
    assert "no curve" in run("show", GENOTYPES[4].key, bank)[1]


def test_show_says_what_it_does_not_find(bank: Path, run: Run) -> None:
    assert run("show", "zz", bank)[0::2] == (
        2,
        f"tscnas: error: key: {bank} holds no candidate whose key begins with 'zz'\n",
    )
    status, _, err = run("show", "", bank)
    assert status == 2 and "5 candidates begin with ''" in err and GENOTYPES[0].key in err
    status, _, err = run("show", GENOTYPES[0].key, bank, "--task", "Corn")
    assert status == 2 and "fits; it was tried on Crop, Leaf" in err


def test_merge_writes_the_same_bank_whatever_the_order(bank: Path, tmp_path: Path, run: Run) -> None:
    with Bank(tmp_path / "other") as other:
        other.add_all((_record(0, score=0.9, curve=()), _record(5)))
    tables = []
    for number, order in enumerate(([bank.parent, tmp_path / "other"], [tmp_path / "other", bank, bank])):
        status, out, _ = run("merge", *order, "--output", tmp_path / f"{number}.sqlite")
        assert status == 0 and "9 trials of 1 task" in out
        assert "of 1 trial the banks hold different scores" in out and f"  candidate {GENOTYPES[0].key}, task" in out
        assert run("export", tmp_path / f"{number}.sqlite", "--csv", tmp_path / f"{number}.csv")[0] == 0
        tables.append((tmp_path / f"{number}.csv").read_bytes())
    assert tables[0] == tables[1] and tables[0].count(b"\n") == 10


def test_merge_asks_before_it_mixes_protocols(bank: Path, tmp_path: Path, run: Run) -> None:
    with Bank(tmp_path / "newer") as newer:
        newer.add(_record(5, protocol="classification-2"))
    words = ("merge", bank, tmp_path / "newer", "--output", tmp_path / "all")
    status, _, err = run(*words)
    assert status == 3 and err.count("\n") == 1 and "--mix-protocols" in err
    assert run(*words, "--mix-protocols")[0] == 0
    assert run(*words, "--mix-protocols")[2] == f"tscnas: error: {tmp_path / 'all'} exists; --overwrite replaces it\n"
    assert run(*words, "--mix-protocols", "--overwrite")[0] == 0


def test_merge_needs_banks_and_an_output(bank: Path, run: Run) -> None:
    assert run("merge")[2] == "tscnas: error: missing: BANKS, --output\n"
    assert run("merge", bank, "--output", bank.parent)[0] == 2


def test_export_writes_what_is_asked_for_and_replaces_nothing(bank: Path, tmp_path: Path, run: Run) -> None:
    assert run("export", bank)[::2] == (2, "tscnas: error: --csv FILE, --parquet FILE or both say where to write\n")
    (tmp_path / "t.csv").write_text("precious")
    assert run("export", bank, "--csv", tmp_path / "t.csv")[0] == 2
    assert (tmp_path / "t.csv").read_text() == "precious"
    assert run("export", bank, "--csv", bank.parent)[2].endswith("run is a folder; --csv names a file\n")
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    words = ("export", bank, "--genes", "--csv", tmp_path / "t.csv", "--overwrite", "--parquet", tmp_path / "t.parquet")
    assert run(*words)[1] == f"{tmp_path / 't.csv'}: 8 trials\n{tmp_path / 't.parquet'}: 8 trials\n"
    table = pd.read_parquet(tmp_path / "t.parquet")
    genotypes = {genotype.key: genotype for genotype in GENOTYPES}
    assert list(table["encoder.readout"]) == [genotypes[key].encoder.readout for key in table["genotype_key"]]
    assert list(pd.read_csv(tmp_path / "t.csv").columns) == list(table.columns)


def test_verify_prints_a_line_per_problem(bank: Path, run: Run) -> None:
    # Crop has an entry and Leaf none: a run's bank need not have one
    assert run("verify", bank)[1] == f"{bank}: 8 trials of 1 task, no problem\n"
    with closing(sqlite3.connect(bank)) as connection, connection:
        connection.execute("UPDATE trials SET score = 1.5 WHERE rowid = 2")
    status, out, _ = run("verify", bank)
    assert status == 3
    assert [line.partition(": ")[2] for line in out.splitlines()] == [
        "was changed after it was written",
        "score must be in 0..1 (accuracy), got 1.5",
        "score 1.5 is not the best of its curve, 0.55",
        "the curve has another score at best_iteration 50",
    ]


def test_every_verb_names_recover_for_a_damaged_bank(bank: Path, tmp_path: Path, run: Run) -> None:
    content = bank.read_bytes()
    hurt = tmp_path / "hurt.sqlite"
    hurt.write_bytes(content[: len(content) // 2])
    verbs = [("ls", hurt), ("show", "a", hurt), ("verify", hurt), ("export", hurt, "--csv", tmp_path / "t.csv")]
    verbs.append(("merge", bank, hurt, "--output", tmp_path / "m"))
    for words in verbs:
        status, out, err = run(*words)
        assert (status, out) == (3, "") and err.count("\n") == 1
        assert f"tscnas bank recover {hurt} --output NEW" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hurt.sqlite", "run"]
    assert cli.main(["ahc", str(hurt), "--output", str(tmp_path / "c")]) == 3


def test_recover_saves_what_is_there_and_says_what_is_not(bank: Path, tmp_path: Path, run: Run) -> None:
    content = bank.read_bytes()
    hurt, saved = tmp_path / "hurt.sqlite", tmp_path / "saved.sqlite"
    hurt.write_bytes(content[: len(content) - 4096])
    status, out, _ = run("recover", hurt, "--output", saved)
    assert status == 0
    with Bank(saved, read_only=True) as made, Bank(bank, read_only=True) as whole:
        kept = made.records()
        lost = [record for record in whole.records() if record not in kept]
    assert kept and lost and f"recovered {len(kept)} trial" in out
    assert f"lost: {len(lost)} trial" in out
    assert all(f"candidate {record.genotype_key}, task {record.task_hash}" in out for record in lost)
    assert run("verify", saved)[0] == 0
    # what exists is never replaced, and there is no flag for it
    before = saved.read_bytes()
    assert run("recover", hurt, "--output", saved)[0] == 2
    assert run("recover", hurt, "--output", saved, "--overwrite")[0] == 2
    assert saved.read_bytes() == before


def test_recover_of_a_sound_bank_loses_nothing(bank: Path, tmp_path: Path, run: Run) -> None:
    status, out, _ = run("recover", bank.parent, "--output", tmp_path / "saved")
    assert status == 0 and "recovered 8 trials and 1 task\n" in out
    assert "of 1 task; `tscnas seeds`" in out  # Leaf never had an entry


def test_text_from_a_bank_cannot_write_on_the_terminal(bank: Path, run: Run) -> None:
    with Bank(bank) as made:
        made.add(_record(5, task="\x1b[2J\nevil", family="\x9b1m", metric="\r", details={"a\x1b": "\x1b]0;x\x07"}))
    for words in (("ls", bank), ("show", GENOTYPES[5].key, bank), ("verify", bank)):
        out = run(*words)[1]
        assert all(line.isprintable() for line in out.splitlines()) and "\r" not in out


def test_a_missing_verb_is_named(run: Run) -> None:
    assert "after bank comes one of ls, show, merge, export, verify, recover" in run()[2]
    assert "did you mean verify?" in run("verfy", "b")[2]
    assert {name for name in (one.name for one in COMMANDS) if name.startswith("bank ")} == {
        f"bank {verb}" for verb in ("ls", "show", "merge", "export", "verify", "recover")
    }


@pytest.mark.parametrize(
    "order", ["A B --output C", "A --output C B", "--output C A B", "A --output=C --mix-protocols B"]
)
def test_flags_may_stand_between_banks(bank: Path, tmp_path: Path, run: Run, order: str) -> None:
    with Bank(tmp_path / "other.sqlite") as other:
        other.add(_record(5, task="Fish"))
    places = {"A": str(bank), "B": str(tmp_path / "other.sqlite"), "C": str(tmp_path / "all.sqlite")}
    places["--output=C"] = f"--output={places['C']}"
    status, out, err = run("merge", *(places.get(word, word) for word in order.split()))
    assert (status, err) == (0, "") and "other.sqlite: 1 trial" in out
    with Bank(places["C"], read_only=True) as merged, Bank(bank, read_only=True) as first:
        assert len(merged) == len(first) + 1


@pytest.mark.parametrize("verb", ["merge", "recover"])
def test_a_bank_in_use_is_not_written(bank: Path, tmp_path: Path, run: Run, verb: str) -> None:
    output = tmp_path / "taken.sqlite"
    with bank_lock(output):
        status, out, err = run(verb, str(bank), "--output", str(output))
        assert status == 2 and out == "" and f"the bank {output} is in use by process {os.getpid()}" in err
        assert not output.exists()
    assert run(verb, str(bank), "--output", str(output))[0] == 0
    assert not output.with_name("taken.sqlite.lock").exists()


def test_verbs_that_read_take_a_packed_bank(bank: Path, tmp_path: Path, run: Run) -> None:
    packed = tmp_path / "packed.sqlite.xz"
    assert run("merge", bank, "--output", packed)[1].endswith(
        f"{packed}: 8 trials of 1 task, 0 were there more than once\n"
    )
    assert run("merge", bank, "--output", packed)[2] == f"tscnas: error: {packed} exists; --overwrite replaces it\n"
    assert run("ls", packed)[1] == run("ls", bank)[1].replace(str(bank), str(packed))
    assert run("show", GENOTYPES[0].key, packed) == run("show", GENOTYPES[0].key, bank)
    assert run("verify", packed)[1] == f"{packed}: 8 trials of 1 task, no problem\n"
    for at, one in enumerate((bank, packed)):
        assert run("export", one, "--csv", tmp_path / f"{at}.csv")[0] == 0
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
    assert cli.main(["status", str(packed)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.csv", "1.csv", "packed.sqlite.xz", "run"]


def test_verbs_that_read_know_the_shipped_bank(run: Run, tmp_path: Path) -> None:
    with Bank(SHIPPED, read_only=True) as shipped:
        n_trials, first = len(shipped), next(shipped.records_by_key())
    assert run("ls")[1].startswith(f"{SHIPPED}: {n_trials:,} trials (")
    assert f"candidate {first.genotype_key}" in run("show", first.genotype_key)[1]
    assert run("verify")[1].startswith(f"{SHIPPED}: {n_trials:,} trials of ")
    assert run("export", "--csv", tmp_path / "t.csv")[1] == f"{tmp_path / 't.csv'}: {n_trials:,} trials\n"
    assert AhcOptions().bank == str(SHIPPED)
