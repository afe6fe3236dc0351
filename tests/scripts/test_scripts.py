"""The scripts take the hops of the verbs one by one: what comes out is the same."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ahc.bank import Bank
from downstream.cases import features
from nas.options.search import SearchOptions
from nas.options.seeding import AhcOptions, SeedsOptions
from nas.search import search
from nas.seeding.comparator import train_ahc
from nas.seeding.seeds import generate_seeds
from tests.nas.small_sets import italy

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "data"
MANIFEST = """
tasks:
  - {name: italy, family: power, kind: classification, path: ItalyPowerDemand, max_cases: 40}
  - {name: taxi, family: taxi, kind: classification, path: NycTaxiDays, max_cases: 40}
"""


def script(name: str) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / f"{name}.py")))


def test_zero_shot_search_is_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "find_spec", lambda name: None)  # MiniRocket compiles for half a minute
    asked: dict[str, Any] = {"task": "classification", "candidates": 60, "landmarks": 8, "top_k": 1, "iterations": 4}
    asked |= {
        "engine": "serial",
        "workers": 1,
        "quiet": True,
        "report": False,
        "data": str(italy()),
    }
    by_verb = search(SearchOptions(**asked, output=str(tmp_path / "verb")))
    by_script = script("zero_shot_search").zero_shot_search(SearchOptions(**asked, output=str(tmp_path / "script")))
    assert by_script.genotype == by_verb.genotype and by_script.rows == by_verb.rows
    facts = [json.loads((tmp_path / name / "run.json").read_text())["chosen"] for name in ("verb", "script")]
    assert facts[0] == facts[1]
    again = script("zero_shot_search").zero_shot_search(SearchOptions(**asked, output=str(tmp_path / "script")))
    assert again.text.startswith("(finished before")


def test_seeds_and_the_comparator_too(tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text(MANIFEST)
    asked: dict[str, Any] = {
        "data": str(EXAMPLES),
        "probes": 12,
        "genotypes": 4,
        "promising": 1,
        "iterations": 2,
        "repeats": 0.1,
    }
    asked |= {"engine": "serial", "workers": 1, "quiet": True, "manifest": str(tmp_path / "tasks.yaml")}
    by_verb = generate_seeds(SeedsOptions(**asked, bank=str(tmp_path / "verb.sqlite")))
    by_script = script("generate_seeds").generate_seeds(SeedsOptions(**asked, bank=str(tmp_path / "script.sqlite")))
    assert by_script.statuses == by_verb.statuses and by_script.n_new == by_verb.n_new > 0
    curves = []
    for name in ("verb", "script"):
        with Bank(tmp_path / f"{name}.sqlite", read_only=True) as bank:
            curves.append({record.record_key: record.curve for record in bank.records()})
    assert curves[0] == curves[1]

    shutil.copy(tmp_path / "verb.sqlite", tmp_path / "bank.sqlite")  # seconds differ between the two
    verb = AhcOptions(str(tmp_path / "bank.sqlite"), output=str(tmp_path / "verb"), quiet=True)
    other = AhcOptions(str(tmp_path / "bank.sqlite"), output=str(tmp_path / "script"), quiet=True)
    one, two = train_ahc(verb), script("train_ahc").train_ahc(other)
    weights, others = load_file(one.checkpoint), load_file(two.checkpoint)
    assert weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)
    assert one.text.replace("verb", "script") == two.text
