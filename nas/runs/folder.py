"""A run's folder: what it was asked, the bank of its trials, weights, log, metrics and answer."""

import contextlib
import csv
import io
import json
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ahc.bank.export import plain_cell
from compute.paths import user_path
from nas.errors import OutputExistsError
from nas.runs import board_files
from nas.runs.events import LOG_NAME, METRICS_NAME, RunEvents
from nas.runs.lock import LOCK_NAME, folder_lock
from nas.runs.question import DATA, GROWING, asks_for_more, changed, question_of
from nas.runs.whole_file import write_whole_text
from search_space.sentences import one_line

_TRIAL_FILES = (".safetensors", ".state", ".npy")


class RunFolder:
    """The folder of one run; an interrupted run with the same question goes on where it stopped, and
    a finished one that is asked for more.

    Args:
        path: The folder; nothing is written before `start`.
        config: The resolved options of the run, as JSON values.
        beside: Options that are no part of what is asked, as something else in `config` says the same.
        overwrite: Start anew in a folder that holds another run.

    Raises:
        OutputExistsError: If the folder holds something that is no run, or a run with other options.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        config: Mapping[str, Any],
        beside: Collection[str] = (),
        overwrite: bool = False,
    ) -> None:
        self.path = user_path(path)
        self.events = RunEvents(self.path)
        self._overwrite, self._beside = overwrite, beside
        self._config = {"question": question_of(config, beside=beside), "options": dict(config)}
        self._extends = False
        self._check()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only driver of this folder inside the block; its log says how the block ended.

        Raises:
            InUseError: If another driver is at work here; names its process and host.
            OutputExistsError: If one was a moment ago, and left a run with other options.
        """
        with folder_lock(self.path):
            self._check()
            with self.events.until_its_end():
                yield

    def start(self) -> None:
        """Make the folder, empty it of an earlier run where that was asked for, and write the configuration."""
        if self._overwrite:
            self._clear()
        if self._extends:  # an end in between must not leave the shorter answer under the longer question
            (self.path / "run.json").unlink(missing_ok=True)
            self._extends = False
        self.write_json("config.json", self._config)
        self.weights.mkdir(exist_ok=True)

    @property
    def bank(self) -> Path:
        """The bank of this run's trials."""
        return self.path / "bank.sqlite"

    @property
    def weights(self) -> Path:
        """The folder of the trained encoders of all trials."""
        return self.path / "trials"

    @property
    def finished(self) -> bool:
        """Whether the run has its answer and keeps it; one that was cut short goes on when it is given more time.

        One that is asked for more of what may grow goes on, too.
        """
        there = (self.path / "run.json").is_file()
        return not self._overwrite and not self._extends and there and not self._has_more_time()

    def write_text(self, name: str, text: str) -> None:
        """Write a file, complete or not at all."""
        write_whole_text(self.path / name, text)

    def write_json(self, name: str, content: object) -> None:
        """Write a JSON file, complete or not at all."""
        self.write_text(name, json.dumps(content, indent=2) + "\n")

    def write_csv(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows as a CSV file; a column that a row lacks stays empty, and no text is a formula."""
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=columns)
        writer.writeheader()
        writer.writerows({key: plain_cell(value) for key, value in row.items()} for row in rows)
        self.write_text(name, text.getvalue())

    def _has_more_time(self) -> bool:
        """Return whether a time budget cut the answer short, and now there is a larger one, or none."""
        try:
            facts = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
            before = float(facts["time_budget"]) if facts.get("cut") else math.inf
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False  # whoever shows the answer says what is wrong with it
        now = self._config["options"].get("time_budget")
        return (math.inf if now is None else now) > before

    def _check(self) -> None:
        """Refuse a folder that holds something else, or a run that was asked something else."""
        before, question = self._question(), self._config["question"]
        if before is None or self._overwrite:
            return
        names = changed(before, question, beside=self._beside)
        self._extends = bool(names) and asks_for_more(before, question, names)
        if names and not self._extends:
            what = "on other data" if {*DATA} & {*names} else "with other options"
            options = [name for name in names if name not in DATA]
            differ = f" ({one_line(', '.join(options))} differ)" if options else ""
            less = {*names} <= {*GROWING}
            more = "; of these it can be given more, never less" if less else ""
            raise OutputExistsError(
                f"{self.path} holds a run {what}{differ}{more}; choose another --output or pass --overwrite"
            )

    def _question(self) -> dict[str, Any] | None:
        """Return what an earlier run in this folder was asked, None in a new or empty folder."""
        if not self.path.exists():
            return None
        if not self.path.is_dir():
            raise OutputExistsError(f"{self.path} is a file; --output names a folder")
        self._refuse_links()
        config = self.path / "config.json"
        if not config.is_file():
            if any(not _is_beginning(file) for file in self.path.iterdir()):
                raise OutputExistsError(f"{self.path} holds other files; choose another --output")
            return None
        try:
            question: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))["question"]
            if not isinstance(question, dict):
                raise TypeError("question must be a mapping")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise OutputExistsError(f"{config} is not a run's configuration; choose another --output") from error
        return question

    def _refuse_links(self) -> None:
        """Refuse a folder in which a link leads what is written or removed to another place."""
        trials = self.weights.iterdir() if self.weights.is_dir() else ()
        for file in (*self.path.iterdir(), *trials, *board_files.files(self.path)):
            if file.is_symlink():
                raise OutputExistsError(f"{file} is a link; what a run writes must stay in its folder")

    def _clear(self) -> None:
        """Remove what a run writes, and nothing else."""
        # the answer first, the question last: whatever is left by an end in between is taken for what it is
        for name in ("run.json", "ranking.csv", "genotype.json", "encoder.safetensors", "predictor.safetensors",
                     "answer.txt", "scores.csv", "report.html", "report.json", LOG_NAME, METRICS_NAME, "bank.sqlite",
                     "bank.sqlite-wal", "bank.sqlite-shm", "bank.sqlite-journal",
                     "splits.json", "estimator.json"):  # fmt: skip
            (self.path / name).unlink(missing_ok=True)
        for file in (file for ending in _TRIAL_FILES for file in self.weights.glob(f"*{ending}*")):
            file.unlink()
        board_files.clear(self.path)
        (self.path / "config.json").unlink(missing_ok=True)


def _is_beginning(file: Path) -> bool:
    """Return whether a file is all that a run leaves which ended before it wrote what it was asked."""
    return file.name in (LOCK_NAME, "config.json.partial") or (file.name == "trials" and not any(file.iterdir()))
