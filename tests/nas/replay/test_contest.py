"""The contest of strategies: what each may know, and what is written of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ahc.bank import Bank, BankError
from ahc.checkpoint import CHECKPOINT_SCHEMA
from ahc.comparator import TaskView
from ahc.landmarks import PROBES, probes
from ahc.ranking import rank_candidates
from ahc.training.comparators import train_comparator
from nas.options.seeding import AhcOptions
from nas.replay import account, contest, left_out
from nas.replay.account import summary
from nas.replay.contest import CONTESTANTS
from nas.replay.play import COSTS, MOST
from nas.seeding import comparator as seeding
from nas.seeding.comparator import train_ahc
from nas.strategies import STRATEGIES
from tests.nas.replay.recorded import recorded, trial

RECORDED = recorded()
RIVALS = {"random search", "task-blind best", "nearest task's best"}


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contest") / "replay"


@pytest.fixture(scope="module")
def played(folder: Path) -> pd.DataFrame:
    """The contest on quickly trained comparators, which must not have seen the family."""
    seen: list[set[str]] = []

    def quickly(records: Any, embeddings: Any, **how: Any) -> Any:
        seen.append({record.family for record in records})
        return train_comparator(records, embeddings, epochs=3, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(left_out, "train_comparator", quickly)
        table = contest.contest(RECORDED, folder=folder, rng_seed=0, repetitions=2, progress=quiet)
    assert seen == [{"family 1"}, {"family 0"}]
    return table


def test_all_play_all_tasks(played: pd.DataFrame) -> None:
    counts = played.groupby("strategy").size()
    assert set(counts.index) == {*CONTESTANTS, *RIVALS} and len(CONTESTANTS) == len(STRATEGIES) + 2
    assert (counts[[*CONTESTANTS, "random search"]] == 2 * 4).all()
    regrets = played[[f"{cost:.0%}" for cost in COSTS]].to_numpy()
    assert (regrets >= 0).all() and (regrets <= MOST).all() and (regrets[:, 1:] <= regrets[:, :-1]).all()


def test_landmarks_that_say_all_beat_blind_search_and_what_is_known_beats_both(played: pd.DataFrame) -> None:
    """Scores are the same on all tasks here, so the order on other tasks is the true one, half of it by a ridge."""
    area = summary(played, rng_seed=0).set_index("strategy")["area"]
    assert area["landmark"] < area["random search"] and area["random"] < area["random search"]
    assert area["evolution"] < area["random search"]


def test_the_same_contest_goes_on_and_another_begins_anew(
    played: pd.DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[str] = []

    def told(pool: Any, *args: Any, **how: Any) -> pd.DataFrame:
        tasks.append(pool.task)
        return played[played["task"] == pool.task]

    monkeypatch.setattr(contest, "_played", told)
    monkeypatch.setattr(left_out, "train_comparator", lambda *args, **how: pytest.fail("trained again"))
    next((folder / "tasks").glob("*2-*.csv")).unlink()
    again = contest.contest(RECORDED, folder=folder, rng_seed=0, repetitions=2, progress=quiet)
    assert tasks == ["task 2"]
    pd.testing.assert_frame_equal(again, played)
    contest.contest(RECORDED, folder=folder, rng_seed=0, repetitions=1, progress=quiet)
    assert len(tasks) == 5


def test_landmarks_are_told_where_the_bank_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untrained trials of the fixed probes on the first task; they are not of its pool, which was trained."""
    views: list[TaskView] = []

    def told(comparator: Any, genotypes: Any, task: TaskView, **how: Any) -> Any:
        views.append(task)
        return rank_candidates(comparator, genotypes, task, **how)

    scores = np.linspace(0.1, 0.9, len(PROBES)).tolist()
    tried = [
        trial(genotype, iterations=0, score=score, untrained_score=score, curve=((0, score, None),))
        for genotype, score in zip(probes("classification"), scores, strict=True)
    ]
    monkeypatch.setattr(left_out, "train_comparator", partial(train_comparator, epochs=1))
    monkeypatch.setattr(contest, "rank_candidates", told)
    monkeypatch.setattr(contest, "CONTESTANTS", {})
    more = replace(RECORDED, records=[*RECORDED.records, *tried])
    contest.contest(more, folder=tmp_path, rng_seed=0, repetitions=1, progress=quiet)
    first, second, *others = views
    assert first.landmarks is None and second.landmarks is not None
    assert (np.diff(second.landmarks) > 0).all()
    assert len(others) == 3 and all(view.landmarks is None for view in others)


def test_a_kept_comparator_is_of_this_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    how = {"folder": tmp_path, "rng_seed": 0, "progress": said.append}
    monkeypatch.setattr(left_out, "train_comparator", partial(train_comparator, epochs=1))
    for schema, n_trained in ((CHECKPOINT_SCHEMA, 1), (CHECKPOINT_SCHEMA, 1), (CHECKPOINT_SCHEMA - 1, 2)):
        monkeypatch.setattr(left_out, "CHECKPOINT_SCHEMA", schema)
        left_out.comparator_without("family 0", RECORDED.records, RECORDED.embeddings, **how)  # type: ignore[arg-type]
        assert len(said) == n_trained


def test_means_are_over_tasks_and_intervals_over_families() -> None:
    columns = [f"{cost:.0%}" for cost in COSTS]
    rows = [
        {
            "strategy": "a",
            "family": family,
            "task": task,
            "kind": "k",
            "repetition": at,
            **dict.fromkeys(columns, value),
        }
        for family, task, values in (("f", "t", (1.0, 3.0)), ("f", "u", (2.0, 2.0)), ("g", "v", (0.0, 1.0)))
        for at, value in enumerate(values)
    ]
    said = summary(pd.DataFrame(rows), rng_seed=0).iloc[0]
    assert said["area"] == pytest.approx(1.5) and said["tasks"] == 3
    assert (said["10% low"], said["10% high"]) == (0.5, 2.0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparators of one epoch, a contest of one strategy, once."""
    quickly = partial(train_comparator, epochs=1)
    monkeypatch.setattr(left_out, "train_comparator", quickly)
    monkeypatch.setattr(seeding, "train_comparator", quickly)
    monkeypatch.setattr(contest, "CONTESTANTS", {"landmark": STRATEGIES["landmark"]})
    monkeypatch.setattr(account, "REPETITIONS", 1)


def write_bank(path: Path, *, families: int = 2) -> None:
    with Bank(path) as bank:
        for record in RECORDED.records:
            if int(record.family[-1]) < families:
                bank.add(record)
        for task_hash, embedding in RECORDED.embeddings.items():
            bank.add_task(task_hash, name=task_hash, family="f", kind="classification", embedding=embedding)


@pytest.mark.usefixtures("quick")
def test_the_verb_writes_table_and_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="an extra draws the picture")
    write_bank(tmp_path / "bank.sqlite")
    asked = AhcOptions(
        str(tmp_path / "bank.sqlite"), output=str(tmp_path / "out"), evaluate=False, replay=True, quiet=True
    )
    text = train_ahc(asked).text
    assert "| landmark | 4 |" in text and "replay.png: regret against cost" in text
    assert (tmp_path / "out" / "replay.md").read_text() in text
    table = pd.read_csv(tmp_path / "out" / "replay.csv")
    assert set(table["strategy"]) == {"landmark", *RIVALS}
    assert (tmp_path / "out" / "replay.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (tmp_path / "out" / "replay.svg").read_text()


@pytest.mark.usefixtures("quick")
def test_a_bank_of_one_family_is_refused_in_a_sentence(tmp_path: Path) -> None:
    write_bank(tmp_path / "bank.sqlite", families=1)
    asked = AhcOptions(
        str(tmp_path / "bank.sqlite"), output=str(tmp_path / "out"), evaluate=False, replay=True, quiet=True
    )
    with pytest.raises(BankError, match=r"bank\.sqlite: replay: at least 2 families need a task with 8 or more"):
        train_ahc(asked)
