"""Splits as files: what a task writes is read again as the same task, by ids too, and what does not fit is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from downstream import evaluation
from downstream.cases.folds import drawn_folds
from downstream.cases.task import CaseTask
from downstream.classification.scoring import stratified_folds
from downstream.data import load_task
from downstream.data.parts import file_text
from downstream.errors import DataError
from downstream.task import Task


def series(n_rows: int = 300, *, rng_seed: int = 0) -> np.ndarray:
    return np.sin(np.arange(n_rows) / 5) + 0.1 * np.random.default_rng(rng_seed).normal(size=n_rows)


def panel() -> pd.DataFrame:
    rows = [pd.DataFrame({"id": name, "value": series(rng_seed=at)}) for at, name in enumerate("bac")]
    return pd.concat(rows, ignore_index=True)


def labelled_rows() -> pd.DataFrame:
    values, labels = series(400), np.zeros(400, dtype=int)
    values[350:355], labels[350:355] = 5.0, 1
    return pd.DataFrame({"value": values, "label": labels, "split": ["train"] * 200 + ["test"] * 200})


def cases(*, ids: bool = True, n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(n, 12)), columns=[f"t{step}" for step in range(12)])
    frame.insert(0, "label", ["up", "down"] * (n // 2))
    if ids:
        frame.insert(0, "id", [f"case_{number:03d}" for number in rng.permutation(n)])
    return frame


def targets() -> pd.DataFrame:
    return cases(ids=False).assign(label=np.random.default_rng(4).normal(size=40))


KINDS: dict[str, tuple[str, Callable[[], pd.DataFrame], dict[str, Any]]] = {
    "one series": ("forecasting", lambda: pd.DataFrame({"value": series()}), {"horizons": 4, "window": 16}),
    "panel": ("forecasting", panel, {"horizons": 4, "window": 16, "table": "long", "id_column": "id"}),
    "anomaly": ("anomaly", labelled_rows, {}),
    "classification": ("classification", cases, {}),
    "cases without ids": ("classification", lambda: cases(ids=False), {}),
    "regression": ("regression", targets, {}),
}


def load(name: str, *, frame: pd.DataFrame | None = None, **more: Any) -> Task:
    kind, make, how = KINDS[name]
    return load_task(make() if frame is None else frame, kind=kind, name=name, **how, **more)


def written(task: Task, folder: Path, *, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    content = json.loads(file_text(evaluation.splits(task)))
    if change is not None:
        change(content)
    (folder / "splits.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "splits.json"


@pytest.mark.parametrize("name", KINDS)
def test_what_is_written_is_read_as_the_same_task(name: str, tmp_path: Path) -> None:
    task = load(name)
    again = load(name, split_file=written(task, tmp_path))
    assert again.hash == task.hash and again.has_test == task.has_test
    assert evaluation.splits(again) == evaluation.splits(task)
    assert np.array_equal(again.training_windows().gather(), task.training_windows().gather())


def test_the_file_names_every_row_and_case_once() -> None:
    one = evaluation.splits(load("panel"))["series"]
    assert [entry["id"] for entry in one] == ["b", "a", "c"] and [entry["position"] for entry in one] == [0, 1, 2]
    assert one[0]["training"] == [0, 180] and one[0]["validation"] == [180, 240] and one[0]["test"] == [240, 300]
    task = load("classification")
    facts = evaluation.splits(task)
    together = facts["training"]["positions"] + facts["test"]["positions"]
    assert sorted(together) == list(range(40)) and len(set(facts["training"]["ids"])) == task.windows.n  # type: ignore[attr-defined]
    assert isinstance(task, CaseTask)
    drawn = drawn_folds(task.labels, stratified_folds, rng_seed=0)
    assert facts["validation"]["folds"] == [each.tolist() for each in drawn] and len(drawn) == 5


def test_other_parts_are_taken_as_they_are_told(tmp_path: Path) -> None:
    def later(content: dict[str, Any]) -> None:
        content["series"][0] |= {"training": [0, 200], "validation": [200, 250], "test": [250, 290]}

    task = load("one series", split_file=written(load("one series"), tmp_path, change=later))
    assert task.bounds == ((200, 250),)  # type: ignore[attr-defined]
    assert [len(tail) for tail in task.sealed.open("parts")] == [40]
    assert task.scaler.n_rows_seen == 200 and task.hash != load("one series").hash


def test_cases_are_known_again_by_their_ids(tmp_path: Path) -> None:
    frame = cases()
    file = written(load("classification", frame=frame), tmp_path)
    other = load("classification", frame=frame.sample(frac=1.0, random_state=1), split_file=file)
    assert other.hash == load("classification", frame=frame).hash


def test_folds_of_ones_own_are_used_and_are_part_of_the_hash(tmp_path: Path) -> None:
    def halves(content: dict[str, Any]) -> None:
        n = len(content["training"]["positions"])
        content["validation"]["folds"] = [[at % 2 for at in range(n)]]
        content["training"]["positions"].reverse()  # a fold belongs to its case, wherever that stands in the file

    usual = load("cases without ids")
    task = load("cases without ids", split_file=written(usual, tmp_path, change=halves))
    assert isinstance(task, CaseTask)
    assert task.folds[0].tolist() == [at % 2 for at in range(task.windows.n)][::-1]
    assert task.hash != usual.hash
    n_scored = evaluation.validate(task, lambda windows, **_: windows.gather().mean(axis=1)[:, None]).details["n_cases"]
    assert n_scored == task.windows.n  # one repeat, as the file has it
    assert evaluation.splits(task)["validation"]["folds"] == [task.folds[0].tolist()]


def test_drawn_folds_are_part_of_the_hash_where_another_seed_would_draw_others(tmp_path: Path) -> None:
    usual = load("classification")
    file = written(usual, tmp_path)
    assert load("classification", split_file=file, folds_seed=0).hash == usual.hash
    assert load("classification", split_file=file, folds_seed=1).hash != usual.hash


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(content: Any) -> None:
        *names, last = [int(name) if name.isdigit() else name for name in path.split(".")]
        for name in names:
            content = content[name]
        content[last] = value

    return apply


@pytest.mark.parametrize(
    ("name", "at", "value", "why"),
    [
        ("one series", "schema", 7, r"must hold splits .*schema 1"),
        ("one series", "kind", "anomaly", "about anomaly, and the data is read for forecasting"),
        ("one series", "series", [], r"about 0 series, and .* has 1"),
        ("one series", "series", 3, "must list the series"),
        ("one series", "series.0.rows", 299, r"has 299 rows there, 300 in"),
        ("one series", "series.0.validation", [200, 240], r"validation \[a, b\]"),
        ("one series", "series.0.test", [240, 301], r"c <= 300"),
        ("one series", "series.0.training", [0, "x"], r"training \[0, a\]"),
        ("panel", "series.1.id", "z", "knows no series 'a'"),
        ("anomaly", "series.0.test", [200, 390], "must reach to its end"),
        ("classification", "cases", 41, r"about 41 cases, and .* has 40"),
        ("classification", "training.ids.0", "nobody", "has no case 'nobody'"),
        ("regression", "training.positions.0", 40, r"numbers in 0\.\.39"),
        ("regression", "training.positions", [], "there must be training cases"),
        ("regression", "test.positions.0", 0, "no case may be in two places"),
        ("regression", "validation.folds.0.0", 9, "folds must be the numbers 0, 1"),
        ("regression", "validation.folds", 3, "folds must be the numbers 0, 1"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, at: str, value: Any, why: str, tmp_path: Path) -> None:
    task = load(name)
    if at == "test.positions.0":
        value = task.parts["training"]["positions"][0]
    file = written(task, tmp_path, change=change(at, value))
    with pytest.raises(DataError, match=why) as caught:
        load(name, split_file=file)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_and_splits_beside_it_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("no JSON")
    for path in ("text.json", "missing.json"):
        with pytest.raises(DataError, match="cannot be read as a file of splits"):
            load("one series", split_file=tmp_path / path)
    with pytest.raises(ValueError, match="nothing beside it: splits"):
        load("one series", split_file=tmp_path / "text.json", splits=(0.6, 0.2, 0.2))
