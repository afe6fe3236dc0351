"""One bar for a whole search: what is left follows from what was measured, and only falls short of what is known."""

from __future__ import annotations

import sys

import pytest

from nas.runs import whole_progress
from nas.runs.whole_progress import WholeProgress

STAGES = {"landmarks": (10, 0), "train to 50 iterations": (4, 50), "verify": (2, 0)}


def test_what_is_left_is_what_the_pieces_took() -> None:
    progress = WholeProgress(STAGES, workers=2, quiet=True)
    with progress, progress.stage("landmarks", 10):
        for _ in range(5):
            progress.advance("x", seconds=2.0)
        # 5 probes of 2 s; 4 trainings of 50 steps, 10 of which are taken to be like a probe; 2 pieces like 3 probes
        assert progress.seconds_left == pytest.approx((5 * 2 + 4 * (2 + 50 * 0.2) + 2 * 6) / 2)
    with progress, progress.stage("train to 50 iterations", 4):
        progress.advance("x", seconds=20.0)
        assert progress.seconds_left == pytest.approx((3 * 20 + 2 * 6) / 2)  # landmarks are over, whatever is missing
    with progress, progress.stage("verify", 2):
        progress.advance("x", seconds=1.0)
        assert progress.seconds_left == pytest.approx(0.5)


def test_more_rounds_of_a_stage_and_stages_that_nobody_planned_count() -> None:
    progress = WholeProgress({"landmarks": (3, 0)}, workers=1, quiet=True)
    with progress.stage("landmarks", 3):
        for _ in range(3):
            progress.advance("x", seconds=1.0)
    with progress.stage("landmarks", 4):
        assert progress.seconds_left == pytest.approx(4.0)
    with progress.stage("another", 2):
        assert progress.seconds_left == pytest.approx(2 * 3.0)


def test_a_time_budget_says_the_most_that_is_left() -> None:
    progress = WholeProgress(STAGES, workers=1, quiet=True, most_left=lambda: 1.5)
    with progress.stage("landmarks", 10):
        assert progress.seconds_left == 1.5


def test_lines_tell_the_stage_the_best_and_the_time_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(whole_progress, "SECONDS_BETWEEN_LINES", 0.0)
    progress = WholeProgress(STAGES, workers=1, quiet=False)
    with progress, progress.stage("landmarks", 10):
        progress.note(0.5, metric="mse", higher_is_better=False)
        progress.note(0.7, metric="mse", higher_is_better=False)
        progress.note(None, metric="mse", higher_is_better=False)
        progress.advance("abc completed", seconds=1.0)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("search: about ") and "landmarks 1/10, best mse 0.5000; abc completed" in last


def test_a_terminal_has_one_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = WholeProgress(STAGES, workers=1, quiet=False)
    with progress:
        for name, (pieces, _) in STAGES.items():
            with progress.stage(name, pieces):
                for _ in range(pieces):
                    progress.advance("x", seconds=0.01)
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "search 100%" in error and "verify 2/2" in error


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with WholeProgress(STAGES, workers=1, quiet=True) as progress, progress.stage("landmarks", 1):
        progress.advance("x", seconds=1.0)
    assert capsys.readouterr().err == ""
