"""The printed answer of a search: what was chosen, what it is worth, what it cost, what to do next."""

import platform
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ahc.record import TrialRecord
from downstream.scores import STOPPED
from downstream.task import Task
from nas.choosing.candidates import Candidates
from nas.report.rows import Row
from nas.report.tables import score_table
from nas.saved.predictor import USES
from nas.trials.runner import Trained
from nas.version import PROTOCOL_VERSION, __version__
from search_space.sentences import one_line

# they stand in run.json; the printed answer leaves them out
_DETAILED_SETTINGS = ("weights/", "alpha/", "representation.", "warning/", "ts2vec.")


def answer_text(
    task: Task,
    *,
    origin: str,
    candidates: Candidates,
    rows: Sequence[Row],
    entrants: Mapping[str, Trained],
    seconds: Mapping[str, float],
    folder: Path | None,
    cut: Sequence[str] = (),
    lacking: str = "",
) -> str:
    """Return the answer as text, the chosen genotype first.

    Args:
        task: What was searched for.
        origin: Of the chosen candidate.
        candidates: All that were to be trained.
        rows: Of the table.
        entrants: The trained candidates that were tested, by name.
        seconds: Per stage.
        folder: Where everything is; None where nothing of it stays.
        cut: Lines about what a time budget left out.
        lacking: Why the folder has no predictor; empty where it has one.
    """
    spec, chosen = task.spec, entrants["chosen"]
    where = rows[0].scores.settings.get("part", "test")
    parts = [
        f"Chosen for {one_line(spec.name)} ({spec.kind}, {task.n_variates} variates, window {spec.window}):",
        _indent(chosen.genotype.describe()),
        *_origin(origin, candidates),
        *([_indent(candidates.space)] if candidates.space else []),
        "",
        f"Scores on {where}:",
        _indent(score_table(rows)),
        *_settings(rows),
        "",
        *_remarks(chosen, rows, entrants),
        *cut,
        "",
        f"Protocol: {spec.protocol}",
        _time_line(seconds, candidates),
        *([] if folder is None else _next(folder, kind=spec.kind, lacking=lacking)),
    ]
    return "\n".join(parts)


def failures(records: Sequence[TrialRecord]) -> str:
    """Return why trials failed, the most frequent reason first."""
    reasons = Counter((record.status, str(record.details.get("message") or "")) for record in records)
    reasons = Counter({reason: n for reason, n in reasons.items() if reason[0] != "completed"})
    if not reasons:
        return "none was run"
    listed = [f"{n} {status}{f' ({message})' if message else ''}" for (status, message), n in reasons.most_common(3)]
    return ", ".join(listed) + (f", and {len(reasons) - 3} other reasons" if len(reasons) > 3 else "")


def _next(folder: Path, *, kind: str, lacking: str) -> list[str]:
    """Return where everything is and what to do with it."""
    quoted = shlex.quote(str(folder))
    predictor = "" if lacking else " predictor.safetensors,"
    use = None if lacking else USES.get(kind)
    return [
        "",
        f"Everything is in {folder}: encoder.safetensors,{predictor} genotype.json, ranking.csv, scores.csv, run.json, "
        "log.txt",
        *([f"There is no predictor.safetensors: {one_line(lacking)}."] if lacking else []),
        "Next:",
        *([f"  tscnas {use.verb} {quoted} DATA --output {use.output}    {use.text}"] if use else []),
        f"  tscnas embed {quoted} DATA --output embeddings.npz    representations of any data of this shape",
        f"  tscnas evaluate {quoted} DATA    what the encoder is worth on other data",
    ]


def ranking_rows(candidates: Candidates, *, records: Mapping[str, TrialRecord]) -> list[dict[str, object]]:
    """Return the shortlist as rows: rank, comparator score, and what training gave where it was trained."""
    ranking = candidates.ranking
    rows: list[dict[str, object]] = []
    for place, genotype in enumerate(candidates.picked if ranking is None else ranking.genotypes):
        record = records.get(genotype.key)
        rows.append(
            {
                "rank": place + 1,
                "genotype": genotype.key,
                "comparator_score": None if ranking is None else float(ranking.scores[place]),
                "p_over_median": None if ranking is None else float(ranking.p_over_median[place]),
                "p_failure": None if ranking is None else float(ranking.failure[place]),
                "iterations": None if record is None else record.iterations,
                "validation_score": None if record is None else record.score,
                "untrained_score": None if record is None else record.untrained_score,
                "status": "not trained" if record is None else record.status,
            }
        )
    return rows


def run_facts(
    task: Task,
    *,
    chosen: Trained,
    origin: str,
    candidates: Candidates,
    rows: Sequence[Row],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Return everything about a run that another program may want, as JSON values."""
    return {
        "schema": 1,
        "versions": {
            "ts-contrastive-nas": __version__,
            "protocol": PROTOCOL_VERSION,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.system()},
        "task": {**asdict(task.spec), "hash": task.hash, "variates": list(task.variates)},
        "chosen": {
            "origin": origin,
            "genotype": chosen.genotype.to_dict(),
            "key": chosen.genotype.key,
            "validation_score": chosen.record.score,
            "untrained_score": chosen.record.untrained_score,
            "best_iteration": chosen.record.best_iteration,
            "curve": [list(point) for point in chosen.record.curve],
            "n_parameters": chosen.record.n_parameters,
        },
        "n_ranked": candidates.n_ranked,
        "rows": [row.to_json() for row in rows],
        "seconds": dict(seconds),
    }


def _origin(origin: str, candidates: Candidates) -> list[str]:
    """Return the line that says which of the trained candidates it is, where there was a choice."""
    if origin == "named":
        return []
    n_picked, n_random = len(candidates.picked), len(candidates.random)
    trained = f"{n_picked} picks of the comparator, {n_random} random candidates and the TS2Vec preset"
    return [_indent(f"Origin: {origin}, the best on validation of {trained}")]


def _settings(rows: Sequence[Row]) -> list[str]:
    """Return what the chosen candidate's probe was set to, as one line."""
    settings = {
        name: value
        for name, value in rows[0].scores.settings.items()
        if name != "part" and not name.startswith(_DETAILED_SETTINGS) and not name.endswith(STOPPED)
    }
    return [_indent("; ".join(f"{name}: {value}" for name, value in settings.items()))] if settings else []


def _remarks(chosen: Trained, rows: Sequence[Row], entrants: Mapping[str, Trained]) -> list[str]:
    """Return the plain truths beside the table: did training pay, does the encoder beat its rivals."""
    record = chosen.record
    if record.best_iteration == 0:
        remarks = [
            "Training did not pay: on validation the untrained encoder was the best point of the curve, "
            "so it is handed over untrained."
        ]
    else:
        remarks = [
            f"Training paid on validation: {record.metric} {record.untrained_score:.4f} untrained -> "
            f"{record.score:.4f} after {record.best_iteration} iterations."
        ]
    ours = rows[0].scores
    if "coverage_80" in ours.metrics:
        remarks.append(
            f"Its 80 % intervals hold {100 * ours.metrics['coverage_80']:.0f} % of the values of the test part."
        )
    sign = 1.0 if ours.higher_is_better else -1.0
    ahead = [row.name for row in rows[1:] if sign * row.scores.value > sign * ours.value]
    if ahead:
        remarks.append(f"Ahead of the chosen candidate on test: {', '.join(ahead)}.")
    rivals = [
        name
        for name, entrant in entrants.items()
        if name not in ("chosen", "untrained encoder") and entrant.record.oriented_score > record.oriented_score
    ]
    if rivals:
        remarks.append(f"On validation, too, these were better: {', '.join(rivals)}.")
    return remarks


def _time_line(seconds: Mapping[str, float], candidates: Candidates) -> str:
    stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    ranked = f" ({candidates.n_ranked} candidates ranked)" if candidates.n_ranked else ""
    return f"Seconds: {stages}; total {sum(seconds.values()):.1f}{ranked}"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
