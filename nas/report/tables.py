"""Scores as a table of text: one line per method, the headline value first."""

from collections.abc import Sequence

from nas.report.rows import Row

MOST_COLUMNS = 7


def score_table(rows: Sequence[Row]) -> str:
    """Return aligned lines: method, headline value, further figures that belong to the headline.

    Further figures are those of the headline's own metric by horizon (`mse/24`), or else the other metrics.
    """
    first = rows[0].scores
    columns = further_metrics(rows)
    better = "higher" if first.higher_is_better else "lower"
    heads = [f"{first.metric} ({better} is better)", *(name.removeprefix(f"{first.metric}/") for name in columns)]
    lines = [[row.name, _figure(row.scores.value), *(_figure(row.scores.metrics.get(name)) for name in columns)]
             for row in rows]  # fmt: skip
    table = [["method", *heads], *lines]
    widths = [max(len(line[at]) for line in table) for at in range(len(heads) + 1)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in table
    )


def further_metrics(rows: Sequence[Row]) -> list[str]:
    """Return the names of the figures to show beside the headline value."""
    first = rows[0].scores
    names = list(dict.fromkeys(name for row in rows for name in row.scores.metrics))
    by_horizon = [name for name in names if name.startswith(f"{first.metric}/")]
    others = [name for name in names if name != first.metric and not set(name) & set("/.")]
    return (by_horizon or others)[:MOST_COLUMNS]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
