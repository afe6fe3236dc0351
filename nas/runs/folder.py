"""A run's folder: what it was asked, the bank of its trials, weights, log, metrics and answer."""

import contextlib
import csv
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ahc.bank.export import plain_cell
from compute.paths import user_path
from nas.errors import OutputExistsError
from nas.runs import board_files
from nas.runs.events import LOG_NAME, METRICS_NAME, RunEvents
from nas.runs.lock import LOCK_NAME, folder_lock
from nas.runs.whole_file import write_whole_text
from search_space.sentences import one_line

# these decide how a run is carried out, not what it is to find
_NOT_PART_OF_THE_QUESTION = ("output", "overwrite", "quiet", "workers", "engine", "device", "dry_run", "time_limit",
                             "time_budget", "memory_limit", "memory_budget", "gpu_share", "tensorboard")  # fmt: skip

_TRIAL_FILES = (".safetensors", ".state", ".npy")


class RunFolder:
    """The folder of one run; an interrupted run with the same question goes on where it stopped.

    Args:
        path: The folder; nothing is written before `start`.
        config: The resolved options of the run, as JSON values.
        overwrite: Start anew in a folder that holds another run.

    Raises:
        OutputExistsError: If the folder holds something that is no run, or a run with other options.
    """

    def __init__(self, path: str | os.PathLike[str], *, config: Mapping[str, Any], overwrite: bool = False) -> None:
        self.path = user_path(path)
        self.events = RunEvents(self.path)
        self._overwrite = overwrite
        question = {key: value for key, value in config.items() if key not in _NOT_PART_OF_THE_QUESTION}
        self._config = {"question": json.loads(json.dumps(question)), "options": dict(config)}
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
        """Whether the run has its answer and keeps it; one that was cut short goes on when it is given more time."""
        return not self._overwrite and (self.path / "run.json").is_file() and not self._has_more_time()

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
        # an option that an earlier version did not have counts as not given, a switch as off
        changed = sorted(
            key for key in {*before, *question} if (before.get(key) or None) != (question.get(key) or None)
        )
        changed = [key for key in changed if key not in _NOT_PART_OF_THE_QUESTION]
        if changed:
            what = "on other data" if {"task_hash", "names_hash"} & {*changed} else "with other options"
            options = [key for key in changed if key not in ("task_hash", "names_hash")]
            differ = f" ({one_line(', '.join(options))} differ)" if options else ""
            raise OutputExistsError(
                f"{self.path} holds a run {what}{differ}; choose another --output or pass --overwrite"
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
                     "answer.txt", "scores.csv", LOG_NAME, METRICS_NAME, "bank.sqlite", "bank.sqlite-wal",
                     "bank.sqlite-shm", "bank.sqlite-journal"):  # fmt: skip
            (self.path / name).unlink(missing_ok=True)
        for file in (file for ending in _TRIAL_FILES for file in self.weights.glob(f"*{ending}*")):
            file.unlink()
        board_files.clear(self.path)
        (self.path / "config.json").unlink(missing_ok=True)


def _is_beginning(file: Path) -> bool:
    """Return whether a file is all that a run leaves which ended before it wrote what it was asked."""
    return file.name in (LOCK_NAME, "config.json.partial") or (file.name == "trials" and not any(file.iterdir()))
