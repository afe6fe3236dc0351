"""What the files of a run tell: read once, for its figures and its page."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ahc.bank import Bank, BankError
from ahc.record import TrialRecord
from nas.errors import NoRunError
from nas.report.evidence.file import read_evidence
from nas.report.rows import Row
from nas.runs.events import METRICS_NAME
from nas.runs.lines import read_json_lines
from search_space.genotype import Genotype

_FACTS = {"task": dict, "chosen": dict, "versions": dict, "machine": dict, "seconds": dict, "n_ranked": int}


@dataclass(frozen=True)
class Candidate:
    """One line of a run's ranking, with the trial of the most iterations that the bank has of it.

    Args:
        key: Of the genotype.
        origin: Where it came from.
        weight: In the answer; 0 for those that are not in it.
        prior: What was foreseen of its untrained encoder before anything was tried; None where nobody asked.
        posterior: What is believed of it after the trials, and how surely; None where it was not tried.
        record: The trial; None where it was not tried, or shares the landmark of another.
    """

    key: str
    origin: str
    weight: float
    prior: float | None
    posterior: tuple[float, float] | None
    record: TrialRecord | None

    @property
    def score(self) -> float | None:
        """The validation score; None where there is none."""
        return None if self.record is None else self.record.score

    @property
    def steps(self) -> int:
        """Optimiser steps that it had."""
        return 0 if self.record is None or not self.record.curve else self.record.curve[-1][0]

    @property
    def name(self) -> str:
        """What it is called: its origin where that is a preset, and its key."""
        return f"{self.origin.removeprefix('preset ')} {self.key[:8]}" if self._is_preset else self.key[:8]

    @property
    def _is_preset(self) -> bool:
        return self.origin.startswith("preset ")


@dataclass(frozen=True)
class RunReading:
    """What a run's files tell.

    Args:
        folder: Of the run.
        question: What it was asked.
        options: All of its options.
        facts: What `run.json` holds; empty before a search has written it.
        candidates: In the order of `ranking.csv`.
        records: Of the run's trials, the one with the most iterations of each candidate, by key.
        events: What happened, in order.
        evidence: See `evidence.gather`; empty where the run has none.
        notes: Sentences about what could not be read.
    """

    folder: Path
    question: Mapping[str, Any]
    options: Mapping[str, Any]
    facts: Mapping[str, Any]
    candidates: tuple[Candidate, ...]
    records: Mapping[str, TrialRecord]
    events: tuple[Mapping[str, Any], ...]
    evidence: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path, *, evidence: Mapping[str, Any] | None = None) -> RunReading:
        """Read a run's folder, from which only the answer may still be missing.

        Raises:
            NoRunError: If it is not the folder of a search.
        """
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            question, options = dict(config["question"]), dict(config["options"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise NoRunError(f"{folder} is not the folder of a search") from None
        rows, notes = _table(folder / "ranking.csv"), []
        bank = Path(options.get("bank") or folder / "bank.sqlite")
        try:
            records = _records(bank, {row.get("genotype", "") for row in rows}, question)
        except (BankError, OSError) as error:
            records = {}
            notes.append(f"The trials cannot be read, so figures of them are missing ({error}).")
        path = folder / METRICS_NAME
        return cls(
            folder=folder,
            question=question,
            options=options,
            facts=_object(folder / "run.json"),
            candidates=tuple(_candidate(row, records) for row in rows),
            records=records,
            events=tuple(read_json_lines(path)) if path.is_file() else (),
            evidence=read_evidence(folder) if evidence is None else evidence,
            notes=tuple(notes),
        )

    @classmethod
    def finished(cls, folder: Path) -> RunReading:
        """Read the folder of a search that came to its end and trained something.

        Raises:
            NoRunError: If it is none.
        """
        run = cls.of(folder)
        if not run.facts:
            state = "is not finished" if not (folder / "run.json").is_file() else "has a damaged run.json"
            raise NoRunError(f"the search in {folder} {state}; `tscnas status` says how it stands")
        try:
            n_rows, _ = len(run.rows), run.members
            facts = {name: type(run.facts[name]) for name in _FACTS}
            whole = facts == _FACTS and {"name", "kind", "hash", "protocol"} <= {*run.facts["task"]}
        except (KeyError, TypeError, AttributeError, ValueError):
            whole, n_rows = False, 0
        if not whole:
            raise NoRunError(f"{folder / 'run.json'} is not the answer of a search")
        if not n_rows:
            raise NoRunError(f"the search in {folder} only ranked: nothing was trained that could be reported")
        return run

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The scores on test of the answer and of everything it is compared with."""
        return tuple(Row.from_json(row) for row in self.facts["rows"])

    @cached_property
    def members(self) -> tuple[tuple[Genotype, float, int], ...]:
        """Genotype, weight and iterations of each member of the answer, the heaviest first."""
        return tuple(
            (Genotype.from_dict(one["genotype"]), float(one["weight"]), int(one["iterations"]))
            for one in self.facts["chosen"]["members"]
        )

    @property
    def metric(self) -> str:
        """What validation measures; empty where nothing was tried."""
        return next((record.metric for record in self.records.values()), "")

    @property
    def higher_is_better(self) -> bool:
        """The direction of that."""
        return next((record.higher_is_better for record in self.records.values()), True)

    @property
    def scored(self) -> list[Candidate]:
        """Candidates with a validation score, best first."""
        known = [one for one in self.candidates if one.score is not None]
        return sorted(known, key=lambda one: one.score or 0.0, reverse=self.higher_is_better)


def _records(bank: Path, keys: set[str], question: Mapping[str, Any]) -> dict[str, TrialRecord]:
    """Return the trial with the most iterations of each candidate, the latest where there are several."""
    with Bank(bank, read_only=True) as store:
        filters: dict[str, str | int] = {
            "task_hash": str(question["task_hash"]),
            "rng_seed": int(question.get("rng_seed") or 0),
        }
        found = [record for record in store.records(**filters) if record.genotype_key in keys]
    ordered = sorted(found, key=lambda record: (record.score is not None, record.iterations, record.created))
    return {record.genotype_key: record for record in ordered}


def _candidate(row: Mapping[str, str], records: Mapping[str, TrialRecord]) -> Candidate:
    mean, sd = _number(row.get("posterior")), _number(row.get("posterior_sd"))
    return Candidate(
        key=row.get("genotype", ""),
        origin=row.get("origin", ""),
        weight=_number(row.get("weight")) or 0.0,
        prior=_number(row.get("prior") or row.get("comparator_score")),
        posterior=None if mean is None or sd is None else (mean, sd),
        record=records.get(row.get("genotype", "")),
    )


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(file)]


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
