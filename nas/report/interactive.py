"""Figures to point at: the trials of a search as plotly draws them, with what each candidate is under the pointer."""

import html
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from nas.errors import OptionError
from nas.report.figures.canvas import NothingToDrawError
from nas.report.reading import RunReading
from search_space.genotype import Genotype

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_HOVER = ("name", "origin", "steps", "score", "seconds", "genotype")


def check_plotly() -> None:
    """Check that plotly is there, without importing it.

    Raises:
        OptionError: If it is not.
    """
    if find_spec("plotly") is None:
        raise OptionError("output: plotly is not installed; pip install 'ts-contrastive-nas[plotly]'")


def history(run: RunReading) -> "Figure":
    """Return the learning curve of every trial: a line of points for each candidate."""
    import plotly.express

    return plotly.express.line(
        _points(run, curves=True), x="steps", y="score", color="name", markers=True, hover_data=_HOVER
    )


def pareto(run: RunReading) -> "Figure":
    """Return the score of every trial against its seconds."""
    import plotly.express

    return plotly.express.scatter(
        _points(run, curves=False), x="seconds", y="score", color="kind", log_x=True, hover_data=_HOVER
    )


INTERACTIVE: Mapping[str, Callable[[RunReading], "Figure"]] = MappingProxyType({"history": history, "pareto": pareto})
"""By the name of the figure; the others have nothing to point at."""


def write_interactive(run: RunReading, figure: str, path: Path) -> None:
    """Write one of `INTERACTIVE` as a page that loads nothing (some 5 MB, nearly all of it plotly's own).

    Raises:
        NothingToDrawError: If no trial has a score.
    """
    drawn = INTERACTIVE[figure](run)
    drawn.update_layout(
        title=html.escape(run.folder.resolve().name), yaxis_title=f"validation {run.metric}", template="plotly_white"
    )
    partial = path.with_name(f".{path.name}.partial")
    drawn.write_html(partial, include_plotlyjs=True)
    partial.replace(path)


def _points(run: RunReading, *, curves: bool) -> pd.DataFrame:
    """Return a row per trial, or per point of its curve.

    Raises:
        NothingToDrawError: If no trial has a score.
    """
    rows = []
    for one in run.scored:
        assert one.record is not None, "only those that are scored"
        kind = "in the answer" if one.weight > 0 else "trained" if one.steps > 0 else "untrained"
        words = "<br>".join(html.escape(Genotype.from_dict(dict(one.record.genotype)).describe()).splitlines())
        facts = {"name": one.name, "origin": one.origin, "kind": kind, "seconds": one.record.seconds, "genotype": words}
        points = [(step, score) for step, score, _ in one.record.curve] if curves else [(one.steps, one.score)]
        rows += [{**facts, "steps": step, "score": score} for step, score in points if score is not None]
    if not rows:
        raise NothingToDrawError("no trial has a score")
    return pd.DataFrame(rows)
