"""What happens in a run, as it happens: `metrics.jsonl` for programs, `log.txt` for people.

Only the driver writes. Each line of `metrics.jsonl` is an object with `time` (UTC) and `event`:

    run            the driver begins: schema, version, pid, resumed, and how it works
    stage          what it does from now on: stage
    warning        what the user was warned of: message
    round          a round of training: round, trials (planned), known (from before), workers
    trial started  round, trial, key, iterations, worker (its number, from 1 on)
    point          a point of a trial's validation curve: trial, key, iteration, validation, loss
    trial          a trial ended: round, trial, key, iterations, status, validation, best_iteration, metric,
                   higher_is_better, seconds, message
    end            the driver ends: status (finished, interrupted, failed), message

The points of a trial are told as it reaches them; with `--engine ray` when it ends, since workers send nothing before.
"""

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from ahc.record import CurvePoint as Point
from ahc.record import TrialRecord
from nas.runs.lines import JsonLines
from nas.runs.log import RunLog
from nas.version import __version__

METRICS_NAME, LOG_NAME = "metrics.jsonl", "log.txt"
SCHEMA = 1
_HOW = ("data", "task", "iterations", "workers", "engine", "device", "time_budget")


class Listener(Protocol):
    """Whoever hears of the trials of a run."""

    def point(self, trial: str, point: Point, *, metric: str) -> None:
        """Hear of a point that a trial has reached; `metric` is what its validation score is."""
        ...

    def trial(self, record: TrialRecord) -> None:
        """Hear how a trial ended, behind its points."""
        ...

    def end(self, status: str) -> None:
        """Hear how the run ended: `finished`, `interrupted` or `failed`."""
        ...


class RunEvents:
    """Writes the events of one run.

    Whoever wants to hear of the trials too joins `listeners`; a trial may be told again when a run is resumed, or where
    a worker crashed.

    Args:
        folder: The run's folder; nothing is written before `begin`, and nothing at all without it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._metrics: JsonLines | None = None
        self._log: RunLog | None = None
        self._early: list[dict[str, Any]] = []  # stages and warnings before the folder holds a run
        self._warned: set[str] = set()
        self._reached: dict[str, int] = {}  # points told of trials that run
        self.listeners: list[Listener] = []

    def begin(self, options: Mapping[str, Any]) -> None:
        """Open the files and say what is run; the stages so far follow."""
        path = self._folder / METRICS_NAME
        resumed = path.is_file()
        self._metrics, self._log = JsonLines(path), RunLog(self._folder / LOG_NAME)
        how = {name: options[name] for name in _HOW if options.get(name) is not None}
        facts = {"schema": SCHEMA, "version": __version__, "pid": os.getpid(), "resumed": resumed, **how}
        began = self._early[0]["time"] if self._early else _now()
        self._metrics.write({"time": began, "event": "run", **facts})
        shown = " ".join(f"{name}={value}" for name, value in how.items())
        self._log.write(logging.INFO, f"{'resumed' if resumed else 'began'}, version {__version__}: {shown}")
        for early in self._early:
            self._metrics.write(early)
            if early["event"] == "warning":
                self._say(logging.WARNING, early["message"])
        self._early.clear()

    def stage(self, name: str) -> None:
        """Say what the driver does from now on."""
        if self._metrics is None:
            self._early.append({"time": _now(), "event": "stage", "stage": name})
            return
        self._tell("stage", stage=name)
        self._say(logging.INFO, name)

    def warned(self, message: str) -> None:
        """Say what the user was warned of, once."""
        if message in self._warned:
            return
        self._warned.add(message)
        if self._metrics is None:
            self._early.append({"time": _now(), "event": "warning", "message": message})
            return
        self._tell("warning", message=message)
        self._say(logging.WARNING, message)

    def round(self, name: str, *, n_trials: int, n_known: int, workers: int) -> None:
        """Say how many trials a round of training has, and how many of them are known from before."""
        self._tell("round", round=name, trials=n_trials, known=n_known, workers=workers)
        known = f", {n_known} known already" if n_known else ""
        self._say(logging.INFO, f"{name}: {n_trials - n_known} to run{known}")

    def started(self, trial: str, *, name: str, key: str, iterations: int, worker: int) -> None:
        """Say that a trial of a round starts, and on which of the workers."""
        self._tell("trial started", round=name, trial=trial, key=key, iterations=iterations, worker=worker)

    def reached(self, trial: str, curve: Sequence[Point], *, key: str, metric: str) -> None:
        """Say which points a trial has reached; those that were told before are not told again."""
        for iteration, score, loss in curve[self._reached.get(trial, 0) :]:
            self._tell("point", trial=trial, key=key, iteration=iteration, validation=score, loss=loss)
            for listener in self.listeners:
                listener.point(trial, (iteration, score, loss), metric=metric)
        self._reached[trial] = max(len(curve), self._reached.get(trial, 0))

    def finished(self, record: TrialRecord, *, name: str) -> None:
        """Say how a trial of a round ended, with the points of its curve."""
        trial = f"{record.genotype_key}-{record.iterations}-{record.rng_seed}"
        self.reached(trial, record.curve, key=record.genotype_key, metric=record.metric)
        self._reached.pop(trial, None)
        facts = {name: getattr(record, name) for name in ("iterations", "status", "best_iteration", "metric")}
        message = str(record.details.get("message") or "")
        self._tell(
            "trial",
            round=name,
            trial=trial,
            key=record.genotype_key,
            validation=record.score,
            higher_is_better=record.higher_is_better,
            seconds=round(record.seconds, 3),
            **facts,
            **({"message": message} if message else {}),
        )
        value = "no score" if record.score is None else f"{record.metric} {record.score:.4f}"
        text = f"{name}: {trial} {record.status}, {value}, {record.seconds:.1f} s"
        failed = record.status != "completed"
        self._say(logging.WARNING if failed else logging.INFO, f"{text}: {message}" if message else text)
        for listener in self.listeners:
            listener.trial(record)

    @contextlib.contextmanager
    def until_its_end(self) -> Iterator[None]:
        """Say at the end of the block how the run ended, and close the files."""
        try:
            yield
        except KeyboardInterrupt:
            self._end("interrupted", logging.WARNING, "the same command goes on from here")
            raise
        except BaseException as error:
            self._end("failed", logging.ERROR, f"{type(error).__name__}: {error}")
            raise
        self._end("finished", logging.INFO)

    def _end(self, status: str, level: int, message: str = "") -> None:
        if self._metrics is None or self._log is None:
            return
        with self._metrics, self._log, contextlib.suppress(OSError):  # the error that ended the run is the one to show
            for listener in self.listeners:
                listener.end(status)
            self._tell("end", status=status, **({"message": message} if message else {}))
            self._say(level, f"{status}; {message}" if message else status)
        self._metrics = self._log = None

    def _tell(self, event: str, **facts: Any) -> None:
        assert self._metrics is not None, "the run has not begun"
        self._metrics.write({"time": _now(), "event": event, **facts})

    def _say(self, level: int, message: str) -> None:
        assert self._log is not None, "the run has not begun"
        self._log.write(level, message)


def _now() -> str:
    return datetime.now(tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
