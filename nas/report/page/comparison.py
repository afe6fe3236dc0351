"""The page that compares several runs: their answers side by side, and methods by their mean ranks over datasets."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from nas.report.figures.canvas import NothingToDrawError, style, svg_of
from nas.report.figures.ranks import critical_difference, mean_ranks
from nas.report.page.blocks import Block, Picture, Section, Table, Words, html_of
from nas.report.page.tables import figure
from nas.report.reading import RunReading
from nas.report.rows import Row
from nas.runs.whole_file import write_whole_text
from nas.version import __version__
from search_space.sentences import one_line

CHOSEN = "chosen"
_NO_METHOD = ("data", "rng_seed", "task_hash", "names_hash", "space", "svm")
"""Parts of a question that are not the way in which one searches."""


def write_comparison(runs: Sequence[RunReading], path: Path) -> None:
    """Write the page of several finished runs, complete or not at all."""
    names = _names(runs)
    ways = _ways(runs)
    sections = [
        Section("runs", "The runs", [_runs_table(runs, names, ways)]),
        *_side_by_side(runs, names),
        Section("ranks", "Mean ranks over datasets", _ranks(runs, ways)),
    ]
    page = html_of(
        f"{len(runs)} searches compared",
        sections,
        subtitle=f"{len({run.question['task_hash'] for run in runs})} datasets",
        foot=f"ts-contrastive-nas {__version__}; this page loads nothing.",
    )
    write_whole_text(path, page)


def scores_by_dataset(runs: Sequence[RunReading], ways: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Return the methods that were tested on every dataset, and how good they are.

    Runs of the same dataset are one: what has the same name in them counts by its mean.

    Returns:
        Names of methods; scores, higher is better, (datasets, methods).
    """
    found: dict[str, defaultdict[str, list[float]]] = {}
    for run, way in zip(runs, ways, strict=True):
        of_dataset = found.setdefault(run.question["task_hash"], defaultdict(list))
        for row in run.rows:
            sign = 1.0 if row.scores.higher_is_better else -1.0
            of_dataset[_label(row, way)].append(sign * row.scores.value)
    first, *rest = found.values()
    methods = [name for name in first if all(name in other for other in rest)]
    return methods, np.asarray([[np.mean(scores[name]) for name in methods] for scores in found.values()])


def _label(row: Row, way: str) -> str:
    return f"{row.name} ({way})" if way and row.name == CHOSEN else row.name


def _names(runs: Sequence[RunReading]) -> list[str]:
    """Return the names of the folders, whole paths where two are alike."""
    short = [run.folder.resolve().name for run in runs]
    return [
        one_line(name if short.count(name) == 1 else str(run.folder)) for name, run in zip(short, runs, strict=True)
    ]


def _ways(runs: Sequence[RunReading]) -> list[str]:
    """Return by which settings each run differs from others on the same dataset, such as `strategy random`."""
    said = [
        {name: json.dumps(value, sort_keys=True) for name, value in run.question.items() if name not in _NO_METHOD}
        | {"space": json.dumps((run.facts.get("space") or {}).get("name"))}
        for run in runs
    ]
    by_dataset: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for run, settings in zip(runs, said, strict=True):
        by_dataset[run.question["task_hash"]].append(settings)
    names = {name for settings in said for name in settings}
    differing = sorted(
        name for name in names if any(len({one.get(name) for one in some}) > 1 for some in by_dataset.values())
    )
    return [
        one_line(", ".join(f"{name.replace('_', '-')} {json.loads(one.get(name, 'null'))}" for name in differing))
        for one in said
    ]


def _runs_table(runs: Sequence[RunReading], names: Sequence[str], ways: Sequence[str]) -> Table:
    head = ["run", "dataset", "kind", "differs by", "metric", "answer", "best other", "rank", "candidates", "seconds"]
    rows = []
    for run, name, way in zip(runs, names, ways, strict=True):
        ours, *others = run.rows
        sign = 1.0 if ours.scores.higher_is_better else -1.0
        best = max(others, key=lambda row: sign * row.scores.value, default=None) if others else None
        ahead = sum(sign * row.scores.value > sign * ours.scores.value for row in others)
        rows.append(
            [
                name,
                one_line(str(run.facts["task"]["name"])),
                str(run.facts["task"]["kind"]),
                way or "-",
                f"{ours.scores.metric} ({'higher' if ours.scores.higher_is_better else 'lower'} is better)",
                figure(ours.scores.value),
                "-" if best is None else f"{one_line(best.name)} {figure(best.scores.value)}",
                f"{ahead + 1} of {len(run.rows)}",
                str(len(run.scored)),
                f"{sum(run.facts['seconds'].values()):.0f}",
            ]
        )
    return Table("Answers on test, and the best of everything that they were compared with", head, rows, numbers_from=5)


def _side_by_side(runs: Sequence[RunReading], names: Sequence[str]) -> list[Section]:
    """Return a table of methods by runs for each metric: values of different metrics do not stand side by side."""
    by_metric: defaultdict[str, list[tuple[RunReading, str]]] = defaultdict(list)
    for run, name in zip(runs, names, strict=True):
        by_metric[run.rows[0].scores.metric].append((run, name))
    tables: list[Block] = []
    for metric, some in by_metric.items():
        higher = some[0][0].rows[0].scores.higher_is_better
        columns = [{row.name: row.scores.value for row in run.rows} for run, _ in some]
        best = [(max if higher else min)(column.values()) for column in columns]
        methods = list(dict.fromkeys(name for column in columns for name in column))
        rows = [
            [
                one_line(method),
                *(
                    "-" if method not in column else f"{figure(column[method])}{' *' if column[method] == top else ''}"
                    for column, top in zip(columns, best, strict=True)
                ),
            ]
            for method in methods
        ]
        caption = f"{metric} on test, {'higher' if higher else 'lower'} is better; * is the best of its column"
        marked = frozenset(place for place, method in enumerate(methods) if method == CHOSEN)
        tables.append(Table(caption, ["method", *(name for _, name in some)], rows, marked=marked))
    return [Section("scores", "Scores side by side", tables)]


def _ranks(runs: Sequence[RunReading], ways: Sequence[str]) -> list[Block]:
    methods, scores = scores_by_dataset(runs, ways)
    try:
        with style():
            ranks = mean_ranks(methods, scores)
            drawing = critical_difference(ranks)
            picture = Picture(Markup(svg_of(drawing, name="ranks")), drawing.caption)  # escaped by matplotlib
    except NothingToDrawError as nothing:
        return [Words([f"Nothing to draw: {nothing}."])]
    rows = [[one_line(name), f"{mean:.2f}"] for name, mean in zip(ranks.methods, ranks.means, strict=True)]
    return [picture, Table("Mean ranks, 1 is best", ["method", "mean rank"], rows)]
