"""The report of a run as its files: what only the data can tell in `report.json`, the page in `report.html`."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from downstream.task import Task
from nas.report.evidence.file import write_evidence
from nas.report.evidence.gather import evidence_of
from nas.report.figures.drawn import Drawn, draw_all
from nas.report.page.run_page import run_page
from nas.report.reading import RunReading
from nas.runs.whole_file import write_whole_text
from search_space.sentences import one_line

PAGE_NAME = "report.html"


class ReportWarning(UserWarning):
    """A finished search could not be drawn; its answer is complete."""


class RunReport:
    """The report at the end of a search: what takes time is done before the answer says how long all took.

    Whatever goes wrong is a warning, since the search has come to its end.

    Args:
        folder: Of the run, which holds its trials and tables.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drawn: Mapping[str, Drawn] | None = None

    def gather(self, task: Task, opened: Any, *, encoder: Path, predictor: Path, device: str) -> None:
        """Write what only the data can tell, and draw all figures; the arguments are those of `evidence_of`."""
        with _spoils_nothing():
            evidence = evidence_of(task, opened, encoder=encoder, predictor=predictor, device=device)
            write_evidence(self._folder, evidence)
            self._drawn = draw_all(RunReading.of(self._folder))

    def write(self, *, command: str) -> None:
        """Write the page of the run, whose folder is complete now."""
        if self._drawn is not None:
            with _spoils_nothing():
                write_page(RunReading.finished(self._folder), self._drawn, self._folder / PAGE_NAME, command=command)


def write_page(run: RunReading, drawn: Mapping[str, Drawn], path: Path, *, command: str) -> None:
    """Write the page of a finished run, complete or not at all.

    Raises:
        OSError: If the file cannot be written, or the run's answer not be read.
    """
    text = (run.folder / "answer.txt").read_text(encoding="utf-8")
    write_whole_text(path, run_page(run, drawn, text=text, command=command))


@contextlib.contextmanager
def _spoils_nothing() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        warnings.warn(f"the report was not written ({reason}); the answer is complete", ReportWarning, stacklevel=4)
