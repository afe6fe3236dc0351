"""How the state of a run is shown: lines for people, one object for programs."""

from dataclasses import asdict, dataclass
from typing import Any

from nas.cli.status.driver import Driver
from nas.cli.status.state import Best, RunState
from search_space.sentences import one_line

_HEADS = {
    "running": "running",
    "starting": "starting",
    "silent": "no sign of life from its driver",
    "finished": "finished",
    "interrupted": "interrupted; the same command goes on from there",
    "failed": "failed",
    "killed": "ended without a word (killed?); the same command goes on from there",
    "not begun": "ended before it trained anything; the same command begins it",
}


@dataclass(frozen=True)
class RunView:
    """A run at one moment.

    Args:
        run: Its folder, as the user named it.
        is_finished: It has its answer.
        driver: Who holds its lock.
        state: What its events tell; None where it has told none.
        now: Seconds since 1970, UTC.
    """

    run: str
    is_finished: bool
    driver: Driver | None
    state: RunState | None
    now: float

    @property
    def status(self) -> str:
        """One of the keys of `_HEADS`."""
        driver, state = self.driver, self.state
        if driver is not None and not driver.gone:
            if not driver.alive:
                return "silent"
            begun = state is not None and not state.ended and state.pid in (None, driver.pid)
            return "running" if begun else "starting"
        if self.is_finished:
            return "finished"
        if state is None or not state.begun:
            return "not begun"
        return state.ended if state.ended in ("interrupted", "failed") else "killed"

    def as_json(self) -> dict[str, Any]:
        """Return everything that is known as JSON values."""
        state = self.state or RunState()
        goes_on = self.status == "running"
        return {
            "run": self.run,
            "status": self.status,
            "driver": None if self.driver is None else asdict(self.driver),
            "message": state.message,
            "stage": state.stage if self.state is not None else None,
            "round": None if state.round is None else asdict(state.round),
            "trials": state.statuses,
            "running": len(state.running) if goes_on else 0,
            "waiting": state.waiting if goes_on else 0,
            "best": None if state.best is None else asdict(state.best),
            "elapsed_seconds": state.elapsed(now=self.now if goes_on else None),
            "sittings": len(state.sittings),
            "seconds_left_in_round": state.seconds_left(now=self.now) if goes_on else None,
            "most_seconds_left": state.most_seconds_left(now=self.now) if goes_on else None,
        }

    def as_text(self) -> str:
        """Return a few lines."""
        state, status = self.state, self.status
        goes_on = status == "running"
        lines = [f"{self.run}: {_HEADS[status]}{self._driver_note()}"]
        if state is None:
            return "\n".join(lines + ["no metrics.jsonl: an earlier version ran it"] * self.is_finished)
        if status == "failed" and state.message:
            lines.append(f"reason:  {one_line(state.message)}")
        if status in ("running", "silent"):
            of_round = f" ({one_line(state.round.name)})" if state.round is not None and state.trains else ""
            lines.append(f"stage:   {one_line(state.stage)}{of_round}")
        sittings = f" in {len(state.sittings)} sittings" if len(state.sittings) > 1 else ""
        lines += [
            f"trials:  {_trials(state, goes_on=goes_on)}",
            f"best:    {_best(state.best)}",
            f"elapsed: {duration(state.elapsed(now=self.now if goes_on else None))}{sittings}",
        ]
        if goes_on:
            lines.append(f"left:    {_left(state, now=self.now)}")
        if status == "finished":
            lines.append(f"answer:  {self.run}/answer.txt")
        return "\n".join(lines)

    def _driver_note(self) -> str:
        if self.driver is None or self.status not in ("running", "starting", "silent"):
            return ""
        since = f", silent for {duration(self.driver.silent_seconds)}" if self.status == "silent" else ""
        return f" ({driver_text(self.driver)}{since})"


def duration(seconds: float) -> str:
    """Return seconds in the two units that matter, such as `45 s`, `3 min 20 s` or `5 h 2 min`."""
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def driver_text(driver: Driver) -> str:
    """Return a driver in words."""
    return f"process {driver.pid or 'unknown'} on host {one_line(driver.host, longest=100)}"


def _trials(state: RunState, *, goes_on: bool) -> str:
    failed = {status: count for status, count in sorted(state.statuses.items()) if status != "completed"}
    parts = [f"{state.statuses.get('completed', 0)} done"]
    if failed:
        how = ", ".join(f"{count} {one_line(status, longest=40)}" for status, count in failed.items())
        parts.append(f"{sum(failed.values())} failed ({how})")
    if goes_on:
        parts.append(f"{len(state.running)} running")
        parts += [f"{state.waiting} waiting"] * (state.waiting > 0)
    return ", ".join(parts)


def _best(best: Best | None) -> str:
    if best is None:
        return "none yet"
    after = "" if best.best_iteration is None else f" at iteration {best.best_iteration} of {best.iterations}"
    metric = one_line(best.metric, longest=40)
    direction = "higher" if best.higher_is_better else "lower"
    return f"{one_line(best.key[:8])}, validation {metric} {best.validation:.4f} ({direction} is better){after}"


def _left(state: RunState, *, now: float) -> str:
    most = state.most_seconds_left(now=now)
    total = "" if most is None else f"; at most {duration(most)} in all, by the time budget"
    if not state.trains:
        return f"not known at this stage{total}"
    seconds = state.seconds_left(now=now)
    if seconds is None:
        return f"not known before a trial has ended{total}"
    assert state.round is not None
    how = f"by the mean time of an optimiser step so far, {state.round.workers} at a time"
    return f"about {duration(seconds)} of this round, {how}{total or '; what follows the round is not counted'}"
