"""How the search went: the validation curve of every trial, and the best value so far."""

import numpy as np

from nas.report.figures.canvas import COLOURS, FAINT, Drawing, NothingToDrawError, new_figure, text_of
from nas.report.reading import RunReading

_SPREAD = 3.0  # interquartile ranges beyond the quartiles that are still shown


def history(run: RunReading) -> Drawing:
    """Return the learning curves of all trials, those of the answer in colour, and the best so far by trial.

    Raises:
        NothingToDrawError: If no trial has a score.
    """
    scored = run.scored
    if not scored:
        raise NothingToDrawError("no trial has a score")
    figure = new_figure(height=3.4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    answer = [one for one in scored if one.weight > 0]
    curves = {
        one.key: [(step, score) for step, score, _ in one.record.curve if score is not None]
        for one in scored
        if one.record is not None
    }
    for one in scored:
        if one not in answer:
            left.plot(*zip(*curves[one.key], strict=True), color=FAINT, alpha=0.45, lw=1, marker="o", ms=2.5)
    for one, colour in zip(answer, COLOURS, strict=False):
        label = text_of(one.name, longest=28)
        left.plot(*zip(*curves[one.key], strict=True), color=colour, lw=1.8, marker="o", ms=4.5, label=label)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.set(xlabel="optimiser steps (0: untrained)", ylabel=f"validation {run.metric}", title="every trial")
    left.set_ylim(limits([score for curve in curves.values() for _, score in curve]))
    if answer:
        left.legend(title="in the answer", loc="best")
    ends = [
        (float(event["validation"]), int(event.get("iterations") or 0))
        for event in run.events
        if event.get("event") == "trial" and isinstance(event.get("validation"), int | float)
    ]
    if ends:
        scores = np.asarray([score for score, _ in ends])
        best = (np.maximum if run.higher_is_better else np.minimum).accumulate(scores)
        numbers = np.arange(1, len(ends) + 1)
        trained = np.asarray([steps > 0 for _, steps in ends])
        right.plot(numbers[~trained], scores[~trained], "o", ms=3, color=FAINT, label="untrained")
        right.plot(numbers[trained], scores[trained], "o", ms=3, color=COLOURS[1], label="trained")
        right.step(numbers, best, where="post", color=COLOURS[0], lw=1.6, label="best so far")
        right.set(xlabel="trials, in the order of their end", title="the best so far")
        right.set_ylim(limits(scores.tolist()))
        right.legend(loc="best")
    direction = "higher" if run.higher_is_better else "lower"
    n_trained = sum(one.steps > 0 for one in scored)
    return Drawing(
        figure,
        f"Validation {run.metric} of {len(scored)} candidates along training, and the best value so far by trial.",
        f"{len(scored)} candidates, {n_trained} of them trained; {run.metric}, {direction} is better. A point at 0 is "
        "an untrained encoder. Values far outside are cut off.",
    )


def limits(values: list[float]) -> tuple[float, float]:
    """Return limits that hold what lies near the bulk: one that diverged must not flatten all others."""
    low, high = np.quantile(values, [0.25, 0.75])
    reach = _SPREAD * max(high - low, 1e-3 * max(abs(high), abs(low), 1e-9))
    inside = [value for value in values if low - reach <= value <= high + reach]
    margin = 0.06 * max(max(inside) - min(inside), 1e-3 * max(abs(max(inside)), 1e-9))
    return min(inside) - margin, max(inside) + margin
