"""A run told to trackers of experiments; one that fails is warned of once and left, and the run goes on."""

import contextlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ahc.record import CurvePoint as Point
from ahc.record import TrialRecord
from nas.board.trackers import Tracker, new_tracker
from nas.errors import OptionError, TrackingWarning
from search_space.sentences import one_line

_FILES = ("answer.txt", "report.html", "genotype.json", "ranking.csv", "scores.csv", "encoder.safetensors")


class Tracking:
    """Hears of the trials of a run and tells one tracker.

    Args:
        name: Of the tracker.
        run: The run's folder, whose files are told at the end.
        settings: Those of the run.

    Raises:
        OptionError: If the package cannot be imported.
    """

    def __init__(self, name: str, run: Path, *, settings: Mapping[str, Any]) -> None:
        self._name, self._run, self._n_trials = name, run, 0
        self._tracker: Tracker | None = None
        self._failed = False
        given = {key: value for key, value in settings.items() if value not in (None, [])}
        try:
            self._tracker = new_tracker(name, run.name, given)
        except ImportError as error:
            raise OptionError(f"track: {name} does not work ({one_line(str(error))})") from error
        except Exception as error:  # a tracker raises whatever it likes
            self._leave(error)

    def point(self, trial: str, point: Point, *, metric: str) -> None:
        """Tell a point of a curve."""
        iteration, score, loss = point
        values = {name: value for name, value in ((metric, score), ("loss", loss)) if value is not None}
        self._tell(lambda tracker: tracker.curve(trial, values, iteration=iteration))

    def trial(self, record: TrialRecord) -> None:
        """Tell what a trial scored, over the number of trials that have ended."""
        self._n_trials += 1
        score = record.score
        if score is not None:
            values = {f"trials/{record.metric}": score}
            self._tell(lambda tracker: tracker.scores(values, step=self._n_trials))

    def end(self, status: str) -> None:
        """Tell the final scores and files of a finished run, and that it ended."""
        if status == "finished":
            self._tell(self._hand_over)
        if self._failed and self._tracker is not None:
            with contextlib.suppress(Exception):  # it has been said that it fails
                self._tracker.end("failed")
        self._tell(lambda tracker: tracker.end(status))

    def _hand_over(self, tracker: Tracker) -> None:
        facts = json.loads((self._run / "run.json").read_text(encoding="utf-8"))
        scores = {
            f"test/{row['method']}/{name.replace('/', '.')}": float(value)  # some trackers make folders of names
            for row in facts["rows"]
            for name, value in {row["metric"]: row["value"], **row["metrics"]}.items()
            if value is not None
        }
        if scores:
            tracker.scores(scores, step=self._n_trials)
        tracker.files([path for name in _FILES if (path := self._run / name).is_file()])

    def _tell(self, what: Callable[[Tracker], None]) -> None:
        if self._tracker is None or self._failed:
            return
        try:
            what(self._tracker)
        except Exception as error:  # a tracker raises whatever it likes
            self._leave(error)

    def _leave(self, error: Exception) -> None:
        self._failed = True
        text = f"{self._name} failed ({type(error).__name__}: {one_line(str(error))}); the run goes on without it"
        warnings.warn(text, TrackingWarning, stacklevel=2)


def started_trackers(names: Sequence[str], run: Path, *, settings: Mapping[str, Any]) -> list[Tracking]:
    """Return listeners that tell trackers of a run, each with a run of its own."""
    return [Tracking(name, run, settings=settings) for name in dict.fromkeys(names)]
