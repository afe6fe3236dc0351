"""The stages of one search behind its candidates: try out, choose, verify, hand over, in a folder and within a time."""

import contextlib
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from ahc.bank import Bank
from compute.determinism import deterministic
from compute.memory import memory_budget
from downstream.data.parts import file_text
from downstream.evaluation import linear_only, splits
from downstream.task import Task
from nas.board.run_board import RunBoard
from nas.board.tracking import started_trackers
from nas.budget.deadline import Deadline
from nas.budget.search_budget import SearchBudget
from nas.choosing.source import NamedSource, TaskSource
from nas.combining.entrants import Entrants, entrants_of
from nas.engines.kept import workers_kept
from nas.engines.settings import EngineSettings
from nas.errors import NothingTrainedError
from nas.options.command import search_command
from nas.options.data import TaskOptions
from nas.options.search import SearchSettings
from nas.report.answer import answer_text, failures, ranking_text
from nas.report.facts import chosen_facts, ranked_facts, ranking_rows, run_facts
from nas.report.result import SearchResult, finished_result
from nas.report.rows import Row
from nas.report.run_report import RunReport
from nas.report.verdict import Verdict, verdict_of
from nas.runs.folder import RunFolder
from nas.runs.lock import bank_lock
from nas.runs.log import warnings_heard
from nas.runs.stopwatch import Stopwatch
from nas.runs.whole_file import write_whole
from nas.runs.whole_progress import WholeProgress
from nas.saved.predictor import predictor_file
from nas.search_plan import plan_of, stages_of, strategy_of
from nas.trials.runner import TrialRunner
from nas.trials.tried import Tried, pursue
from nas.verification import STAGE, Verified, verify
from search_space.genotype import Genotype
from search_space.sentences import count_text

_BEFORE_THERE_WAS_A_CHOICE = "5e29175c1e80f79c"  # the key of the space of runs whose configuration names none

ENCODER, PREDICTOR = "encoder.safetensors", "predictor.safetensors"
Source = TaskSource | NamedSource


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
            settings.output or f"runs/{task.spec.name}",
            config={
                **settings.as_dict(),
                # what was always done before there was a choice counts as not asked for
                "svm": None if settings.svm else False,
                "space": None if self._space_is_old else settings.search_space.to_dict(),
                "task_hash": task.hash,
                "names_hash": task.identity.hash,
                "lookbacks": list(task.lookbacks),
            },
            # the hashes say what data it is and what is asked of it, however that was said
            beside=("data", "window", *(field.name for field in fields(TaskOptions))),
            overwrite=settings.overwrite,
        )
        self.plan = plan_of(settings)
        self.budget = SearchBudget(
            deadline or Deadline.of(settings.time_budget), task=self.task, n_workers=self.engine.workers
        )
        self.progress = WholeProgress(
            stages_of(settings, self.plan),
            workers=self.engine.workers,
            quiet=settings.quiet,
            most_left=lambda: self.budget.deadline.left,
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
        heard = warnings_heard(self.folder.events.warned)
        how = deterministic(self.settings.deterministic), memory_budget(self.settings.memory_budget)
        with how[0], how[1], heard, self.folder.locked(), workers_kept(), self.progress:
            if not self.finished:
                self.budget.check()
                self.engine.prepare()
            yield

    @property
    def finished(self) -> bool:
        """Whether the folder holds the answer already."""
        return self.folder.finished

    def try_out(self, source: Source) -> Tried:
        """Run the trials that the strategy asks for, as many as there is time for.

        Raises:
            NothingTrainedError: If no candidate could be trained.
            TimeBudgetError: If there was no time for any.
        """
        settings, folder, budget = self.settings, self.folder, self.budget
        strategy = strategy_of(settings, source, self.plan)  # what is at fault is said before anything is written
        self._start()
        path = settings.bank or folder.bank
        with self.clock("try candidates"), bank_lock(path), Bank(path) as bank:
            runner = TrialRunner(
                self.task,
                folder=folder,
                bank=bank,
                settings=self.engine,
                budget=budget,
                time_limit=settings.time_limit,
                precision=settings.precision,
                progress=self.progress,
            )
            tried = pursue(strategy, runner, plan=self.plan, rng_seed=settings.rng_seed, trainable=source.trainable)
            tried.records = [*bank.records(task_hash=self.task.hash), *runner.hurried.values()]
            if not tried.points and budget.cut:
                raise budget.too_small()
            if not tried.points or (source.named is not None and not tried.of(source.named)):
                more = f"; {folder.path / 'log.txt'} says more" if self.kept else ""
                keys = {record.genotype_key for record in tried.records}
                raise NothingTrainedError(
                    f"none of {len(keys)} candidates could be trained: {failures(tried.records)}{more}"
                )
            runner.forget_states()
            return tried

    def choose(self, tried: Tried, source: Source) -> Entrants:
        """Say who goes to the test: what validation and the prior together prefer, and its rivals."""
        settings, path = self.settings, self.folder.path
        with self.clock("choose"):
            entrants = entrants_of(
                self.task,
                tried,
                source,
                iterations=settings.iterations,
                most=1 if source.named is not None else settings.members,
                rng_seed=settings.rng_seed,
            )
            (path / "run.json").unlink(missing_ok=True)  # the shorter answer of a run that now had more time
            (path / PREDICTOR).unlink(missing_ok=True)  # it would be that of another encoder
            write_whole(path / ENCODER, entrants.chosen.file())
        return entrants

    def verify(self, entrants: Entrants) -> Verified:
        """Open the test part, once, and score everybody on it; fit what predicts with the chosen one."""
        with self.clock(STAGE):
            verified = verify(
                self.task,
                entrants.entrants,
                settings=self.engine,
                rng_seed=self.settings.rng_seed,
                progress=self.progress,
                ends=self.budget.verification_ends,
            )
        self.budget.note_verification(verified.rows, entrants.entrants, predicts=verified.predictor is not None)
        for board in self._boards:
            where = {"trials": self.folder.weights, "encoder": self.folder.path / ENCODER}
            board.finish(self.task, entrants.tried.records, **where, device=self.engine.device)
        return verified

    def hand_over(self, entrants: Entrants, verified: Verified, source: Source) -> SearchResult:
        """Write the run folder's files, the answer last: a folder with `run.json` is complete."""
        folder, budget, task, rows = self.folder, self.budget, self.task, verified.rows
        verdict, predictor = self._judged(entrants, verified)
        if predictor is not None:
            write_whole(folder.path / PREDICTOR, predictor)
        found = ranking_rows(source, tried=entrants.tried, entrants=entrants, iterations=self.settings.iterations)
        folder.write_csv("ranking.csv", found)
        folder.write_csv("scores.csv", [row.flat() for row in rows])
        report = RunReport(folder.path) if self.settings.report and self.kept and budget.allows_page() else None
        if report is not None:
            files = {"encoder": folder.path / ENCODER, "predictor": folder.path / PREDICTOR}
            with self.clock("report"):
                report.gather(task, verified.opened, **files, device=self.engine.device)
        seconds = dict(self.clock.seconds)
        text = answer_text(
            task,
            entrants=entrants,
            source=source,
            rows=rows,
            verdict=verdict,
            seconds=seconds,
            folder=folder.path if self.kept else None,
            space=self._space_in_words(source),
            cut=budget.sentences(),
            lacking=verified.lacking,
            page=report is not None,
        )
        chosen = {**chosen_facts(entrants), "recommended": verdict.facts()}
        result = self._written(chosen, text, source, rows=rows, seconds=seconds)
        if report is not None:
            space = None if source.named is not None else self.settings.space_name
            report.write(command=search_command(self.settings.as_dict(), space=space))
        return result

    def _judged(self, entrants: Entrants, verified: Verified) -> tuple[Verdict, bytes | None]:
        """Return what validation recommends, and the file of what predicts: of a plain method where that is allowed."""
        task, verdict = self.task, verdict_of(entrants, verified.rows)
        if not (verdict.is_plain and self.settings.allow_baseline and hasattr(task.kind, "fit_plain")):
            return verdict, verified.predictor
        plain = task.kind.fit_plain(task, verdict.recommended.name, rng_seed=self.settings.rng_seed)
        if plain is None:
            return verdict, verified.predictor
        return replace(verdict, handed_over=True), predictor_file(plain, kind=task.spec.kind)

    def hand_over_ranking(self, source: Source) -> SearchResult:
        """Write what the comparator says, and nothing else: no encoder was trained."""
        assert isinstance(source, TaskSource), "the options allow no named genotype beside zero_shot"
        source.ranked(1)
        self._start()
        assert source.ranking is not None, "it was just asked for"
        self.folder.write_csv("ranking.csv", ranking_rows(source))
        seconds = dict(self.clock.seconds)
        folder = self.folder.path if self.kept else None
        text = ranking_text(self.task, ranking=source.ranking, seconds=seconds, folder=folder)
        return self._written(ranked_facts(source.ranking.genotypes[0]), text, source, rows=(), seconds=seconds)

    def _written(
        self, chosen: dict[str, Any], text: str, source: Source, *, rows: tuple[Row, ...], seconds: dict[str, float]
    ) -> SearchResult:
        folder, budget, named = self.folder, self.budget, source.named is not None
        folder.write_json("genotype.json", chosen["genotype"])
        folder.write_text("answer.txt", text + "\n")
        n_ranked = 0 if source.ranking is None else source.ranking.n_ranked
        facts = run_facts(self.task, chosen=chosen, rows=rows, seconds=seconds, n_ranked=n_ranked)
        space = None if named else {"name": self.settings.space_name, "choices": self.settings.search_space.to_dict()}
        facts |= {"space": space, "time_budget": budget.deadline.budget if budget.limited else None, "cut": budget.cut}
        facts["deterministic"] = self.settings.deterministic
        folder.write_json("run.json", facts)
        genotype = Genotype.from_dict(chosen["genotype"])
        return SearchResult(folder.path, genotype, origin=chosen["origin"], rows=rows, seconds=seconds, text=text)

    def _space_in_words(self, source: Source) -> str:
        """Return which space was searched, and how much of a small one was ranked; nothing of the default space."""
        settings = self.settings
        if source.named is not None or settings.space == "default":
            return ""
        size, ranking = settings.search_space.canonical_size()["total"], source.ranking
        ranked = ""
        if ranking is not None and size <= settings.candidates:
            ranked = f"; {'all' if ranking.n_ranked == size else ranking.n_ranked} of them ranked"
        return f"Space: {settings.space_name}, {count_text(size)} different genotype{'s' * (size > 1)}{ranked}"

    def shown_again(self) -> SearchResult:
        """Return the result of a finished run."""
        return finished_result(self.folder.path)

    def _start(self) -> None:
        self.folder.start()
        self.folder.write_text("splits.json", file_text(splits(self.task, rng_seed=self.settings.rng_seed)))
        self.folder.events.begin(self.settings.as_dict())
        self._boards = [RunBoard(self.folder.path)] if self.settings.tensorboard else []
        trackers = started_trackers(self.settings.track, self.folder.path, settings=self.settings.as_dict())
        self.folder.events.listeners.extend([*self._boards, *trackers])
