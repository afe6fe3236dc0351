"""The first line of an answer: it follows validation, says what test says, and never says more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from downstream.scores import Scores
from downstream.task import TaskSpec
from nas.combining.entrants import Entrants
from nas.combining.members import Entrant
from nas.report.rows import Row
from nas.report.tables import score_table, short_figure
from nas.report.verdict import best_first, headline, verdict_of, warnings_of
from tests.nas.trial_records import record

FORECASTING = {"metric": "mse", "higher_is_better": False}


def entrants(
    *, score: float, noise: float = 0.0, before: float | None = None, steps: int = 0, **facts: Any
) -> Entrants:
    member = SimpleNamespace(iterations=steps, record=record(**facts))
    return Entrants({"chosen": Entrant((member,), (1.0,), score, noise, before)}, "combination", SimpleNamespace())  # type: ignore[arg-type]


def row(name: str, value: float, *, metric: str = "accuracy", baseline: bool = False, **facts: Any) -> Row:
    more = {key: facts.pop(key) for key in ("parameters", "multiply_adds") if key in facts}
    higher = metric != "mse"
    return Row(
        name, Scores(value, metric, higher, {metric: value, **facts.pop("metrics", {})}, **facts), baseline, **more
    )


def task(metric: str = "accuracy") -> Any:
    spec = SimpleNamespace(metric=metric, higher_is_better=metric != "mse", name="t", kind="k")
    assert TaskSpec  # the fields above are some of its own
    return SimpleNamespace(spec=spec)


def test_the_first_line_says_what_to_use_and_what_it_is_worth() -> None:
    found = entrants(score=0.95, before=0.93, steps=100)
    rows = [
        row("chosen", 0.94, interval=(0.91, 0.97)),
        row("untrained encoder", 0.92),
        row("TS2Vec preset", 0.9),
        row("raw_series", 0.89, baseline=True, validation=0.9),
        row("minirocket", 0.93, baseline=True, validation=0.94),
    ]
    line = headline(verdict_of(found, rows), found, rows, chosen="X")
    assert line == (
        "Use X: accuracy 0.940 (0.910 to 0.970) on test; minirocket 0.930, untrained encoder 0.920, TS2Vec preset "
        "0.900; training paid +0.020 on validation."
    )
    assert warnings_of(task(), verdict_of(found, rows), rows) == []


@pytest.mark.parametrize(("known", "noise", "plain"), [(0.96, 0.005, True), (0.96, 0.02, False), (0.94, 0.0, False)])
def test_validation_recommends_a_plain_method_that_is_better_by_more_than_noise(
    known: float, noise: float, plain: bool
) -> None:
    found = entrants(score=0.95, noise=noise)
    rows = [row("chosen", 0.97), row("raw_series", 0.8, baseline=True, validation=known)]
    verdict = verdict_of(found, rows)
    line = headline(verdict, found, rows, chosen="X")
    assert verdict.is_plain is plain and line.startswith("Use raw_series, a plain method" if plain else "Use X:")
    assert (verdict.level is not None) is (known > 0.95 and not plain)
    said = " ".join(warnings_of(task(), verdict, rows))
    assert ("--allow-baseline" in said) is plain
    # the test part never recommends: it prefers the encoders in all three cases
    assert verdict.facts()["method"] == ("raw_series" if plain else "chosen")


def test_errors_are_better_where_they_are_lower() -> None:
    found = entrants(score=0.5, before=0.6, steps=10, **FORECASTING)
    rows = [
        row("chosen", 0.4, metric="mse", validation=0.42, metrics={"mse/24": 0.3, "mse/48": 0.5}),
        row(
            "plain_combination",
            0.41,
            metric="mse",
            baseline=True,
            validation=0.41,
            metrics={"mse/24": 0.2, "mse/48": 0.6},
        ),
        row("repeat_last", 0.9, metric="mse", baseline=True, metrics={"mse/24": 0.8, "mse/48": 0.9}),
    ]
    verdict = verdict_of(found, rows)
    assert verdict.recommended.name == "plain_combination"
    assert [one.name for one in best_first(rows)] == ["chosen", "plain_combination", "repeat_last"]
    said = warnings_of(task("mse"), verdict, rows)
    assert said[-1] == "plain methods are ahead of it on test at horizon 24 (plain_combination 0.200 against 0.300)"
    ours = [rows[0], rows[2]]
    line = headline(verdict_of(found, ours), found, ours, chosen="X")
    assert line.endswith("repeat_last 0.900; training lowered the error on validation by 16.7 %.")


def test_who_is_ahead_on_test_is_said_and_whether_within_the_interval() -> None:
    found = entrants(score=0.9)
    rows = [row("chosen", 0.9, interval=(0.85, 0.95)), row("TS2Vec preset", 0.92), row("random search", 0.9)]
    (said,) = warnings_of(task(), verdict_of(found, rows), rows)
    assert said == "ahead of the chosen encoders on test, within their interval: TS2Vec preset 0.920"


def test_values_that_are_no_numbers_come_last() -> None:
    rows = [row("chosen", float("nan")), row("a", 0.1), row("b", 0.2)]
    assert [one.name for one in best_first(rows)] == ["b", "a", "chosen"]


def test_a_row_comes_back_from_json_whole_also_one_of_an_earlier_version() -> None:
    full = row("chosen", 0.9, interval=(0.8, 0.95), validation=0.91, parameters=12, multiply_adds=34)
    assert Row.from_json(full.to_json()) == full
    early = {key: value for key, value in full.to_json().items()
             if key not in ("interval", "validation", "parameters", "multiply_adds")}  # fmt: skip
    assert Row.from_json(early) == row("chosen", 0.9)


def test_the_table_shows_intervals_and_sizes_where_there_are_any() -> None:
    text = score_table([row("chosen", 0.9, interval=(0.8, 0.95), parameters=1200, multiply_adds=34), row("a", 0.8)])
    head, first, second = text.splitlines()
    assert "95 % interval" in head and "parameters" in head
    assert "0.800 to 0.950" in first and "1,200" in first and second.split()[-2:] == ["-", "-"]
    assert "interval" not in score_table([row("chosen", 0.9)])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9, "0.900"), (0.0123, "0.0123"), (0.0, "0.000"), (12345.6, "12,346"), (-150.2, "-150"), (2e9, "2e+09")],
)
def test_figures_are_short(value: float, text: str) -> None:
    assert short_figure(value) == text
