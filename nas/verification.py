"""What trained encoders are worth: the final report of a search, and `tscnas evaluate`."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from compute.memory import memory_budget
from downstream import evaluation
from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask
from downstream.scores import Scores
from downstream.task import Task
from nas.engines import Job, run_candidates
from nas.engines.settings import engine_settings
from nas.labels.end_to_end import baseline_encoder, train_supervised
from nas.labels.fit import N_PROBES
from nas.options.encoders import EvaluateOptions
from nas.options.search import SearchOptions
from nas.report.tables import score_table
from nas.representer import Representer
from nas.runs.errors import NotVerifiedError, OutputExistsError
from nas.runs.progress import Progress
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.training.devices import pick_device
from nas.trials.halving import Trained
from search_space.genotype import EncoderCell


@dataclass(frozen=True)
class Row:
    """The scores of one method.

    Args:
        name: Of the method.
        scores: On the test part, or on validation where there is no test part.
        baseline: Whether it uses no encoder of ours.
    """

    name: str
    scores: Scores
    baseline: bool = False

    def flat(self) -> dict[str, object]:
        """Return the row as one line of a table."""
        return {"method": self.name, "metric": self.scores.metric, "value": self.scores.value, **self.scores.metrics}

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values; `row_from_json` reads it."""
        return {"method": self.name, "baseline": self.baseline, **asdict(self.scores)}


def row_from_json(content: Mapping[str, Any]) -> Row:
    """Return the row that `Row.to_json` wrote."""
    scores = {name: value for name, value in content.items() if name not in ("method", "baseline")}
    return Row(content["method"], Scores(**scores), content["baseline"])


@dataclass(frozen=True)
class EvaluationResult:
    """Rows of `tscnas evaluate` and the printed table."""

    rows: tuple[Row, ...]
    text: str


def verify(
    task: Task, entrants: Mapping[str, Trained], *, options: SearchOptions, device: str, ends: float = math.inf
) -> tuple[Row, ...]:
    """Open the test part, once, and score every entrant and every baseline on it.

    Args:
        task: Its test part must not have been opened.
        entrants: Name -> trained candidate.
        options: Workers and engine.
        device: Where encoders run.
        ends: When it has to be over, as `time.monotonic()` tells it; what has no score by then is left out.

    Returns:
        One row per entrant in their order, then the baselines; validation scores where the task has no test part, or
        where there was no time for the first entrant.

    Raises:
        NotVerifiedError: If scoring failed, as when its worker was killed twice.
    """
    if not task.has_test:
        return _on_validation(entrants, why="the data has no test part")
    opened = task.open_test()
    shared = {"task": task.without_test(), "opened": opened}
    jobs = [
        Job(name, _score_saved, {"weights": one.weights.read_bytes(), "device": device}, shared)
        for name, one in entrants.items()
    ]
    # in the order of what an answer misses most
    jobs.insert(1, Job("baselines", _score_baselines, {}, shared))
    found: dict[str, Any] = {}
    with Progress(total=len(jobs), name="verify on test", quiet=options.quiet) as progress:
        # nothing is saved before all of it is there, so an interruption has nothing to wait for
        settings = {**engine_settings(options, device=device), "memory_limit": None, "finish": False, "ends": ends}
        for result in run_candidates(jobs, **settings):
            if result.status == "timeout":
                continue
            if result.status != "completed":
                raise NotVerifiedError(
                    f"trained, but not verified: scoring of the {result.id} on test failed ({result.error}); "
                    "all that was trained is kept, and the same command tries the verification again"
                )
            found[result.id] = result.value
            progress.advance(result.id)
    if next(iter(entrants)) not in found:
        return _on_validation(entrants, why="there was no time for the test")
    rows = [row for name in entrants if name in found for row in _with_parts(Row(name, found[name]))]
    return tuple(rows + [Row(name, scores, baseline=True) for name, scores in found.get("baselines", {}).items()])


def _with_parts(row: Row) -> list[Row]:
    """Return a row followed by what it holds under other rules: the representation alone, TS2Vec's protocol."""
    rows = [row]
    scores = row.scores
    for prefix, words in (("representation.", "representation alone"), ("ts2vec.", "TS2Vec's protocol")):
        part = {name.removeprefix(prefix): value for name, value in scores.metrics.items() if name.startswith(prefix)}
        if scores.metric in part:
            value = part[scores.metric]
            rows.append(Row(f"{row.name}, {words}", replace(scores, value=value, metrics=part, settings={})))
    return rows


def evaluate(options: EvaluateOptions) -> EvaluationResult:
    """Score a saved encoder, or a supervised forecaster, on a dataset's test part, beside the plain baselines.

    Raises:
        DataError: If the data is at fault or does not fit the encoder.
        SavedEncoderError: If the encoder's file is at fault.
        OutputExistsError: If the output exists and may not be replaced.
        UnknownOptionError: If there is no preset of the supervised forecaster's name.
    """
    if options.output is not None and Path(options.output).exists() and not options.overwrite:
        raise OutputExistsError(f"{options.output} exists; choose another --output or pass --overwrite")
    baseline = None if options.baseline is None else baseline_encoder(options.baseline)
    saved = None if options.encoder is None else load_encoder(options.encoder)
    kind = options.task or ("forecasting" if saved is None else saved.kind)
    window = options.window if saved is None else saved.window
    task = load_task(
        options.data,
        kind=kind,  # type: ignore[arg-type]  # checked by the options
        window=None if kind == "classification" else window,
        horizons=options.horizons or None,
        target=options.target or None,
        variates=options.variates or None,
        time_column=options.time_column,
        label_column=options.label_column,
        protocol=options.protocol,
    )
    device = pick_device(options.device)
    with memory_budget(options.memory_budget):
        if saved is not None:
            rows = tuple(_rows(saved, task, device=device, quiet=options.quiet))
        else:
            assert baseline is not None, "the options name an encoder or a baseline"
            rows = tuple(_supervised_rows(baseline, task, options=options, device=device))
    if options.output is not None:
        partial = Path(f"{options.output}.partial")
        partial.write_text(json.dumps([row.to_json() for row in rows], indent=2) + "\n")
        partial.replace(options.output)
    return EvaluationResult(rows, score_table(rows))


def _rows(saved: SavedEncoder, task: Task, *, device: str, quiet: bool) -> Iterator[Row]:
    opened = task.open_test()
    closed = task.without_test()
    with Progress(total=3, name="evaluate", quiet=quiet) as progress:
        encoders = {
            "this encoder": saved.encoder_for(task.n_variates),
            "untrained encoder": saved.untrained(task.n_variates),
        }
        for name, encoder in encoders.items():
            represent = Representer(encoder.to(device), device=device)
            yield from _with_parts(Row(name, evaluation.test(closed, opened, represent)))
            progress.advance(name)
        for name, scores in evaluation.baselines(closed, opened).items():
            yield Row(name, scores, baseline=True)
        progress.advance("baselines")


def _supervised_rows(cell: EncoderCell, task: Task, *, options: EvaluateOptions, device: str) -> Iterator[Row]:
    """Train a supervised forecaster without the test part, then open that and score it beside the plain baselines."""
    if not task.has_test:
        task.open_test()  # says why there is none, before anything is trained
    closed = cast(ForecastingTask, task.without_test())
    with Progress(total=N_PROBES + 2, name=f"train {options.baseline}", quiet=options.quiet) as progress:
        forecaster = train_supervised(
            cell,
            closed,
            iterations=options.iterations,
            rng_seed=options.rng_seed,
            device=device,
            on_probe=lambda point: progress.advance(f"iteration {point.iteration}, validation {point.score:.4f}"),
        )
        opened = task.open_test()
        yield Row(f"{options.baseline}, trained end to end", forecaster.test(closed, opened), baseline=True)
        for name, scores in evaluation.baselines(closed, opened).items():
            yield Row(name, scores, baseline=True)
        progress.advance("test")


def _score_saved(task: Task, opened: Any, weights: bytes, device: str) -> Scores:
    """Score a saved encoder, given as its file, on an opened test part (in a worker, perhaps on another machine)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "encoder.safetensors"
        file.write_bytes(weights)
        encoder = load_encoder(file).encoder.to(torch.device(device))
    return evaluation.test(task, opened, Representer(encoder, device=device))


def _score_baselines(task: Task, opened: Any) -> dict[str, Scores]:
    """Score the plain baselines of the task's kind (in a worker)."""
    return dict(evaluation.baselines(task, opened))


def _on_validation(entrants: Mapping[str, Trained], *, why: str) -> tuple[Row, ...]:
    return tuple(Row(name, _validation_scores(one, why=why)) for name, one in entrants.items())


def _validation_scores(trained: Trained, *, why: str) -> Scores:
    record = trained.record
    assert record.score is not None
    return Scores(
        value=record.score,
        metric=record.metric,
        higher_is_better=record.higher_is_better,
        metrics={record.metric: record.score},
        settings={"part": f"validation ({why})"},
    )
