"""A whole search, told by its own files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ahc.bank import Bank
from downstream.cases import features
from nas.cli import program as cli
from nas.runs.lines import read_json_lines

ITALY = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"
WORDS = ["search", str(ITALY), "--task", "classification", "--candidates", "60", "--top-k", "2", "--iterations", "4"]


@pytest.fixture(autouse=True)
def without_minirocket() -> Iterator[None]:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)
        yield


def test_a_search_tells_everything_it_did_and_prints_nothing_more(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert cli.main([*WORDS, "--engine", "serial", "--output", str(run), "--quiet"]) == 0
    printed = capfd.readouterr()
    assert printed.err == "" and printed.out == (run / "answer.txt").read_text()
    told: dict[str, list[dict[str, Any]]] = {}
    events = list(read_json_lines(run / "metrics.jsonl"))
    for event in events:
        told.setdefault(event["event"], []).append(event)
    times = [event["time"] for event in events]
    assert times == sorted(times) and all(
        re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one) for one in times
    )
    stages = [event["stage"] for event in told["stage"]]
    assert stages == ["load comparator", "embed task", "rank candidates", "refine by evolution", "try candidates",
                      "choose", "verify on test", "report"]  # fmt: skip
    assert [event["trial"] for event in told["trial started"]] == [event["trial"] for event in told["trial"]]
    rounds = Counter[str]()
    for event in told["round"]:
        rounds[event["round"]] += event["trials"] - event["known"]  # encoders that were probed in an earlier round
    assert rounds == Counter(event["round"] for event in told["trial"])
    with Bank(run / "bank.sqlite", read_only=True) as bank:
        records = bank.records()
    expected = {
        (record.genotype_key, point[0]): (point[1], point[2])
        for record in sorted(records, key=lambda record: record.iterations)
        for point in record.curve
        if record.iterations
    }
    points = {
        (event["key"], event["iteration"]): (event["validation"], event["loss"])
        for event in told["point"]
        if not event["trial"].endswith("-0-0")
    }
    assert points == expected and len(told["trial"]) == len(records)
    (end,) = told["end"]
    assert (end["status"], events[-1]) == ("finished", end)
    assert cli.main(["status", str(run), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["status"] == "finished" and found["trials"] == {"completed": len(records)}
    best = max(record.score for record in records if record.score is not None)
    assert found["best"]["validation"] == best
