"""A record's derived values and what it refuses."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import pytest

from ahc.record import TrialRecord
from search_space.genotype import Genotype

MakeRecord = Callable[..., TrialRecord]


def test_oriented_score_and_gain_follow_the_direction(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    up = make_record(candidates[0], score=0.8, untrained_score=0.7)
    down = make_record(candidates[0], score=0.8, untrained_score=0.7, higher_is_better=False)
    assert up.oriented_score == 0.8
    assert up.trained_gain == pytest.approx(0.1)
    assert down.oriented_score == -0.8
    assert down.trained_gain == pytest.approx(-0.1)


def test_values_that_are_not_finite_are_not_measured(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    curve = ((0, 0.5, None), (10, float("nan"), float("inf")))
    record = make_record(candidates[0], status="diverged", score=float("nan"), curve=curve)
    assert record.score is None
    assert record.curve == ((0, 0.5, None), (10, None, None))
    assert math.isnan(record.oriented_score)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "done"}, "status must be one of .* got 'done'"),
        ({"origin": "luck"}, "origin must be one of .* got 'luck'"),
        ({"score": float("inf")}, "score must be finite when the status is 'completed'"),
    ],
)
def test_refuses(
    make_record: MakeRecord, candidates: list[Genotype], changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        make_record(candidates[0], **changes)


def test_a_record_needs_neither_torch_nor_pandas() -> None:
    code = "import sys, ahc.record; assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
