"""The page of a run: complete, loads nothing, small, and whatever is called what, nothing of it is code."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from nas.report import run_report
from nas.report.figures.drawn import draw_all
from nas.report.page.run_page import run_page
from nas.report.page.warnings import warnings_of
from nas.report.reading import Candidate, RunReading
from nas.report.run_report import PAGE_NAME, ReportWarning, RunReport
from search_space.drawing import sample_candidates
from tests.nas.report.conftest import Page
from tests.nas.trial_records import record

HOSTILE = "<script>alert(1)</script>\"'&$\\frac{"
SECTIONS = ["The answer", "Warnings", "Leaderboard", "Learning curves", "Score against cost",
            "How well the ranking held", "Which genes mattered", "A map of the chosen encoder",
            "Predictions beside the truth", "What was chosen, drawn", "Who worked when",
            "Versions, hardware, and how to do it again"]  # fmt: skip


def test_a_search_writes_a_page_with_every_part_in_order(run: Path) -> None:
    page = Page((run / PAGE_NAME).read_text(encoding="utf-8"))
    assert page.heads == SECTIONS
    answer = (run / "answer.txt").read_text(encoding="utf-8")
    assert all(line.strip() in page.words for line in answer.splitlines())
    pictures = [given for tag, given in page.tags if tag == "svg"]
    reading = RunReading.finished(run)
    assert len(pictures) == 7 + len(reading.members)
    assert all(given.get("role") == "img" and given.get("aria-label") for given in pictures)
    assert "Nothing to draw" not in page.words and "could not be drawn" not in page.words
    assert f"tscnas search {reading.options['data']} " in page.words and "--landmarks 12" in page.words
    assert f"{reading.rows[0].scores.value:.4f}" in page.words and "validation accuracy" in page.words
    assert "report" in reading.facts["seconds"]


def test_it_loads_nothing_and_no_picture_knows_another(run: Path) -> None:
    text = (run / PAGE_NAME).read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    for tag, given in page.tags:
        for name in ("src", "href", "action", "data", "srcset"):
            assert (given.get(name) or "#").startswith("#"), (tag, name)
        assert not any(name.startswith("on") for name in given)
    assert not re.search(r"url\((?!#)|@import|https?://", text)


def test_no_name_from_data_is_code(run: Path) -> None:
    reading = RunReading.finished(run)
    facts = json.loads(json.dumps(reading.facts))
    facts["task"]["name"] = facts["task"]["protocol"] = HOSTILE
    facts["cut"] = [HOSTILE]
    for row in facts["rows"][1:]:
        row["method"] = f"{row['method']}{HOSTILE}"
        row["settings"]["part"] = HOSTILE
    evidence = json.loads(json.dumps(reading.evidence))
    evidence["map"]["texts"] = [f"{text}{HOSTILE}" for text in evidence["map"]["texts"]]
    evidence["map"]["word"] = evidence["notes"] = HOSTILE
    evidence["notes"] = [HOSTILE]
    evidence["examples"]["classes"] = [HOSTILE for _ in evidence["examples"]["classes"]]
    hostile = dataclasses.replace(
        reading,
        facts=facts,
        evidence=evidence,
        options={**reading.options, "data": HOSTILE},
        candidates=tuple(dataclasses.replace(one, origin=f"preset {HOSTILE}") for one in reading.candidates),
        events=({"event": "trial", "status": HOSTILE, "message": HOSTILE}, *reading.events),
        notes=(HOSTILE,),
    )
    drawn = draw_all(hostile)
    assert not any(one.failed for one in drawn.values())
    text = run_page(hostile, drawn, text=f"{HOSTILE}\n{HOSTILE}\n", command=f"tscnas search {HOSTILE}")
    page = Page(text)
    assert "<script" not in text and not any(tag == "script" for tag, _ in page.tags)
    assert page.words.count("<script>alert(1)</script>") > 20  # it is shown as the text that it is
    assert not any(name.startswith("on") for _, given in page.tags for name in given)


def test_a_long_run_stays_small(run: Path) -> None:
    reading = RunReading.finished(run)
    rng = np.random.default_rng(0)
    records = {}
    for genotype in sample_candidates(200, rng):
        scores = rng.uniform(0.5, 0.9, size=9).round(4).tolist()
        points = tuple((25 * number, score, 1.0) for number, score in enumerate(scores))
        facts = {"genotype": genotype.to_dict(), "genotype_key": genotype.key, "curve": points, "score": scores[-1]}
        records[genotype.key] = record(**facts, seconds=float(rng.uniform(0.1, 90)), untrained_score=scores[0])
    candidates = tuple(
        Candidate(key, "drawn blindly", 0.0, float(rng.normal()), (float(rng.normal()), 0.3), one)
        for key, one in records.items()
    )
    evidence = dict(reading.evidence)
    places = {name: rng.normal(size=(500, 2)).tolist() for name in ("pca", "tsne")}
    evidence["map"] = {"word": "class", "texts": [str(n % 9) for n in range(500)], "explained": [0.4, 0.2], **places}
    events = [{"event": "run", "time": "2026-01-01T00:00:00Z"}]
    for number, one in enumerate(records.values()):
        what = {"trial": f"{number}", "key": one.genotype_key, "iterations": 200, "worker": 1 + number % 8}
        events.append({"event": "trial started", "time": f"2026-01-01T00:{number // 4:02}:00Z", **what})
        done = {"status": "completed", "validation": one.score}
        events.append({"event": "trial", "time": f"2026-01-01T00:{number // 4:02}:50Z", **what, **done})
    long = dataclasses.replace(reading, candidates=candidates, records=records, evidence=evidence, events=tuple(events))
    drawn = draw_all(long)
    assert not any(one.failed or one.svg is None for one in drawn.values())
    text = run_page(long, drawn, text="Chosen\n", command="")
    assert len(text.encode()) < 1_000_000
    assert "Places 21 to 200" in Page(text).words and "It was asked from Python" in text


def test_warnings_say_what_a_reader_has_to_know(run: Path) -> None:
    reading = RunReading.finished(run)
    facts = json.loads(json.dumps(reading.facts))
    facts["cut"] = ["landmarks: 3 of 12 trials not begun"]
    facts["rows"][1]["value"] = 1.0
    facts["rows"][0]["value"] = 0.5
    facts["chosen"] |= {"validation_score": 0.7, "untrained_score": 0.8}
    facts["chosen"]["members"][0]["iterations"] = 4
    events = ({"event": "trial", "status": "diverged", "message": "loss is not finite"}, *reading.events)
    told = "\n".join(warnings_of(dataclasses.replace(reading, facts=facts, events=events, evidence={}), {}))
    for part in ("3 of 12 trials not begun", "Ahead of the answer on test: ", "did not pay", "diverged: loss is not",
                 "no report.json"):  # fmt: skip
        assert part in told, part
    assert "did not pay" not in "\n".join(warnings_of(reading, {}))


def test_a_fault_of_the_report_is_a_warning(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    (folder / PAGE_NAME).unlink()

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(run_report, "run_page", break_down)
    report = RunReport(folder)
    report._drawn = draw_all(RunReading.of(folder))
    with pytest.warns(ReportWarning, match=r"not written \(RuntimeError: on purpose\); the answer is complete"):
        report.write(command="")
    monkeypatch.setattr(run_report, "evidence_of", break_down)
    report = RunReport(folder)
    with pytest.warns(ReportWarning, match="on purpose"):
        report.gather(None, None, encoder=folder, predictor=folder, device="cpu")  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report.write(command="")  # it was said once
    assert not (folder / PAGE_NAME).exists()


def test_one_figure_that_breaks_leaves_the_others(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nas.report.figures import FIGURES

    def break_down(_: RunReading) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setitem(FIGURES, "map", break_down)  # type: ignore[arg-type, misc]
    reading = RunReading.finished(run)
    drawn = draw_all(reading)
    assert [name for name, one in drawn.items() if one.failed] == ["map"]
    assert any("on purpose" in line for line in warnings_of(reading, drawn))
    assert "on purpose" in Page(run_page(reading, drawn, text="Chosen\n", command="")).words


def test_nothing_of_pyplot_is_touched(run: Path) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw_all(RunReading.finished(run))
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")  # other libraries import it
    assert pyplot is None or not pyplot.get_fignums()
