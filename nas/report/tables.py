"""Tables of text: cells in line, and scores with one line per method, the headline value first."""

from collections.abc import Sequence

from downstream.scores import STOPPED
from nas.report.rows import Row

MOST_COLUMNS = 7


def score_table(rows: Sequence[Row]) -> str:
    """Return aligned lines: method, headline value, further figures that belong to the headline.

    Further figures are those of the headline's own metric by horizon (`mse/24`), or else the other metrics. Below
    stands, for whom it is so, what was left out, and that a fit was stopped early.
    """
    first = rows[0].scores
    columns = further_metrics(rows)
    better = "higher" if first.higher_is_better else "lower"
    heads = [f"{first.metric} ({better} is better)", *(name.removeprefix(f"{first.metric}/") for name in columns)]
    lines = [[row.name, _figure(row.scores.value), *(_figure(row.scores.metrics.get(name)) for name in columns)]
             for row in rows]  # fmt: skip
    return "\n".join([aligned(["method", *heads], lines, numbers_from=1), *_notes(rows)])


def _notes(rows: Sequence[Row]) -> list[str]:
    notes: dict[str, list[str]] = {}
    for row in rows:
        for name, text in row.scores.settings.items():
            if name.endswith(STOPPED) or text.startswith("left out"):
                notes.setdefault(f"{name}: {text}", []).append(row.name)
    return [f"{text} - {', '.join(names)}" for text, names in notes.items()]


def further_metrics(rows: Sequence[Row]) -> list[str]:
    """Return the names of the figures to show beside the headline value."""
    first = rows[0].scores
    names = list(dict.fromkeys(name for row in rows for name in row.scores.metrics))
    by_horizon = [name for name in names if name.startswith(f"{first.metric}/")]
    others = [name for name in names if name != first.metric and not set(name) & set("/.")]
    return (by_horizon or others)[:MOST_COLUMNS]


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int) -> str:
    """Return a table as lines; the columns from `numbers_from` on are flush right."""
    columns = [
        [cell.ljust(width) if at < numbers_from else cell.rjust(width) for cell in column]
        for at, column in enumerate(zip(head, *rows, strict=True))
        for width in [max(map(len, column))]
    ]
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
