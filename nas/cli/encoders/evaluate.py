"""What a saved encoder, or a published forecaster, is worth on a dataset: `tscnas evaluate`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from compute.determinism import deterministic
from compute.memory import memory_budget
from downstream import evaluation
from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask
from downstream.task import Task
from nas.cost.members import members_text
from nas.errors import OutputExistsError
from nas.labels.end_to_end import train_supervised
from nas.labels.fit import N_PROBES
from nas.labels.relatives.table import relative
from nas.options.using.encoders import EvaluateOptions
from nas.report.rows import Row
from nas.report.tables import score_table
from nas.representer import Representer
from nas.runs.progress import Progress
from nas.runs.whole_file import write_whole_text
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.saved.run_folder import reading_of
from nas.training.devices import pick_device


@dataclass(frozen=True)
class EvaluationResult:
    """Rows of `tscnas evaluate`, and what is printed: the members of a combination, and the table."""

    rows: tuple[Row, ...]
    text: str


def evaluate(options: EvaluateOptions) -> EvaluationResult:
    """Score a saved encoder, or a supervised forecaster, on a dataset's test part, beside the plain baselines.

    Raises:
        DataError: If the data is at fault or does not fit the encoder.
        SavedEncoderError: If the encoder's file is at fault.
        OutputExistsError: If the output exists and may not be replaced.
        UnknownOptionError: If there is no supervised forecaster of that name.
    """
    if options.output is not None and Path(options.output).exists() and not options.overwrite:
        raise OutputExistsError(f"{options.output} exists; choose another --output or pass --overwrite")
    saved = None if options.encoder is None else load_encoder(options.encoder)
    kind = options.task or ("forecasting" if saved is None else saved.kind)
    window = options.window if saved is None else saved.window
    asked = {} if saved is None else {**reading_of(str(options.encoder)), **saved.asked(kind)}
    task = load_task(options.data, kind=kind, window=window, **{**asked, **options.given})
    task = task if options.svm else evaluation.linear_only(task)
    about = []
    with memory_budget(options.memory_budget), deterministic(options.deterministic):
        device = pick_device(options.device)
        if saved is not None:
            has_names = bool(task.identity.columns) and not options.variates
            rows = tuple(_rows(saved, task, has_names=has_names, device=device, quiet=options.quiet))
            if saved.members:
                about = members_text(saved.members, variates=task.n_variates, steps=task.spec.window)
        else:
            rows = tuple(_supervised_rows(options, task, device=device))
    if options.output is not None:
        content = json.dumps([row.to_json() for row in rows], indent=2) + "\n"
        write_whole_text(Path(options.output), content)
    return EvaluationResult(rows, "\n".join([*about, score_table(rows)]))


def _rows(saved: SavedEncoder, task: Task, *, has_names: bool, device: str, quiet: bool) -> Iterator[Row]:
    opened = task.open_test()
    closed = task.without_test()
    with Progress(total=3, name="evaluate", quiet=quiet) as progress:
        encoders = {
            "this encoder": saved.encoder_for(task.variates, has_names=has_names),
            "untrained encoder": saved.untrained(task.n_variates),
        }
        for name, encoder in encoders.items():
            represent = Representer(encoder.to(device), device=device, weights=saved.weights)
            yield from Row(name, evaluation.score_test(closed, opened, represent)).with_parts()
            progress.advance(name)
        yield from _baselines(closed, opened)
        progress.advance("baselines")


def _supervised_rows(options: EvaluateOptions, task: Task, *, device: str) -> Iterator[Row]:
    """Train a supervised forecaster without the test part, then open that and score it beside the plain baselines."""
    if not task.has_test:
        task.open_test()  # says why there is none, before anything is trained
    assert options.baseline is not None, "the options name an encoder or a baseline"
    closed = cast(ForecastingTask, task.without_test())
    published = relative(options.baseline)
    with Progress(total=N_PROBES + 2, name=f"train {options.baseline}", quiet=options.quiet) as progress:
        forecaster = train_supervised(
            published.encoder,
            closed,
            iterations=options.iterations,
            form=published.form,
            loss=options.loss or "mse",
            regularizer=options.regularization,
            rng_seed=options.rng_seed,
            device=device,
            on_probe=lambda point: progress.advance(f"iteration {point.iteration}, validation {point.score:.4f}"),
        )
        opened = task.open_test()
        yield Row(f"{options.baseline}, trained end to end", forecaster.score_test(closed, opened), baseline=True)
        yield from _baselines(closed, opened)
        progress.advance("test")


def _baselines(task: Task, opened: Any) -> Iterator[Row]:
    for name, scores in evaluation.baselines(task, opened).items():
        yield Row(name, scores, baseline=True)
