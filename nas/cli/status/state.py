"""What a run's files tell: its events, folded into how things stand."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STAGE_BEFORE = "read data and choose candidates"
_LARGEST = 2**53


@dataclass
class Round:
    """A round of training: trials planned, known from before, ended since it was begun; `workers` at a time."""

    name: str
    trials: int
    known: int
    workers: int
    ended: int = 0


@dataclass(frozen=True)
class Best:
    """The best validation value so far; with `iterations` trained, best at `best_iteration`."""

    key: str
    validation: float
    metric: str
    higher_is_better: bool
    iterations: int
    best_iteration: int | None


@dataclass
class RunState:
    """How a run stands by its events, whoever reads them; times are seconds since 1970, UTC.

    Args:
        begun: Its driver of the latest sitting has begun, by `pid`; it may have died since.
        ended: How the latest sitting ended: `finished`, `interrupted`, `failed`; empty while it goes on, or if its
            driver was killed.
        message: What it said then.
        stage: What it did last.
        round: The latest round of the latest sitting.
        statuses: How the trials ended, each counted once.
        running: Trials that were started and have not ended: id -> (time of the start, iterations).
        sittings: (first, last) time of each sitting.
        trained: (iterations, seconds) of trained trials, for an estimate.
        time_budget: Seconds in which the latest sitting is to end; None if it may take its time.
    """

    begun: bool = False
    pid: int | None = None
    ended: str = ""
    message: str = ""
    stage: str = STAGE_BEFORE
    round: Round | None = None
    trials: dict[str, str] = field(default_factory=dict)
    running: dict[str, tuple[float, int]] = field(default_factory=dict)
    sittings: list[tuple[float, float]] = field(default_factory=list)
    trained: list[tuple[int, float]] = field(default_factory=list)
    best: Best | None = None
    time_budget: float | None = None

    @property
    def statuses(self) -> dict[str, int]:
        """Counts of trials by how they ended."""
        return dict(Counter(self.trials.values()))

    @property
    def waiting(self) -> int:
        """Trials of the round that have not been started."""
        if self.round is None:
            return 0
        return max(self.round.trials - self.round.known - self.round.ended - len(self.running), 0)

    @property
    def trains(self) -> bool:
        """Whether trials run, or wait for one that runs."""
        return bool(self.running or self.waiting)

    def elapsed(self, *, now: float | None = None) -> float:
        """Return the seconds of all sittings; with `now` the latest is taken to go on until then."""
        sittings = [times for times in self.sittings if times[0] <= times[1]]  # one without any time counts for nothing
        if now is not None and sittings:
            sittings[-1] = (sittings[-1][0], max(now, sittings[-1][1]))
        return sum(last - first for first, last in sittings)

    def most_seconds_left(self, *, now: float) -> float | None:
        """Return the seconds that a time budget leaves, None without one."""
        if self.time_budget is None or not self.sittings:
            return None
        return max(self.time_budget - (now - self.sittings[-1][0]), 0.0)

    def seconds_left(self, *, now: float) -> float | None:
        """Return the seconds that the round still takes, by what an optimiser step took so far; None if not known."""
        steps = sum(iterations for iterations, _ in self.trained)
        if self.round is None or not steps or not self.trains:
            return None
        per_step = sum(seconds for _, seconds in self.trained) / steps
        usual = min((iterations for _, iterations in self.running.values()), default=self.trained[-1][0])
        rest = [max(per_step * iterations - (now - start), 0.0) for start, iterations in self.running.values()]
        together = (sum(rest) + per_step * usual * self.waiting) / max(self.round.workers, 1)
        return max([together, *rest])


def fold(events: Iterable[Mapping[str, Any]]) -> RunState:
    """Return how a run stands after its events; what is missing or of a wrong type in one counts for nothing."""
    state = RunState()
    for event in events:
        time = _time(event)
        match _text(event, "event"):
            case "run":
                state.begun, state.ended, state.message, state.stage = True, "", "", STAGE_BEFORE
                state.pid, state.time_budget = _whole(event, "pid") or None, _number(event, "time_budget")
                state.round = None
                state.running.clear()
                state.sittings.append((math.inf, -math.inf))
            case "stage":
                state.stage = _text(event, "stage")
            case "round":
                counts = {name: _whole(event, name) for name in ("trials", "known", "workers")}
                state.round = Round(_text(event, "round"), **counts)
                state.running.clear()
            case "trial started":
                state.running[_text(event, "trial")] = (time or 0.0, _whole(event, "iterations"))
            case "trial":
                _note_trial(state, event)
            case "end":
                state.ended, state.message = _text(event, "status"), _text(event, "message")
                state.running.clear()
        if time is not None and state.sittings:
            first, last = state.sittings[-1]
            state.sittings[-1] = (min(first, time), max(last, time))
    return state


def _note_trial(state: RunState, event: Mapping[str, Any]) -> None:
    trial, status = _text(event, "trial"), _text(event, "status")
    state.running.pop(trial, None)
    state.trials[trial] = status
    if state.round is not None:
        state.round.ended += 1
    iterations, seconds = _whole(event, "iterations"), _number(event, "seconds") or 0.0
    if status == "completed" and iterations and seconds > 0:
        state.trained.append((iterations, seconds))
    validation, higher, best = _number(event, "validation"), event.get("higher_is_better") is True, state.best
    if validation is None:
        return
    if best is None or (validation > best.validation if higher else validation < best.validation):
        state.best = Best(
            key=_text(event, "key"),
            validation=validation,
            metric=_text(event, "metric"),
            higher_is_better=higher,
            iterations=iterations,
            best_iteration=None if event.get("best_iteration") is None else _whole(event, "best_iteration"),
        )


def _time(event: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(_text(event, "time")).timestamp()
    except (ValueError, OverflowError):
        return None


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _whole(event: Mapping[str, Any], name: str) -> int:
    value = event.get(name)
    return value if type(value) is int and 0 <= value < _LARGEST else 0


def _number(event: Mapping[str, Any], name: str) -> float | None:
    value = event.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LARGEST else None
