"""The tables of a run's page."""

from collections.abc import Sequence

from nas.report.page.blocks import Table
from nas.report.reading import Candidate, RunReading
from nas.report.tables import further_metrics
from search_space.sentences import one_line

FIRST = 20
"""Candidates that are shown at once; the others are folded."""


def method_table(run: RunReading) -> Table:
    """Return everybody who was tested, best first, the answer marked."""
    ours = run.rows[0]
    sign = -1.0 if ours.scores.higher_is_better else 1.0
    rows = sorted(run.rows, key=lambda row: sign * row.scores.value)
    columns = further_metrics(run.rows)
    direction = "higher" if ours.scores.higher_is_better else "lower"
    where = ours.scores.settings.get("part", "test")
    return Table(
        f"Scores on {one_line(where)}, best first; {ours.scores.metric}: {direction} is better. The answer is marked.",
        ["method", "what it is", ours.scores.metric, *columns],
        [
            [one_line(row.name), "plain method" if row.baseline else "encoder", figure(row.scores.value)]
            + [figure(row.scores.metrics.get(name)) for name in columns]
            for row in rows
        ],
        numbers_from=2,
        marked=frozenset(place for place, row in enumerate(rows) if row is ours),
    )


def candidate_tables(run: RunReading) -> list[Table]:
    """Return the candidates that have a validation score, best first, the members of the answer marked."""
    scored = run.scored
    direction = "higher" if run.higher_is_better else "lower"
    about = f"validation {run.metric}, {direction} is better"
    parts = [(f"The best {min(FIRST, len(scored))} of {len(scored)} candidates by {about}", scored[:FIRST], 0)]
    if scored[FIRST:]:
        parts.append((f"Places {FIRST + 1} to {len(scored)}", scored[FIRST:], FIRST))
    return [_candidates(caption, some, run, first=first) for caption, some, first in parts]


def _candidates(caption: str, some: Sequence[Candidate], run: RunReading, *, first: int) -> Table:
    head = ["place", "candidate", "origin", f"validation {run.metric}", "untrained", "steps", "seconds", "parameters",
            "weight"]  # fmt: skip
    rows = []
    for place, one in enumerate(some, start=first + 1):
        record = one.record
        assert record is not None, "who has a score has a record"
        rows.append(
            [
                str(place),
                one.key[:8],
                one_line(one.origin),
                figure(one.score),
                figure(record.untrained_score),
                f"{one.steps:,}",
                f"{record.seconds:.1f}",
                f"{record.n_parameters:,}",
                f"{one.weight:.2f}" if one.weight else "-",
            ]
        )
    marked = frozenset(place for place, one in enumerate(some) if one.weight)
    return Table(caption, head, rows, numbers_from=3, marked=marked, folded=first > 0)


def option_table(run: RunReading) -> Table:
    """Return every setting of the run, folded."""
    shown = {name: value for name, value in run.options.items() if name not in ("space", "task_hash", "names_hash")}
    space = (run.facts.get("space") or {}).get("name")
    shown |= {} if space is None else {"space": space}
    rows = [[name.replace("_", "-"), one_line(str(value))] for name, value in sorted(shown.items())]
    return Table("All settings", ["setting", "value"], rows, numbers_from=2, folded=True)


def pairs_table(caption: str, head: tuple[str, str], rows: Sequence[tuple[str, str]], *, numbers: bool = True) -> Table:
    """Return a table of two columns."""
    return Table(caption, head, rows, numbers_from=1 if numbers else 2)


def figure(value: float | None) -> str:
    """Return a score as it stands in a table."""
    return "-" if value is None else f"{value:.4f}"
