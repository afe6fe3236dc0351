"""A map of the chosen encoder: training windows in the plane, coloured by what is known of them or by time."""

import math
from collections import Counter
from typing import Any

import numpy as np

from nas.report.figures.canvas import COLOURS, FAINT, Drawing, NothingToDrawError, new_figure, text_of
from nas.report.reading import RunReading

_NUMBERS = 12
"""More different texts than these, all of them numbers, are a scale."""


def embedding_map(run: RunReading) -> Drawing:
    """Return the map by PCA and by t-SNE, side by side.

    Raises:
        NothingToDrawError: If the run has no map.
    """
    found = run.evidence.get("map") or {}
    if not found:
        raise NothingToDrawError("the run's report.json holds no map of its encoder")
    texts, word = [str(text) for text in found.get("texts") or ()], str(found.get("word") or "")
    figure = new_figure(height=3.8)
    left, right = figure.subplots(1, 2)
    explained = [100 * share for share in found["explained"]]
    panels = (
        (
            left,
            np.asarray(found["pca"], dtype=float),
            f"PCA: {explained[0]:.0f} % and {explained[1]:.0f} % of the variance",
        ),
        (right, np.asarray(found["tsne"], dtype=float), "t-SNE: near is alike, distances are not"),
    )
    for axes, places, title in panels:
        _draw(axes, places, texts)
        axes.set(xticks=[], yticks=[], title=title)
        axes.grid(visible=False)
    scale = _scale(texts)
    if scale is not None or not texts:
        bar = figure.colorbar(left.collections[0], ax=[left, right], shrink=0.8, pad=0.02)
        bar.set_label(text_of(word) if texts else "order in the training data, the latest last")
        bar.outline.set_visible(False)
    else:
        handles, labels = right.get_legend_handles_labels()
        if labels:
            figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(labels)), title=text_of(word))
    by, n = word if texts else "time", len(found["pca"])
    return Drawing(
        figure,
        f"{n} training windows as the chosen encoder represents them, by PCA and t-SNE, coloured by {by}.",
        f"{n} training windows, evenly taken, as the chosen encoder represents them (features standardised), coloured "
        f"by {by}. t-SNE looks at the first 50 principal components.",
    )


def _scale(texts: list[str]) -> list[float] | None:
    """Return texts as the numbers of a scale; None where they are names."""
    if len(set(texts)) <= _NUMBERS:
        return None
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _draw(axes: Any, places: Any, texts: list[str]) -> None:
    scale = _scale(texts)
    if scale is not None or not texts:
        colours = np.arange(len(places)) if scale is None else scale
        axes.scatter(*places.T, s=9, c=colours, cmap="viridis", linewidths=0, alpha=0.8)
        return
    names = [name for name, _ in Counter(texts).most_common()]
    several = len(names) > len(COLOURS)
    shown = sorted(names[: len(COLOURS) - 1] if several else names)
    of = np.asarray(texts)
    others = ~np.isin(of, shown)
    if others.any():
        axes.plot(
            *places[others].T, "o", ms=3, mew=0, color=FAINT, alpha=0.5, label=f"{len(names) - len(shown)} others"
        )
    for name, colour in zip(shown, COLOURS, strict=False):
        axes.plot(*places[of == name].T, "o", ms=3.4, mew=0, color=colour, alpha=0.8, label=text_of(name, longest=24))
