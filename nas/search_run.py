"""The stages of one search behind its choice of candidates: train, verify, hand over, in a folder and within a time."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ahc.bank import Bank
from ahc.record import TrialRecord
from compute.memory import memory_budget
from downstream.evaluation import linear_only
from downstream.task import Task
from nas.board.run_board import RunBoard
from nas.budget.deadline import Deadline
from nas.budget.search_budget import SearchBudget
from nas.choosing.candidates import Candidates
from nas.engines.settings import EngineSettings
from nas.errors import NothingTrainedError, OutputExistsError
from nas.options.search import SearchSettings
from nas.report.answer import answer_text, failures, ranking_rows, run_facts
from nas.report.rows import Row
from nas.runs.folder import RunFolder
from nas.runs.lock import bank_lock
from nas.runs.stopwatch import Stopwatch
from nas.runs.whole_file import write_whole
from nas.trials.halving import Halving
from nas.trials.runner import Trained, TrialRunner
from nas.verification import Verified, verify
from search_space.genotype import Genotype
from search_space.presets import preset

RIVALS = ("comparator's pick", "TS2Vec preset", "random search")
"""Where a trained candidate comes from; of equals on validation the earlier one is chosen."""

_BEFORE_THERE_WAS_A_CHOICE = "5e29175c1e80f79c"  # the key of the space of runs whose configuration names none


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


@dataclass(frozen=True)
class Entrants:
    """Who goes to the test.

    Args:
        trained: Trained candidates by name, `chosen` first.
        origin: Where the chosen one is from: `named`, or a name from `RIVALS`.
        candidates: All that were to be trained.
        records: Of all trials on this task.
    """

    trained: dict[str, Trained]
    origin: str
    candidates: Candidates
    records: list[TrialRecord]


class SearchRun:
    """The stages of one search, in its folder and within its time.

    Args:
        task: Its test part must not have been opened.
        settings: What to search and where to write.
        clock: Where stages that came before are noted.
        deadline: By default the time budget counts from here.
        kept: Whether the folder stays when the run is over; texts name no other.
    """

    def __init__(
        self,
        task: Task,
        settings: SearchSettings,
        *,
        clock: Stopwatch | None = None,
        deadline: Deadline | None = None,
        kept: bool = True,
    ) -> None:
        self.task = task if settings.svm else linear_only(task)
        self.settings, self.kept = settings, kept
        self.clock = Stopwatch() if clock is None else clock
        self.engine = EngineSettings.chosen(
            **settings.running, device=settings.device, memory_budget=settings.memory_budget
        )
        self.folder = RunFolder(
            settings.output or f"runs/{task.spec.name}-{task.spec.kind}",
            config={
                **settings.as_dict(),
                # what was always done before there was a choice counts as not asked for
                "svm": None if settings.svm else False,
                "space": None if self._space_is_old else settings.search_space.to_dict(),
                "task_hash": task.hash,
                "names_hash": task.identity.hash,
            },
            overwrite=settings.overwrite,
        )
        self.halving = halving_of(settings, task)
        self.budget = SearchBudget(
            deadline or Deadline.of(settings.time_budget),
            task=self.task,
            halving=self.halving,
            settings=self.engine,
            n_entrants=n_entrants(settings),
        )
        self._boards: list[RunBoard] = []

    @property
    def _space_is_old(self) -> bool:
        """Whether candidates come from where they always came from before there was a choice, or from nowhere."""
        named = self.settings.preset is not None or self.settings.genotype is not None
        return named or self.settings.search_space.key == _BEFORE_THERE_WAS_A_CHOICE

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """Be the only driver of the run's folder inside the block; a finished run is not locked."""
        if self.finished:
            yield
            return
        self.clock.on_stage = self.folder.events.stage
        with memory_budget(self.settings.memory_budget), self.folder.locked():
            if not self.finished:
                self.budget.check()
            yield

    @property
    def finished(self) -> bool:
        """Whether the folder holds the answer already."""
        return self.folder.finished

    def train(self, candidates: Candidates) -> Entrants:
        """Train the candidates and their rivals, as many as there is time for, and say who goes to the test.

        Chosen is the best on validation of all that were trained; a candidate that the user named is chosen whatever
        its rivals do.
        """
        settings, folder, budget = self.settings, self.folder, self.budget
        folder.start()
        folder.events.begin(settings.as_dict())
        self._boards = [RunBoard(folder.path)] if settings.tensorboard else []
        folder.events.listeners.extend(board.trial for board in self._boards)
        if budget.limited:
            with self.clock("plan the time budget"):
                candidates = budget.fitted(candidates)
        path = settings.bank or folder.bank
        with self.clock("train candidates"), bank_lock(path), Bank(path) as bank:
            runner = TrialRunner(
                self.task,
                folder=folder,
                bank=bank,
                settings=self.engine,
                budget=budget,
                time_limit=settings.time_limit,
                precision=settings.precision,
                quiet=settings.quiet,
            )
            trained, origin = self._best(candidates, runner)
            if not trained and budget.cut:
                raise budget.too_small()
            records = [*bank.records(task_hash=self.task.hash), *runner.hurried.values()]
            if not trained:
                more = f"; {folder.path / 'log.txt'} says more" if self.kept else ""
                why, tried = failures(records), {record.genotype_key for record in records}
                raise NothingTrainedError(f"none of {len(tried)} candidates could be trained: {why}{more}")
            return Entrants(trained, origin, candidates=candidates, records=records)

    def _best(self, candidates: Candidates, runner: TrialRunner) -> tuple[dict[str, Trained], str]:
        """Train all; return who goes to the test and where the chosen one is from; nobody where nothing was trained."""
        ranked, extras = self.halving.run(candidates.groups, runner)
        best = (ranked["picked"][:1], [*extras.values()][:1], ranked.get("random", [])[:1])
        rivals = {name: first for name, trained in zip(RIVALS, best, strict=True) for first in trained}
        named = candidates.ranking is None
        if not rivals or (named and not ranked["picked"]):
            return {}, ""
        best_name = RIVALS[0] if named else max(rivals, key=lambda name: rivals[name].record.oriented_score)
        chosen = rivals.pop(best_name)
        untrained = self.halving.untrained(chosen.genotype)
        probed = runner.run([untrained], name="untrained", ends=self.budget.untrained_ends)
        without_training = {"untrained encoder": probed[untrained.id]} if untrained.id in probed else {}
        return {"chosen": chosen, **without_training, **rivals}, "named" if named else best_name

    def verify(self, entrants: Entrants) -> Verified:
        """Open the test part, once, and score everybody on it; fit what predicts with the chosen one."""
        with self.clock("verify on test"):
            verified = verify(
                self.task,
                entrants.trained,
                settings=self.engine,
                rng_seed=self.settings.rng_seed,
                quiet=self.settings.quiet,
                ends=self.budget.verification_ends,
            )
        self.budget.note_verification(verified.rows, entrants.trained, predicts=verified.predictor is not None)
        for board in self._boards:
            weights = entrants.trained["chosen"].weights
            board.finish(self.task, entrants.records, weights=weights, device=self.engine.device)
        return verified

    def hand_over(self, entrants: Entrants, verified: Verified) -> SearchResult:
        """Write the run folder's files, the answer last: a folder with `run.json` is complete."""
        folder, budget, task, rows = self.folder, self.budget, self.task, verified.rows
        chosen, origin, candidates = entrants.trained["chosen"], entrants.origin, entrants.candidates
        (folder.path / "run.json").unlink(missing_ok=True)  # the shorter answer of a run that now had more time
        (folder.path / "predictor.safetensors").unlink(missing_ok=True)  # it would be that of another encoder
        write_whole(folder.path / "encoder.safetensors", chosen.weights.read_bytes())
        if verified.predictor is not None:
            write_whole(folder.path / "predictor.safetensors", verified.predictor)
        folder.write_json("genotype.json", chosen.genotype.to_dict())
        # of several trials of a candidate, the one with most iterations
        by_key = {
            record.genotype_key: record for record in sorted(entrants.records, key=lambda record: record.iterations)
        }
        folder.write_csv("ranking.csv", ranking_rows(candidates, records=by_key))
        folder.write_csv("scores.csv", [row.flat() for row in rows])
        seconds = dict(self.clock.seconds)
        text = answer_text(
            task,
            origin=origin,
            candidates=candidates,
            rows=rows,
            entrants=entrants.trained,
            seconds=seconds,
            folder=folder.path if self.kept else None,
            cut=budget.sentences(),
            lacking=verified.lacking,
        )
        folder.write_text("answer.txt", text + "\n")
        facts = run_facts(task, chosen=chosen, origin=origin, candidates=candidates, rows=rows, seconds=seconds)
        space = None if candidates.ranking is None else self.settings.search_space
        facts["space"] = None if space is None else {"name": self.settings.space_name, "choices": space.to_dict()}
        facts |= {"time_budget": budget.deadline.budget if budget.limited else None, "cut": budget.cut}
        folder.write_json("run.json", facts)
        return SearchResult(folder.path, chosen.genotype, origin=origin, rows=rows, seconds=seconds, text=text)

    def shown_again(self) -> SearchResult:
        """Return the result of a finished run."""
        return finished_result(self.folder.path)


def finished_result(folder: Path) -> SearchResult:
    """Return what a finished run handed over.

    Raises:
        OutputExistsError: If what the folder holds is no such result.
    """
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        answer = (folder / "answer.txt").read_text(encoding="utf-8")
        return SearchResult(
            folder=folder,
            genotype=Genotype.from_dict(facts["chosen"]["genotype"]),
            origin=facts["chosen"]["origin"],
            rows=tuple(Row.from_json(row) for row in facts["rows"]),
            seconds=facts["seconds"],
            text=f"(finished before; --overwrite runs it anew)\n{answer}",
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OutputExistsError(
            f"{folder / 'run.json'} is not the answer of a finished run; choose another --output or pass --overwrite"
        ) from error


def halving_of(settings: SearchSettings, task: Task) -> Halving:
    """Return the rounds of trials of a search; the TS2Vec preset stands beside whatever is searched."""
    extra = () if settings.preset == "ts2vec" else (preset("ts2vec", kind=task.spec.kind),)
    return Halving(settings.iterations, settings.rng_seed, extra)


def n_entrants(settings: SearchSettings) -> int:
    """Return how many encoders are scored on test: the best of each origin, and the chosen one untrained."""
    if settings.preset == "ts2vec":
        return 2
    return 3 if settings.preset is not None or settings.genotype is not None else 4
