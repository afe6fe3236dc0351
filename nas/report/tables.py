"""Tables of text: cells in line, and scores with one line per method, the headline value first."""

from collections.abc import Sequence

from downstream.scores import STOPPED, Scores
from nas.report.rows import Row

MOST_COLUMNS = 7


def score_table(rows: Sequence[Row]) -> str:
    """Return aligned lines: method, headline value with its interval, further figures, and the size of encoders.

    Further figures are those of the headline's own metric by horizon (`mse/24`), or else the other metrics. Below
    stands, for whom it is so, what was left out, and that a fit was stopped early.
    """
    first = rows[0].scores
    better = "higher" if first.higher_is_better else "lower"
    columns = {f"{first.metric} ({better} is better)": [_figure(row.scores.value) for row in rows]}
    if any(row.scores.interval for row in rows):
        columns["95 % interval"] = [interval_text(row.scores) or "-" for row in rows]
    for name in further_metrics(rows):
        columns[name.removeprefix(f"{first.metric}/")] = [_figure(row.scores.metrics.get(name)) for row in rows]
    for name in ("parameters", "multiply_adds"):
        counts = [getattr(row, name) for row in rows]
        if any(count is not None for count in counts):
            columns[name.replace("_", "-")] = ["-" if count is None else f"{count:,}" for count in counts]
    cells = list(zip([row.name for row in rows], *columns.values(), strict=True))
    return "\n".join([aligned(["method", *columns], cells, numbers_from=1), *_notes(rows)])


def interval_text(scores: Scores) -> str:
    """Return the 95 % interval of a value in words; empty where there is none."""
    return "" if scores.interval is None else " to ".join(short_figure(end) for end in scores.interval)


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


def short_figure(value: float) -> str:
    """Return a figure as it is said in a sentence: three decimals, or three digits of what is tiny or huge."""
    size = abs(value)
    if 100.0 <= size < 1e7:
        return f"{value:,.0f}"
    return f"{value:.3f}" if 0.1 <= size < 100.0 or value == 0.0 else f"{value:.3g}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
