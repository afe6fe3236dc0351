"""The main job: from a file to a chosen, trained and verified encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ahc.bank import Bank
from ahc.record import TrialRecord
from compute.memory import memory_budget
from downstream.data import load_task
from downstream.task import Task
from nas.board.run_board import RunBoard
from nas.budget.deadline import Deadline
from nas.budget.search_budget import SearchBudget
from nas.choosing.candidates import Candidates, choose_candidates
from nas.options.search import SearchOptions
from nas.report.answer import answer_text, ranking_rows, run_facts
from nas.runs.errors import NothingTrainedError, OutputExistsError
from nas.runs.folder import RunFolder
from nas.runs.lock import bank_lock
from nas.runs.stopwatch import Stopwatch
from nas.runs.whole_file import write_whole
from nas.training.devices import pick_device
from nas.trials.halving import Trained, TrialRunner, successive_halving
from nas.trials.trial import TrialPlan
from nas.verification import Row, row_from_json, verify
from search_space.genotype import Genotype
from search_space.presets import preset

RIVALS = ("comparator's pick", "TS2Vec preset", "random search")
"""Where a trained candidate comes from; of equals on validation the earlier one is chosen."""


@dataclass(frozen=True)
class SearchResult:
    """What a search hands over.

    Args:
        folder: The run folder, with the encoder and everything else.
        genotype: The chosen candidate.
        origin: Which of the trained it is: `named`, or a name from `RIVALS`.
        rows: Test scores of the chosen candidate and of everything it is compared with.
        seconds: Wall time per stage.
        text: The printed answer.
    """

    folder: Path
    genotype: Genotype
    origin: str
    rows: tuple[Row, ...]
    seconds: dict[str, float]
    text: str


def search(options: SearchOptions, *, task: Task | None = None) -> SearchResult:
    """Choose, train, verify and save an encoder for a dataset.

    The comparator ranks candidates without training; the best few, as many random ones and the TS2Vec preset are
    trained with validation probes along the way; the best on validation is tested, once, beside its rivals. An
    interrupted run goes on where it stopped; a finished one is shown again. With a time budget fewer are trained, or
    less long, and the answer says what was cut.

    Args:
        options: What to search and where to write.
        task: The task, when the caller has read it already.

    Returns:
        The result; everything in it is also in the run folder.

    Raises:
        DataError: If the data is at fault.
        OutputExistsError: If the run folder holds something else.
        InUseError: If another driver is at work on the run folder or on the bank.
        NothingTrainedError: If no candidate could be trained.
        TimeBudgetError: If the time budget left no time to train anything.
        MemoryBudgetError: If the memory budget is too small for anything.
        NotVerifiedError: If the scoring on the test part failed; what was trained is kept.
    """
    deadline = Deadline.of(options.time_budget)
    clock = Stopwatch()
    with clock("read data"):
        task = task or load(options)
    device = pick_device(options.device, elsewhere=options.engine == "ray")
    folder = RunFolder(
        options.output or f"runs/{task.spec.name}-{task.spec.kind}",
        config={**options.as_dict(), "task_hash": task.hash},
        overwrite=options.overwrite,
    )
    if folder.finished:
        return _shown_again(folder)
    clock.on_stage = folder.events.stage
    budget = SearchBudget(deadline, task=task, options=options, device=device)
    with memory_budget(options.memory_budget), folder.locked():
        return _search(task, folder, options=options, device=device, clock=clock, budget=budget)


def _search(
    task: Task, folder: RunFolder, *, options: SearchOptions, device: str, clock: Stopwatch, budget: SearchBudget
) -> SearchResult:
    """Do what `search` says, as the only driver of the folder."""
    if folder.finished:
        return _shown_again(folder)
    budget.check()
    candidates = choose_candidates(task, options, clock=clock)
    folder.start()
    folder.events.begin(options.as_dict())
    boards = [RunBoard(folder.path)] if options.tensorboard else []
    folder.events.listeners.extend(boards)
    if budget.limited:
        with clock("plan the time budget"):
            candidates = budget.fitted(candidates)
    path = options.bank or folder.bank
    with clock("train candidates"), bank_lock(path), Bank(path) as bank:
        runner = TrialRunner(task, folder=folder, options=options, device=device, budget=budget)
        entrants, origin = _train(task, candidates, options=options, runner=runner, bank=bank, budget=budget)
        if "chosen" not in entrants and budget.cut:
            raise budget.too_small()
        if "chosen" not in entrants:
            raise NothingTrainedError(
                f"none of {len(candidates.picked)} candidates could be trained; {folder.path / 'log.txt'} says why"
            )
        records = [*bank.records(task_hash=task.hash), *runner.hurried.values()]
    with clock("verify on test"):
        rows = verify(task, entrants, options=options, device=device, ends=budget.verification_ends)
    budget.note_verification(rows, entrants)
    for board in boards:
        board.finish(task, records, weights=entrants["chosen"].weights, device=device)
    return _hand_over(
        folder, task, candidates, rows, entrants=entrants, origin=origin, records=records, clock=clock, budget=budget
    )


def load(options: SearchOptions) -> Task:
    """Read the data of a search as its options say."""
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


def _train(
    task: Task, candidates: Candidates, *, options: SearchOptions, runner: TrialRunner, bank: Bank, budget: SearchBudget
) -> tuple[dict[str, Trained], str]:
    """Train the picks and their rivals; return who goes to the test by name, `chosen` first, and where that is from.

    Chosen is the best on validation of all that were trained; a candidate that the user named is chosen whatever
    its rivals do. Nothing could be trained: the names are empty.
    """
    groups = {"picked": candidates.picked, "random": candidates.random}
    ts2vec = TrialPlan(preset("ts2vec", kind=task.spec.kind), options.iterations, options.rng_seed, "search")
    ranked, extras = successive_halving(
        {name: group for name, group in groups.items() if group},
        extra=[] if options.preset == "ts2vec" else [ts2vec],
        options=options,
        run=lambda plans, name, later: runner.run(plans, bank=bank, name=name, later=later),
    )
    best = (ranked["picked"], [extras[ts2vec.id]] if ts2vec.id in extras else [], ranked.get("random", []))
    rivals = {name: found[0] for name, found in zip(RIVALS, best, strict=True) if found}
    if not rivals or (candidates.ranking is None and not ranked["picked"]):
        return {}, ""
    if candidates.ranking is None:
        origin, chosen = "named", rivals.pop("comparator's pick")
    else:
        origin = max(rivals, key=lambda name: rivals[name].record.oriented_score)
        chosen = rivals.pop(origin)
    untrained = TrialPlan(chosen.genotype, 0, options.rng_seed, "search")
    probed = runner.run([untrained], bank=bank, name="untrained", ends=budget.untrained_ends)
    without_training = {"untrained encoder": probed[untrained.id]} if untrained.id in probed else {}
    return {"chosen": chosen, **without_training, **rivals}, origin


def _hand_over(
    folder: RunFolder,
    task: Task,
    candidates: Candidates,
    rows: tuple[Row, ...],
    *,
    entrants: dict[str, Trained],
    origin: str,
    records: list[TrialRecord],
    clock: Stopwatch,
    budget: SearchBudget,
) -> SearchResult:
    """Write the run folder's files, the answer last: a folder with `run.json` is complete."""
    chosen = entrants["chosen"]
    (folder.path / "run.json").unlink(missing_ok=True)  # the shorter answer of a run that now had more time
    write_whole(folder.path / "encoder.safetensors", chosen.weights.read_bytes())
    folder.write_json("genotype.json", chosen.genotype.to_dict())
    # of several trials of a candidate, the one with most iterations
    by_key = {record.genotype_key: record for record in sorted(records, key=lambda record: record.iterations)}
    folder.write_csv("ranking.csv", ranking_rows(candidates, records=by_key))
    folder.write_csv("scores.csv", [row.flat() for row in rows])
    seconds = dict(clock.seconds)
    text = answer_text(
        task,
        origin=origin,
        candidates=candidates,
        rows=rows,
        entrants=entrants,
        seconds=seconds,
        folder=folder.path,
        cut=budget.sentences(),
    )
    folder.write_text("answer.txt", text + "\n")
    facts = run_facts(task, chosen=chosen, origin=origin, candidates=candidates, rows=rows, seconds=seconds)
    facts |= {"time_budget": budget.deadline.budget if budget.limited else None, "cut": budget.cut}
    folder.write_json("run.json", facts)
    return SearchResult(folder.path, chosen.genotype, origin=origin, rows=rows, seconds=seconds, text=text)


def _shown_again(folder: RunFolder) -> SearchResult:
    try:
        facts = json.loads((folder.path / "run.json").read_text(encoding="utf-8"))
        answer = (folder.path / "answer.txt").read_text(encoding="utf-8")
        return SearchResult(
            folder=folder.path,
            genotype=Genotype.from_dict(facts["chosen"]["genotype"]),
            origin=facts["chosen"]["origin"],
            rows=tuple(row_from_json(row) for row in facts["rows"]),
            seconds=facts["seconds"],
            text=f"(finished before; --overwrite runs it anew)\n{answer}",
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        file = folder.path / "run.json"
        raise OutputExistsError(
            f"{file} is not the answer of a finished run; choose another --output or pass --overwrite"
        ) from error
