"""The main job: from a file to a chosen, trained and verified encoder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ahc.bank import Bank
from downstream.data import load_task
from downstream.task import Task
from nas.candidates import Candidates, choose_candidates
from nas.devices import pick_device
from nas.errors import NothingTrainedError
from nas.halving import Trained, TrialRunner, successive_halving
from nas.options import SearchOptions, as_dict
from nas.report.answer import answer_text, ranking_rows, run_facts
from nas.run_folder import RunFolder
from nas.stopwatch import Stopwatch
from nas.trials import TrialPlan
from nas.verification import Row, verify
from search_space.presets import preset


@dataclass(frozen=True)
class SearchResult:
    """What a search hands over.

    Args:
        folder: The run folder.
        task: The task, its test part opened.
        chosen: The chosen candidate, its record and weights.
        candidates: What was ranked and picked.
        rows: Test scores of the chosen candidate and of everything it is compared with.
        seconds: Wall time per stage.
        text: The printed answer.
    """

    folder: Path
    task: Task
    chosen: Trained
    candidates: Candidates
    rows: tuple[Row, ...]
    seconds: dict[str, float]
    text: str


def search(options: SearchOptions, *, task: Task | None = None) -> SearchResult:
    """Choose, train, verify and save an encoder for a dataset.

    The comparator ranks candidates without training; the best few, as many random ones and the TS2Vec preset are
    trained with validation probes along the way; the best on validation is tested, once, beside its rivals.

    Args:
        options: What to search and where to write.
        task: The task, when the caller has read it already.

    Returns:
        The result; everything in it is also in the run folder.

    Raises:
        DataError: If the data is at fault.
        OutputExistsError: If the run folder holds something else.
        NothingTrainedError: If no candidate could be trained.
    """
    clock = Stopwatch()
    with clock("read data"):
        task = task or _load(options)
    device = pick_device(options.device)
    config = {**as_dict(options), "task_hash": task.hash}
    folder = RunFolder(
        options.output or f"runs/{task.spec.name}-{task.spec.kind}", config=config, overwrite=options.overwrite
    )
    candidates = choose_candidates(task, options, clock=clock)
    rivals = _rivals(task, options)
    runner = TrialRunner(task, folder=folder, options=options, device=device)
    with clock("train candidates"), Bank(options.bank or folder.bank) as bank:
        groups = {"picked": candidates.picked, "random": candidates.random}
        ranked, extras = successive_halving(
            {name: group for name, group in groups.items() if group},
            extra=list(rivals.values()),
            options=options,
            run=lambda plans, name: runner.run(plans, bank=bank, name=name),
        )
        if not ranked["picked"]:
            raise NothingTrainedError(
                f"none of {len(candidates.picked)} candidates could be trained; {folder.path / 'log.txt'} says why"
            )
        chosen = ranked["picked"][0]
        untrained = TrialPlan(chosen.genotype, 0, options.rng_seed, "search")
        entrants = {"chosen": chosen, "untrained": runner.run([untrained], bank=bank, name="untrained")[untrained.id]}
        trained = sorted(bank.records(task_hash=task.hash), key=lambda record: record.iterations)
    entrants |= {name: extras[plan.id] for name, plan in rivals.items() if plan.id in extras}
    if ranked.get("random"):
        entrants["random search"] = ranked["random"][0]
    with clock("verify on test"):
        rows = verify(task, entrants, options=options, device=device)
    records = {record.genotype_key: record for record in trained}  # of several trials, that with most iterations
    folder.write_csv("ranking.csv", ranking_rows(candidates, records=records))
    return _hand_over(folder, task, chosen, candidates, rows, entrants=entrants, clock=clock)


def _load(options: SearchOptions) -> Task:
    return load_task(
        options.data,
        kind=options.task,
        window=options.window,
        horizons=options.horizons or None,
        target=options.target or None,
        variates=options.variates or None,
        time_column=options.time_column,
        label_column=options.label_column,
        protocol=options.protocol,
    )


def _rivals(task: Task, options: SearchOptions) -> dict[str, TrialPlan]:
    """Return what is trained beside the picks: the TS2Vec preset, unless it is itself what was asked for."""
    if options.preset == "ts2vec":
        return {}
    return {
        "TS2Vec preset": TrialPlan(
            preset("ts2vec", kind=task.spec.kind), options.iterations, options.rng_seed, "search"
        )
    }


def _hand_over(
    folder: RunFolder,
    task: Task,
    chosen: Trained,
    candidates: Candidates,
    rows: tuple[Row, ...],
    *,
    entrants: dict[str, Trained],
    clock: Stopwatch,
) -> SearchResult:
    """Write the run folder's files, the answer last: a folder with `run.json` is complete."""
    shutil.copyfile(chosen.weights, folder.path / "encoder.safetensors")
    folder.write_json("genotype.json", chosen.genotype.to_dict())
    folder.write_csv("scores.csv", [row.flat() for row in rows])
    text = answer_text(
        task,
        chosen=chosen,
        candidates=candidates,
        rows=rows,
        entrants=entrants,
        seconds=clock.seconds,
        folder=folder.path,
    )
    folder.write_text("answer.txt", text + "\n")
    folder.write_json(
        "run.json", run_facts(task, chosen=chosen, candidates=candidates, rows=rows, seconds=clock.seconds)
    )
    return SearchResult(
        folder=folder.path,
        task=task,
        chosen=chosen,
        candidates=candidates,
        rows=rows,
        seconds=dict(clock.seconds),
        text=text,
    )
