"""From a saved encoder and labels to a fine-tuned encoder, its head and their scores: `tscnas finetune`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from compute.determinism import deterministic
from downstream import evaluation
from downstream.data import load_task
from downstream.scores import Scores
from downstream.task import Task, TaskSpec
from nas.errors import OutputExistsError
from nas.labels.finetuning import FineTuned, finetune_encoder, n_fits
from nas.labels.head_file import save_head
from nas.labels.kinds import supervision_of
from nas.options.using.encoders import FinetuneOptions
from nas.report.rows import Row
from nas.report.tables import score_table
from nas.representer import Representer
from nas.runs.progress import Progress
from nas.runs.whole_file import write_whole_text
from nas.saved.encoder import load_encoder
from nas.saved.encoder_facts import facts_of_task
from nas.saved.run_folder import reading_of
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
    kind = options.task or saved.kind
    supervision_of(kind)  # says where a kind has no labels, before anything is read
    asked = {**reading_of(options.encoder), **saved.asked(kind), **options.given}
    task = load_task(options.data, kind=kind, window=saved.window, **asked)
    device = pick_device(options.device)
    has_names = bool(task.identity.columns) and not options.variates
    encoder = saved.encoder_for(task.variates, has_names=has_names)
    rate, same_bits = options.learning_rate, deterministic(options.deterministic)
    n_parts = n_fits(options.mode, learning_rate=rate)
    with same_bits, Progress(total=n_parts, name="finetune", quiet=options.quiet) as progress:
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
    how = f"{options.mode}, rank {options.rank}" if options.mode == "lora" else options.mode
    represent = Representer(encoder.to(device), device=device, weights=saved.weights)
    rows = score_rows(task, represent, tuned, name=f"fine-tuned ({how})")
    changed = replace(saved, encoder=tuned.model.encoder, **facts_of_task(task))
    changed.save(folder / "encoder.safetensors")
    facts = {"variates": list(task.variates), "window": task.spec.window, **tuned.supervision.head_facts()}
    save_head(folder / "head.safetensors", tuned.model.head, kind=kind, facts=facts)
    content = json.dumps([row.to_json() for row in rows], indent=2) + "\n"
    write_whole_text(folder / "scores.json", content)
    text = _text(rows, tuned, has_test=task.has_test)
    where = f"Everything is in {options.output}: encoder.safetensors, head.safetensors, scores.json"
    return FinetuneResult(folder, rows, f"{text}\n{where}")


def score_rows(task: Task, represent: Representer, tuned: FineTuned, *, name: str) -> tuple[Row, ...]:
    """Open the test part, once, and score a linear probe of the frozen encoder and the fine-tuned model on it.

    Args:
        task: Its test part must not have been opened.
        represent: The encoder as it was.
        tuned: What it became.
        name: Of the second row.

    Returns:
        Two rows with the same figures; without a test part, those of what was held out.
    """
    spec, supervision = task.spec, tuned.supervision
    if not task.has_test:
        part = {"part": "held out (the data has no test part)"}
        errors = {"linear head, frozen encoder": tuned.probe.errors[0], name: tuned.errors[0]}
        scores = {title: {spec.metric: supervision.held_out_score(error)} for title, error in errors.items()}
        return tuple(Row(title, _scores(spec, metrics, part, {})) for title, metrics in scores.items())
    opened = task.open_test()
    probe = evaluation.score_test(evaluation.linear_only(task.without_test()), opened, represent)
    settings = {"chosen": tuned.chosen, "trained numbers of the encoder": str(tuned.n_trained)}
    metrics = supervision.metrics_on_test(tuned.outputs, opened)
    return (
        Row("linear probe before", _scores(spec, supervision.probe_metrics(probe), {}, probe.protocol)),
        Row(name, _scores(spec, metrics, settings, probe.protocol)),
    )


def _scores(
    spec: TaskSpec, metrics: dict[str, float], settings: dict[str, str], facts: Mapping[str, str | int | float]
) -> Scores:
    return Scores(metrics[spec.metric], spec.metric, spec.higher_is_better, metrics, settings, dict(facts))


def _text(rows: tuple[Row, ...], tuned: FineTuned, *, has_test: bool) -> str:
    """Return the table of scores, what was chosen and what could change."""
    lines = [
        f"Scores on {'test' if has_test else 'what was held out (the data has no test part)'}:",
        *(f"  {line}" for line in score_table(rows).splitlines()),
        f"Chosen on what was held out: {tuned.chosen}",
    ]
    if tuned.fit is not None:
        n_parameters = sum(weight.numel() for weight in tuned.model.encoder.parameters())
        lora = tuned.mode == "lora"
        what = f"{tuned.n_trained} numbers of low-rank updates" if lora else "all of them"
        lines.append(f"The encoder has {n_parameters} numbers; {what} could be trained")
        if not tuned.helped:
            lines.append("Changing the encoder did not pay: on what was held out its linear head alone was best.")
    if tuned.frozen:
        lines.append(f"Low-rank updates leave these as they were: {', '.join(tuned.frozen)}")
    return "\n".join(lines)
