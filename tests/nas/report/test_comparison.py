"""Several runs on one page, and the mean ranks of methods."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from nas.report.figures.canvas import NothingToDrawError
from nas.report.figures.ranks import Ranks, mean_ranks
from nas.report.page.comparison import scores_by_dataset, write_comparison
from nas.report.reading import RunReading
from tests.nas.report.conftest import Page


def variant(run: RunReading, *, dataset: str, shift: float = 0.0, **question: object) -> RunReading:
    """Return the run as if it were on other data, the answer's score shifted."""
    facts = json.loads(json.dumps(run.facts))
    facts["rows"][0]["value"] += shift
    facts["task"]["name"] = f"data <{dataset}>"
    asked = {**run.question, "task_hash": dataset, **question}
    return dataclasses.replace(run, facts=facts, question=asked, folder=run.folder.with_name(f"run-{dataset}"))


def test_ranks_are_those_of_a_worked_example() -> None:
    scores = np.asarray([[0.9, 0.8, 0.8, 0.1], [0.7, 0.9, 0.5, 0.1], [0.9, 0.8, 0.7, 0.6]])
    found = mean_ranks(["a", "b", "c", "d"], scores)
    assert found.methods == ["a", "b", "c", "d"]
    np.testing.assert_allclose(found.means, [4 / 3, 5.5 / 3, 8.5 / 3, 4.0])
    # Demsar 2006, table 5: q(0.05) of four methods is 2.569
    assert found.critical == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 3)), rel=1e-3)
    assert 0 < found.p < 0.1 and found.n_datasets == 3


def test_a_clique_is_whoever_lies_within_the_critical_difference() -> None:
    found = Ranks(["a", "b", "c", "d"], np.asarray([1.0, 1.5, 2.2, 4.0]), 9, 0.01, 1.0)
    assert found.cliques == [(0, 1), (1, 2)]
    assert found._replace(critical=5.0).cliques == [(0, 3)] and found._replace(critical=0.1).cliques == []


def test_methods_that_are_all_alike_have_no_order() -> None:
    found = mean_ranks(["a", "b", "c"], np.ones((4, 3)))
    assert found.p == 1.0 and set(found.means.tolist()) == {2.0}
    with pytest.raises(NothingToDrawError, match="there are 1 and 3"):
        mean_ranks(["a", "b", "c"], np.ones((1, 3)))


def test_runs_of_one_dataset_count_once_and_ways_of_searching_apart(run: Path, tmp_path: Path) -> None:
    reading = RunReading.finished(run)
    first = variant(reading, dataset="one")
    repeated = variant(reading, dataset="one", shift=0.1, rng_seed=1)
    methods, scores = scores_by_dataset([first, repeated], ["", ""])
    assert len(scores) == 1
    assert scores[0, methods.index("chosen")] == pytest.approx(first.rows[0].scores.value + 0.05)
    runs = [
        variant(reading, dataset=dataset, shift=shift, strategy=strategy)
        for dataset in ("one", "two", "three")
        for strategy, shift in (("landmark", 0.1), ("random", -0.1))
    ]
    path = tmp_path / "several.html"
    write_comparison(runs, path)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.heads == ["The runs", "Scores side by side", "Mean ranks over datasets"]
    assert "chosen (strategy landmark)" in page.words and "chosen (strategy random)" in page.words
    assert "Friedman's test" in page.words and "data <one>" in page.words and "data <one>" not in text
    assert sum(tag == "svg" for tag, _ in page.tags) == 1
    write_comparison([first, repeated], path)
    assert "Nothing to draw: mean ranks need 2 datasets" in Page(path.read_text(encoding="utf-8")).words
