"""Mean ranks of methods over datasets, with the critical difference of Nemenyi's test (Demsar 2006, JMLR 7:1-30)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.report.figures.canvas import COLOURS, FAINT, INK, Drawing, NothingToDrawError, new_figure, text_of

FEWEST_DATASETS, FEWEST_METHODS = 2, 3
_LEVEL = 0.05


class Ranks(NamedTuple):
    """Methods with their mean ranks, the best first.

    Attributes:
        methods: Their names.
        means: 1 is best; ties share the mean of their ranks, (methods,).
        n_datasets: How many datasets were ranked on.
        p: Of Friedman's test that all methods are alike.
        critical: By how much two means must differ at the 5 % level, by Nemenyi's test.
    """

    methods: list[str]
    means: NDArray[np.float64]
    n_datasets: int
    p: float
    critical: float

    @property
    def cliques(self) -> list[tuple[int, int]]:
        """First and last place of each largest set of methods that the test does not tell apart."""
        last = [int(np.flatnonzero(self.means <= mean + self.critical).max()) for mean in self.means]
        return [(place, end) for place, end in enumerate(last) if end > place and (place == 0 or end > last[place - 1])]


def mean_ranks(methods: Sequence[str], scores: NDArray[np.float64]) -> Ranks:
    """Return mean ranks.

    Args:
        methods: Their names.
        scores: Higher is better, (datasets, methods).

    Raises:
        NothingToDrawError: If there are fewer than two datasets or three methods.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    n, k = scores.shape
    if n < FEWEST_DATASETS or k < FEWEST_METHODS:
        raise NothingToDrawError(
            f"mean ranks need {FEWEST_DATASETS} datasets and {FEWEST_METHODS} methods that were tested on all of them, "
            f"there are {n} and {k}"
        )
    means = rankdata(-scores, axis=1).mean(axis=0)
    alike = bool((np.ptp(scores, axis=1) == 0).all())
    p = 1.0 if alike else float(friedmanchisquare(*scores.T).pvalue)
    critical = float(studentized_range.ppf(1 - _LEVEL, k, np.inf)) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))
    order = np.argsort(means, kind="stable")
    return Ranks([methods[place] for place in order], means[order], n, p, float(critical))


def critical_difference(ranks: Ranks) -> Drawing:
    """Return the diagram: methods on the axis of mean ranks, a bar over those that the test does not tell apart."""
    k = len(ranks.methods)
    cliques = ranks.cliques
    rows = (k + 1) // 2
    top = 0.9 + 0.22 * len(cliques)
    figure = new_figure(height=0.5 + 0.26 * (rows + top / 0.26))
    axes: Any = figure.subplots()
    low, high = 1.0, float(k)
    margin = 0.42 * (high - low)
    axes.set_axis_off()
    axes.set(xlim=(low - margin, high + margin), ylim=(-(top + 0.26 * rows), 0.75))
    axes.plot([low, high], [0, 0], color=INK, lw=1.2)
    for tick in range(1, k + 1):
        axes.plot([tick, tick], [0, 0.08], color=INK, lw=1)
        axes.text(tick, 0.12, str(tick), ha="center", va="bottom", fontsize=8)
    axes.plot([low, low + min(ranks.critical, high - low)], [0.5, 0.5], color=COLOURS[1], lw=2)
    axes.text(low, 0.55, f"critical difference {ranks.critical:.2f}", va="bottom", fontsize=8)
    for place, (name, mean) in enumerate(zip(ranks.methods, ranks.means, strict=True)):
        left = place < rows
        y = -(top + 0.26 * (place if left else k - 1 - place))
        end, side = (low - 0.02 * margin, "right") if left else (high + 0.02 * margin, "left")
        axes.plot([mean, mean, end], [0, y, y], color=COLOURS[0] if name.startswith("chosen") else FAINT, lw=1)
        label = f"{text_of(name, longest=34)} {mean:.2f}"
        axes.text(end, y, f"{label} " if left else f" {label}", ha=side, va="center", fontsize=8.5)
    for number, (first, last) in enumerate(cliques):
        y = -0.25 - 0.22 * number
        ends = [ranks.means[first] - 0.03, ranks.means[last] + 0.03]
        axes.plot(ends, [y, y], color=INK, lw=3, solid_capstyle="round")
    told = ", ".join(f"{name} {mean:.2f}" for name, mean in zip(ranks.methods, ranks.means, strict=True))
    sure = "so they differ" if ranks.p < _LEVEL else "so nothing says that they differ at all"
    few = " So few datasets can hardly tell methods apart." if ranks.n_datasets < 2 * k else ""
    return Drawing(
        figure,
        f"Mean ranks of {k} methods over {ranks.n_datasets} datasets: {told}.",
        f"Mean ranks over {ranks.n_datasets} datasets, 1 is best. Friedman's test that all methods are alike: "
        f"p = {ranks.p:.3g}, {sure}. Methods under one bar differ by less than the critical difference of Nemenyi's "
        f"test at the 5 % level ({ranks.critical:.2f}).{few}",
    )
