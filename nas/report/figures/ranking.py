"""How well the ranking held: what was foreseen and what is believed, against what was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nas.report.figures.canvas import COLOURS, FAINT, Drawing, NothingToDrawError, new_figure
from nas.report.figures.history import limits
from nas.report.reading import RunReading

FEWEST = 4


@dataclass(frozen=True)
class Told:
    """What was said of candidates before or after their trials, and what was measured.

    Args:
        title: What was said.
        measured: Which scores are measured.
        said: In deviations between candidates, higher is better.
        scores: In the metric.
        sd: Standard deviations of what was said; none where they are not known.
        trained: Whether each candidate had optimiser steps.
    """

    title: str
    measured: str
    said: tuple[float, ...]
    scores: tuple[float, ...]
    sd: tuple[float, ...]
    trained: tuple[bool, ...]


def ranking(run: RunReading) -> Drawing:
    """Return two panels, prior and posterior against measured scores, each with Kendall's tau.

    Raises:
        NothingToDrawError: If fewer than `FEWEST` candidates have both.
    """
    panels = [told for told in (foreseen(run), believed(run)) if len(told.said) >= FEWEST]
    if not panels:
        raise NothingToDrawError("too few candidates were both ranked and tried to compare")
    figure = new_figure(height=3.3)
    taus = []
    for axes, told in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw(axes, told)
        tau, p = kendall(told.said, told.scores, higher_is_better=run.higher_is_better)
        axes.set(xlabel=f"{told.title} (deviations)", ylabel=f"validation {run.metric}, {told.measured}")
        axes.set_title(f"Kendall's tau {tau:.2f} (n = {len(told.said)})")
        taus.append(f"{told.title}: Kendall's tau {tau:.2f} (p {p:.2g}, {len(told.said)} candidates)")
    return Drawing(
        figure,
        f"What was said of candidates against their validation {run.metric}.",
        f"{'; '.join(taus)}. It is 1 where the order was right, 0 where it says nothing, negative where it was wrong. "
        "What is believed after the trials has seen these very scores, so its tau is no forecast. Only candidates that "
        "were tried are here, many of them for their promise: among all that were drawn tau would be another.",
    )


def kendall(said: Sequence[float], scores: Sequence[float], *, higher_is_better: bool) -> tuple[float, float]:
    """Return Kendall's tau-b between what was said and how good it was, and p; 0 and 1 where all are equal."""
    from scipy.stats import kendalltau

    found: Any = kendalltau(said, scores)
    if not math.isfinite(found.statistic):
        return 0.0, 1.0
    return float(found.statistic) * (1.0 if higher_is_better else -1.0), float(found.pvalue)


def foreseen(run: RunReading) -> Told:
    """Return what was foreseen of untrained encoders, and their scores."""
    known = [
        (one.prior, one.record.untrained_score)
        for one in run.scored
        if one.prior is not None and one.record is not None and one.record.untrained_score is not None
    ]
    said, scores = zip(*known, strict=True) if known else ((), ())
    return Told("Foreseen before any trial", "untrained", said, scores, (), (False,) * len(said))


def believed(run: RunReading) -> Told:
    """Return what is believed of a full training after the trials, and the scores of the longest trials."""
    known = [(*one.posterior, one.score or 0.0, one.steps > 0) for one in run.scored if one.posterior is not None]
    said, sd, scores, trained = zip(*known, strict=True) if known else ((), (), (), ())
    return Told("Believed after all trials", "of the longest trial", said, scores, sd, trained)


def _draw(axes: Any, told: Told) -> None:
    for which, colour, label in ((False, FAINT, "untrained"), (True, COLOURS[1], "trained")):
        some = [place for place, trained in enumerate(told.trained) if trained == which]
        if some:
            said, scores = ([values[place] for place in some] for values in (told.said, told.scores))
            bars = [told.sd[place] for place in some] if told.sd else None
            axes.errorbar(said, scores, xerr=bars, fmt="o", ms=4, color=colour, elinewidth=0.7, alpha=0.85, label=label)
    axes.set_ylim(limits(list(told.scores)))
    if any(told.trained):
        axes.legend(loc="best")
