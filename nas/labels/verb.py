"""From a saved encoder and labels to a fine-tuned encoder, its head and their scores: `tscnas finetune`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from downstream import evaluation, metrics
from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.forecasting.rows import usable_horizons
from downstream.forecasting.task import ForecastingTask
from downstream.scores import Scores
from nas.errors import OptionError, OutputExistsError
from nas.labels.heads import save_head
from nas.labels.targets import forecast_metrics
from nas.labels.tuning import FineTuned, LabelledTask, finetune_encoder, n_fits
from nas.options.encoders import FinetuneOptions
from nas.report.rows import Row
from nas.report.tables import score_table
from nas.representer import Representer
from nas.runs.progress import Progress
from nas.saved.encoder import SavedEncoder, load_encoder, save_encoder
from nas.training.devices import pick_device


@dataclass(frozen=True)
class FinetuneResult:
    """What `tscnas finetune` hands over: the folder it wrote, the rows of its table, and the printed text."""

    folder: Path
    rows: tuple[Row, ...]
    text: str


def finetune(options: FinetuneOptions) -> FinetuneResult:
    """Fine-tune a saved encoder on labelled data, save it with its head, and score both on the test part.

    Raises:
        DataError: If the data is at fault or does not fit the encoder.
        SavedEncoderError: If the encoder's file is at fault.
        OptionError: If the encoder was found for anomalies and no task with labels is named.
        OutputExistsError: If the output folder holds something and may not be replaced.
        NothingTrainedError: If the encoder gives representations that are not finite.
    """
    folder = Path(options.output)
    if folder.exists() and not options.overwrite and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputExistsError(f"{folder} exists; choose another --output or pass --overwrite")
    saved = load_encoder(options.encoder)
    task = _load(options, saved)
    device = pick_device(options.device)
    encoder = saved.encoder_for(task.n_variates)
    rate = options.learning_rate
    with Progress(total=n_fits(options.mode, learning_rate=rate), name="finetune", quiet=options.quiet) as progress:
        tuned = finetune_encoder(
            encoder,
            task.without_test(),
            mode=options.mode,
            rank=options.rank,
            iterations=options.iterations,
            learning_rate=rate,
            rng_seed=options.rng_seed,
            device=device,
            on_fit=progress.advance,
        )
    represent = Representer(encoder.to(device), device=device)
    rows = score_rows(task, represent, tuned, name=_name(options))
    _write(folder, task, saved, tuned, rows)
    return FinetuneResult(folder, rows, _text(options, task, tuned, rows, saved=saved))


def _load(options: FinetuneOptions, saved: SavedEncoder) -> LabelledTask:
    kind = options.task or saved.kind
    if kind not in ("forecasting", "classification"):
        raise OptionError(
            f"task: fine-tuning needs labels or targets, and the encoder was found for {kind}; "
            "pass --task forecasting or --task classification"
        )
    task = load_task(
        options.data,
        kind=kind,
        window=None if kind == "classification" else saved.window,
        horizons=options.horizons or None,
        target=options.target or None,
        variates=options.variates or None,
        time_column=options.time_column,
        label_column=options.label_column,
        protocol=options.protocol,
    )
    return cast(LabelledTask, task)


def score_rows(task: LabelledTask, represent: Representer, tuned: FineTuned, *, name: str) -> tuple[Row, ...]:
    """Open the test part, once, and score a linear probe of the frozen encoder and the fine-tuned model on it.

    Args:
        task: Its test part must not have been opened.
        represent: The encoder as it was.
        tuned: What it became.
        name: Of the second row.

    Returns:
        Two rows with the same figures; without a test part, those of what was held out.
    """
    if not task.has_test:
        before = Row("linear head, frozen encoder", _held_out_scores(task, tuned.probe.errors[0]))
        return before, Row(name, _held_out_scores(task, tuned.errors[0]))
    opened: Any = task.open_test()
    closed = task.without_test()
    probe = evaluation.score_test(closed, opened, represent)

    facts: dict[str, str | int | float]
    if isinstance(task, ClassificationTask):
        linear = {metric: probe.metrics[f"{metric}/logistic"] for metric in ("accuracy", "macro_f1", "auprc")}
        found = _class_metrics(tuned.outputs(opened.windows), opened.labels)
        facts = task.protocol_facts(opened)
    else:
        linear = {
            metric.removeprefix("representation."): value
            for metric, value in probe.metrics.items()
            if metric.startswith("representation.")
        }
        horizons = usable_horizons(task)
        origins = opened.origins("test", horizons[0])
        found = forecast_metrics(tuned.outputs, opened, "test", origins=origins, horizons=horizons)
        facts = dict(probe.protocol)
    settings = {"chosen": _chosen(tuned), "trained numbers of the encoder": str(tuned.n_trained)}
    return (
        Row("linear probe before", _scores(task, linear, {}, probe.protocol)),
        Row(name, _scores(task, found, settings, facts)),
    )


def _class_metrics(scores: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[str, float]:
    predicted = scores.argmax(axis=1).astype(np.int64)
    return {
        "accuracy": metrics.accuracy(truth, predicted),
        "macro_f1": metrics.macro_f1(truth, predicted),
        "auprc": metrics.auprc(truth, scores),
    }


def _scores(
    task: LabelledTask,
    found: dict[str, float],
    settings: dict[str, str],
    facts: Mapping[str, str | int | float],
) -> Scores:
    spec = task.spec
    return Scores(found[spec.metric], spec.metric, spec.higher_is_better, found, settings, dict(facts))


def _held_out_scores(task: LabelledTask, error: float) -> Scores:
    value = 1.0 - error if isinstance(task, ClassificationTask) else error
    return _scores(task, {task.spec.metric: value}, {"part": "held out (the data has no test part)"}, {})


def _write(folder: Path, task: LabelledTask, saved: SavedEncoder, tuned: FineTuned, rows: tuple[Row, ...]) -> None:
    """Write the merged encoder, the head and the scores."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu() for name, value in tuned.model.encoder.state_dict().items()}
    save_encoder(folder / "encoder.safetensors", weights, genotype=saved.genotype, task=task, rng_seed=saved.rng_seed)
    facts: dict[str, object] = {"variates": list(task.variates), "window": task.spec.window}
    if isinstance(task, ClassificationTask):
        facts["classes"] = list(task.classes)
    else:
        assert isinstance(task, ForecastingTask)
        facts["horizons"] = list(usable_horizons(task))
    save_head(folder / "head.safetensors", tuned.model.head, facts=facts)
    partial = folder / "scores.json.partial"
    partial.write_text(json.dumps([row.to_json() for row in rows], indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / "scores.json")


def _chosen(tuned: FineTuned) -> str:
    if tuned.fit is None or not tuned.helped:
        return f"linear head, {tuned.head}"
    best = f"iteration {tuned.fit.best.iteration} of {tuned.iterations} ({tuned.fit.status})"
    return f"learning rate {tuned.learning_rate:g}, {best}; linear head {tuned.head}"


def _name(options: FinetuneOptions) -> str:
    rank = f", rank {options.rank}" if options.mode == "lora" else ""
    return f"fine-tuned ({options.mode}{rank})"


def _text(
    options: FinetuneOptions, task: LabelledTask, tuned: FineTuned, rows: tuple[Row, ...], *, saved: SavedEncoder
) -> str:
    n_parameters = sum(one.numel() for one in saved.encoder.parameters())
    table = score_table(rows)
    lines = [
        f"Scores on {'test' if task.has_test else 'what was held out (the data has no test part)'}:",
        *(f"  {line}" for line in table.splitlines()),
        f"Chosen on what was held out: {_chosen(tuned)}",
    ]
    if options.mode != "linear":
        how = f"{tuned.n_trained} numbers of low-rank updates" if options.mode == "lora" else "all of them"
        lines.append(f"The encoder has {n_parameters} numbers; {how} could be trained")
        if not tuned.helped:
            lines.append("Changing the encoder did not pay: on what was held out its linear head alone was best.")
    if tuned.frozen:
        lines.append(f"Low-rank updates leave these as they were: {', '.join(tuned.frozen)}")
    lines.append(f"Everything is in {options.output}: encoder.safetensors, head.safetensors, scores.json")
    return "\n".join(lines)
