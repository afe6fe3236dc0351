"""What the answer predicts of the test part, beside the truth: a picture for each form of them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nas.report.figures.canvas import BAD, COLOURS, FAINT, INK, Drawing, NothingToDrawError, new_figure, text_of
from nas.report.reading import RunReading

_CELLS_WITH_NUMBERS = 12


def examples(run: RunReading) -> Drawing:
    """Return predictions of the answer beside the truth of the test part.

    Raises:
        NothingToDrawError: If the run has none, as where the data has no test part.
    """
    found = run.evidence.get("examples") or {}
    draw = _FORMS.get(str(found.get("form")))
    if draw is None or found.get("panels") == []:
        raise NothingToDrawError("the run's report.json holds no predictions beside the truth")
    return draw(found)


def _forecasts(found: Mapping[str, Any]) -> Drawing:
    panels = found["panels"]
    origins = list(dict.fromkeys(panel["step"] for panel in panels))
    names = list(dict.fromkeys(panel["name"] for panel in panels))
    figure = new_figure(height=0.6 + 1.55 * len(names))
    grid = figure.subplots(len(names), len(origins), squeeze=False, sharex="col", sharey="row")
    for panel in panels:
        axes = grid[names.index(panel["name"]), origins.index(panel["step"])]
        past, truth, forecast = (_numbers(panel[name]) for name in ("past", "truth", "forecast"))
        ahead = np.arange(1, len(forecast) + 1)
        axes.fill_between(ahead, _numbers(panel["low"]), _numbers(panel["high"]), color=COLOURS[0], alpha=0.2, lw=0,
                          label="80 % interval")  # fmt: skip
        axes.plot(np.arange(1 - len(past), 1), past, color=FAINT, lw=1, label="past")
        axes.plot(ahead, truth, color=INK, lw=1, label="truth")
        axes.plot(ahead, forecast, color=COLOURS[0], lw=1.3, label="forecast")
        axes.axvline(0.5, color=FAINT, lw=0.8, ls=":")
    for row, name in zip(grid, names, strict=True):
        row[0].set_ylabel(text_of(name, longest=24))
    for axes, origin in zip(grid[0], origins, strict=True):
        axes.set_title(f"from row {origin + 1:,} on")
    for axes in grid[-1]:
        axes.set_xlabel("steps ahead")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return Drawing(
        figure,
        f"Forecasts of {len(names)} variates beside the truth of the test part, from {len(origins)} moments.",
        "Forecasts of the first series from a third and two thirds through the test part, in its own unit; the band "
        "should hold four of five values. These moments were fixed beforehand, not chosen for their look.",
    )


def _scores(found: Mapping[str, Any]) -> Drawing:
    panels, threshold = found["panels"], float(found["threshold"])
    figure = new_figure(height=0.4 + 2.3 * len(panels))
    grid = figure.subplots(2 * len(panels), 1, squeeze=False, height_ratios=(3, 2) * len(panels))[:, 0]
    for number, panel in enumerate(panels):
        above, below = grid[2 * number : 2 * number + 2]
        scores = _numbers(panel["scores"])
        steps = panel["first"] + np.arange(len(scores))
        for name, values, colour in zip(panel["variates"], panel["values"], (INK, *COLOURS[1:]), strict=False):
            above.plot(steps, _numbers(values), color=colour, lw=0.9, label=text_of(name, longest=24))
        below.plot(steps, scores, color=COLOURS[0], lw=1.0)
        below.axhline(threshold, color=BAD, lw=0.9, ls="--")
        for begin, end in _stretches(panel["labels"] or ()):
            for axes in (above, below):
                axes.axvspan(steps[begin] - 0.5, steps[end - 1] + 0.5, color=BAD, alpha=0.18, lw=0)
        above.set(title=text_of(panel["name"], longest=60), xticklabels=[], xlim=(steps[0], steps[-1]))
        if len(panel["variates"]) > 1:
            above.legend(loc="upper left", ncols=3)
        else:
            above.set_ylabel(text_of(panel["variates"][0], longest=16))
        below.set(ylabel="score", xlim=(steps[0], steps[-1]))
        below.set_ylim(0, max(1.15 * threshold, 1.05 * float(np.nanquantile(scores, 0.999))))
    grid[-1].set_xlabel("step of the test part")
    return Drawing(
        figure,
        f"Anomaly scores below {len(panels)} series of the test part; the threshold is {threshold:g}.",
        "Red stretches are labelled as anomalies; what exceeds the dashed threshold is flagged. Of a long series this "
        "is the stretch around its first labelled anomaly.",
    )


def _confusion(found: Mapping[str, Any]) -> Drawing:
    counts, names = np.asarray(found["counts"], dtype=float), [text_of(name, longest=20) for name in found["classes"]]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    size = min(6.5, 2.4 + 0.32 * len(names))
    figure = new_figure(width=size + 1.0, height=size)
    axes = figure.subplots()
    places = np.arange(len(names) + 1) - 0.5
    axes.pcolormesh(places, places, shares, cmap="Blues", vmin=0, vmax=1, edgecolors=FAINT, linewidth=0.3)
    if len(names) <= _CELLS_WITH_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            ink = "#ffffff" if shares[row, column] > 0.55 else "#14213d"
            axes.text(column, row, f"{count:g}", ha="center", va="center", color=ink, fontsize=8)
    ticks = np.arange(len(names))
    axes.set(xticks=ticks, yticks=ticks, xlabel="predicted", ylabel="truth", aspect="equal")
    axes.set_xticklabels(names, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticklabels(names)
    axes.invert_yaxis()
    axes.grid(visible=False)
    left_out = found.get("n_left_out") or 0
    more = f" {left_out} classes with fewer mistakes are left out." if left_out else ""
    return Drawing(
        figure,
        f"How often test cases of {len(names)} classes are given to each of them.",
        f"{counts.sum():,.0f} test cases, a row per true class; the darker a cell, the larger its share of the row."
        f"{more}",
    )


def _targets(found: Mapping[str, Any]) -> Drawing:
    truth, predicted = _numbers(found["truth"]), _numbers(found["predicted"])
    figure = new_figure(width=5.0, height=3.6)
    axes = figure.subplots()
    ends = [np.nanmin([truth, predicted]), np.nanmax([truth, predicted])]
    axes.plot(ends, ends, color=FAINT, lw=0.9, ls="--", label="exact")
    axes.plot(truth, predicted, "o", ms=3.2, mew=0, alpha=0.7, color=COLOURS[0])
    axes.set(xlabel="truth", ylabel="predicted")
    axes.legend(loc="best")
    return Drawing(
        figure,
        f"Predicted against true targets of {len(truth)} test cases.",
        f"{len(truth)} test cases, evenly taken; a point on the dashed line is predicted exactly.",
    )


_FORMS: dict[str, Callable[[Mapping[str, Any]], Drawing]] = {
    "forecasts": _forecasts,
    "scores": _scores,
    "confusion": _confusion,
    "targets": _targets,
}


def _numbers(values: Any) -> Any:
    """Return numbers as an array, null as NaN."""
    return np.asarray(values, dtype=float)


def _stretches(labels: Any) -> list[tuple[int, int]]:
    """Return begin and end of each stretch of ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(labels, dtype=int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
