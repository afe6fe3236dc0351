"""What a score costs: validation against the seconds of the trial, and who is beaten by nobody in both."""

import math

from nas.report.figures.canvas import COLOURS, FAINT, Drawing, NothingToDrawError, new_figure, plain_log, text_of
from nas.report.figures.history import limits
from nas.report.reading import Candidate, RunReading

_LABELLED = 6


def pareto(run: RunReading) -> Drawing:
    """Return scores of candidates against the seconds of their trials, with the Pareto front.

    Raises:
        NothingToDrawError: If no trial has a score and a time.
    """
    timed = [one for one in run.scored if one.record is not None and one.record.seconds > 0]
    if not timed:
        raise NothingToDrawError("no trial has a score and a time")
    front = front_of(timed, higher_is_better=run.higher_is_better)
    figure = new_figure(height=3.3)
    axes = figure.subplots()
    for trained, colour, label in ((False, FAINT, "untrained"), (True, COLOURS[1], "trained")):
        places = [_place(one) for one in timed if (one.steps > 0) == trained]
        if places:
            axes.plot(*zip(*places, strict=True), "o", ms=4, color=colour, label=label)
    axes.step(*zip(*map(_place, front), strict=True), where="post", color=COLOURS[0], lw=1.4, label="front", zorder=1)
    answer = [_place(one) for one in timed if one.weight > 0]
    if answer:
        axes.plot(*zip(*answer, strict=True), "o", ms=9, mfc="none", mec=COLOURS[4], mew=1.4, label="in the answer")
    for one in front[-_LABELLED:]:
        text = text_of(one.name, longest=24)
        axes.annotate(text, _place(one), xytext=(5, -3), textcoords="offset points", fontsize=7.5, va="top")
    axes.set_xscale("log")
    plain_log(axes.xaxis)
    axes.set(xlabel="seconds of the trial", ylabel=f"validation {run.metric}")
    axes.set_ylim(limits([score for _, score in map(_place, timed)]))
    axes.margins(x=0.1)
    axes.legend(loc="best")
    return Drawing(
        figure,
        f"Validation {run.metric} of {len(timed)} candidates against the seconds that their trials took.",
        f"Of {len(timed)} candidates {len(front)} are on the front: nobody is both better and cheaper. The time is "
        "that of the trial on this machine, with training and probes.",
    )


def front_of(candidates: list[Candidate], *, higher_is_better: bool) -> list[Candidate]:
    """Return those that no other beats in seconds and score at once, the cheapest first."""
    sign = 1.0 if higher_is_better else -1.0
    ordered = sorted(candidates, key=lambda one: (_place(one)[0], -sign * _place(one)[1]))
    front, best = [], -math.inf
    for one in ordered:
        if sign * _place(one)[1] > best:
            best = sign * _place(one)[1]
            front.append(one)
    return front


def _place(one: Candidate) -> tuple[float, float]:
    assert one.record is not None and one.record.score is not None, "only those that are timed and scored are drawn"
    return one.record.seconds, one.record.score
