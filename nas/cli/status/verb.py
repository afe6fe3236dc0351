"""`tscnas status`: look at a run or a bank once, or again and again until it ends."""

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nas.cli.console import show
from nas.cli.status.driver import Driver, driver_of
from nas.cli.status.state import fold
from nas.cli.status.text import RunView, driver_text
from nas.cli.text import Shown, counted
from nas.errors import NoRunError
from nas.options.operations import StatusOptions
from nas.runs.events import METRICS_NAME
from nas.runs.lines import read_json_lines
from nas.runs.lock import LOCK_NAME
from search_space.sentences import one_line

SECONDS_BETWEEN_LOOKS = 2.0
_TIMES = ("elapsed:", "left:")  # lines that change all the time
PATIENCE = 60.0  # seconds after which a silent driver is taken for one that will not come back


@dataclass(frozen=True)
class BankView:
    """A bank at one moment: how its trials ended, and who fills it."""

    bank: str
    statuses: dict[str, int]
    n_tasks: int
    driver: Driver | None

    def as_json(self) -> dict[str, Any]:
        """Return everything that is known as JSON values."""
        driver = None if self.driver is None else asdict(self.driver)
        return {"bank": self.bank, "trials": self.statuses, "tasks": self.n_tasks, "driver": driver}

    def as_text(self) -> str:
        """Return a few lines."""
        counts = ", ".join(f"{count:,} {one_line(status, longest=40)}" for status, count in self.statuses.items())
        driver = self.driver
        if driver is None or driver.gone:
            who = "nobody writes to it now"
        elif driver.alive:
            who = f"{driver_text(driver)} fills it"
        else:
            who = f"{driver_text(driver)} holds it, but gives no sign of life"
        total = sum(self.statuses.values())
        return f"{self.bank}: {who}\ntrials:  {total:,} on {counted(self.n_tasks, 'task')} ({counts or 'none'})"


def show_status(options: StatusOptions) -> Shown:
    """Return how a run or a bank stands; with `watch`, show it until nobody works on it any more.

    Raises:
        NoRunError: If there is no run at the path.
        BankError: If it is a file that is no bank.
    """
    path = Path(options.run)
    if not path.is_file():
        _check_run(path)
    look: Callable[[Path], RunView | BankView] = _bank_view if path.is_file() else _run_view
    view = look(path)
    if options.watch:
        screen = _Screen()
        while _goes_on(view.driver):
            if options.json:
                show(_shown(view, as_json=True))
            else:
                screen.show(view.as_text())
            time.sleep(SECONDS_BETWEEN_LOOKS)
            view = look(path)
        screen.clear()
    return Shown(_shown(view, as_json=options.json))


def _check_run(path: Path) -> None:
    if not path.is_dir():
        raise NoRunError(f"there is no run at {one_line(str(path))}")
    is_run = (path / "config.json").is_file() and not (path / "estimator.json").is_file()
    if not is_run and driver_of(path / LOCK_NAME) is None:
        raise NoRunError(
            f"{one_line(str(path))} is no run: a search writes config.json and metrics.jsonl into its folder"
        )


def _run_view(path: Path) -> RunView:
    driver = driver_of(path / LOCK_NAME)  # first: what it wrote before it let go is seen
    metrics = path / METRICS_NAME
    state = fold(read_json_lines(metrics)) if metrics.is_file() else None
    return RunView(one_line(str(path)), (path / "run.json").is_file(), driver, state, time.time())


def _bank_view(path: Path) -> BankView:
    from ahc.bank import Bank

    driver = driver_of(path.with_name(path.name + ".lock"))
    with Bank(path, read_only=True) as bank:
        tallies, tasks = bank.tallies(), bank.tasks()
    statuses: Counter[str] = Counter()
    for tally in tallies:
        statuses[tally.status] += tally.n_trials
    n_tasks = len({task.task_hash for task in tasks} | {tally.task_hash for tally in tallies})
    return BankView(one_line(str(path)), dict(sorted(statuses.items())), n_tasks, driver)


def _goes_on(driver: Driver | None) -> bool:
    return driver is not None and not driver.gone and (driver.alive or driver.silent_seconds < PATIENCE)


def _shown(view: RunView | BankView, *, as_json: bool) -> str:
    return json.dumps(view.as_json(), sort_keys=True) if as_json else view.as_text()


class _Screen:
    """Shows a text in place of the one before on a terminal; elsewhere appends it where more than times differ."""

    def __init__(self) -> None:
        self._terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._lines = 0
        self._gist: list[str] = []

    def show(self, text: str) -> None:
        """Show a text."""
        gist = [line for line in text.split("\n") if not line.startswith(_TIMES)]
        if not self._terminal and gist == self._gist:
            return
        self._gist = gist
        self.clear()
        if self._terminal:
            columns = shutil.get_terminal_size().columns
            lines = [line[: columns - 1] for line in text.split("\n")]  # a wrapped line would count twice
            self._lines = len(lines)
            text = "\n".join(lines)
        show(text)

    def clear(self) -> None:
        """Remove what is shown."""
        if self._lines:
            show(f"\x1b[{self._lines}F\x1b[J", end="")
            self._lines = 0
