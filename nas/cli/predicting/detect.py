"""How unusual every time step of a dataset is, and which are anomalies, to a file: `tscnas detect`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compute.memory import memory_budget
from downstream.data.raw import SeriesSet
from nas.cli.predicting.asking import Fitted, asked, fitted
from nas.cli.predicting.table import joined, write_table
from nas.cli.text import Shown, counted
from nas.options.using.predicting import DetectOptions
from search_space.sentences import one_line

_COLUMNS = ("score", "flag", "contributing")
_MOST_NAMED, _LEAST_SHARE = 3, 0.005  # a smaller share is 0.00 in print
_MOST_TOLD = 3


@dataclass(frozen=True)
class Event:
    """A run of flagged time steps.

    Args:
        series: Which series it is in.
        first: Its first step.
        last: Its last step.
        peak: The step of its largest score.
        score: That score.
    """

    series: int
    first: int
    last: int
    peak: int
    score: float


def detect(options: DetectOptions) -> Shown:
    """Score and flag every time step of a dataset, and name the variates behind each flag.

    Args:
        options: Run folder, data, output.

    Raises:
        DataError: If the data is at fault or has other columns than that of training.
        SavedEncoderError: If a file of the run is at fault or missing.
        OptionError: If the run detects no anomalies.
        OutputExistsError: If the output exists and may not be replaced.
        MemoryBudgetError: If the memory budget is too small for a single window.
    """
    return detect_with(fitted(options, kind="anomaly"), options)


def detect_with(found: Fitted, options: DetectOptions) -> Shown:
    """Answer as `detect` does with what was read of a run of its kind."""
    with memory_budget(options.memory_budget):
        data, series, represent = asked(options, found)
        with found.fitting():
            detections = found.predictor.detect(represent, series)
            threshold, chosen = found.predictor.threshold, found.predictor.threshold_text
    flags: list[NDArray[np.bool_]] = [one.flags for one in detections]
    if options.threshold is not None:
        threshold, chosen = options.threshold, "It was given by --threshold."
        flags = [one.scores > threshold for one in detections]
    shares = [
        _contributing(one.contributions, flagged, names=data.variates)
        for one, flagged in zip(detections, flags, strict=True)
    ]
    parts = []
    for recording, one, flagged, shared in zip(data.series, detections, flags, shares, strict=True):
        columns = dict(zip(_COLUMNS, (one.scores, flagged.astype(np.int8), shared), strict=True))
        steps = pd.Series(np.arange(len(one.scores)))
        parts.append((steps if recording.stamps is None else recording.stamps, pd.DataFrame(columns)))
    table = joined(data, parts)
    write_table(Path(options.output), table)
    events = [
        event
        for number, (one, flagged) in enumerate(zip(detections, flags, strict=True))
        for event in events_of(number, one.scores, flagged)
    ]
    lines = [
        f"{options.output}: {_counts(data, flags, events)}",
        f"Threshold {threshold:.4g}. {one_line(chosen)}",
        *_strongest(data, parts, events),
    ]
    return Shown("\n".join(lines))


def events_of(series: int, scores: NDArray[np.float64], flags: NDArray[np.bool_]) -> list[Event]:
    """Return the runs of flags of a series, in order of time.

    Args:
        series: Its number.
        scores: How unusual each step is, (time,).
        flags: Whether each step is flagged, (time,).
    """
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    runs = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    peaks = [(first, end, first + int(np.argmax(scores[first:end]))) for first, end in runs]
    return [Event(series, int(first), int(end) - 1, int(peak), float(scores[peak])) for first, end, peak in peaks]


def _contributing(shares: NDArray[Any], flags: NDArray[np.bool_], *, names: Sequence[str]) -> NDArray[np.object_]:
    """Return the variates that carry the score of flagged steps, the largest share first; empty elsewhere, (time,).

    Args:
        shares: Of each variate in the score, (time, variates).
        flags: Whether each step is flagged, (time,).
        names: Of the variates.
    """
    texts = np.full(len(flags), "", dtype=object)
    for row in np.flatnonzero(flags):
        largest = np.argsort(-shares[row], kind="stable")[:_MOST_NAMED]
        texts[row] = ", ".join(
            f"{names[at]} {shares[row, at]:.2f}" for at in largest if shares[row, at] >= _LEAST_SHARE
        )
    return texts


def _counts(data: SeriesSet, flags: Sequence[NDArray[np.bool_]], events: Sequence[Event]) -> str:
    n_steps, n_flagged = sum(map(len, flags)), sum(int(flagged.sum()) for flagged in flags)
    where = ""
    if len(data.series) > 1:
        where = f" in {len({event.series for event in events})} of {len(data.series)} series"
    return f"{counted(n_steps, 'time step')}, {n_flagged:,} flagged in {counted(len(events), 'event')}{where}"


def _strongest(data: SeriesSet, parts: Sequence[tuple[pd.Series, pd.DataFrame]], events: Sequence[Event]) -> list[str]:
    """Return the lines on the events of the largest scores."""
    strongest = sorted(events, key=lambda event: -event.score)[:_MOST_TOLD]
    lines = ["Strongest events:"] if strongest else []
    for event in strongest:
        stamps, columns = parts[event.series]
        first, last = (stamps.iloc[at] for at in (event.first, event.last))
        span = f"{first}" if event.first == event.last else f"{first} to {last}"
        name = f"{data.series[event.series].name}, " if len(data.series) > 1 else ""
        n_steps = counted(event.last - event.first + 1, "step")
        behind = columns["contributing"].iloc[event.peak]
        lines.append(one_line(f"  {name}{span}: {n_steps}, score up to {event.score:.4g} ({behind})"))
    return lines
