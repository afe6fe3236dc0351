"""What all figures share: their look, and how one becomes an SVG of a page or a file.

matplotlib is imported when something is drawn; its state for interactive use (pyplot) is never touched.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from compute.user_error import DATA, UserError
from search_space.sentences import one_line

INK, LINE, FAINT = "#1b1b1f", "#d7d7de", "#8b8f98"
COLOURS = ("#3b7dd8", "#e08a1e", "#2f9e6e", "#a05fc4", "#d1495b", "#2aa5b8", "#9a9a2e", "#d46aa5", "#a0704a", "#6b77c9")
"""Of categories: they can be told apart on white and on black."""
GOOD, BAD = COLOURS[2], COLOURS[4]
_ON_PAGE = {INK: "currentColor", LINE: "var(--line)"}
_STYLE: Any = {
    "text.parse_math": False,  # a name from a file may hold a $
    "svg.fonttype": "none",
    "svg.hashsalt": "ts-contrastive-nas",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": True,
}


class NothingToDrawError(UserError, ValueError):
    """A run has not what a figure shows; the message says what is missing."""

    exit_status = DATA


@dataclass(frozen=True)
class Drawing:
    """A figure and its words.

    Args:
        figure: A `matplotlib.figure.Figure`.
        alt: What it shows, for who does not see it.
        caption: How to read it, and what it says of this run.
    """

    figure: Any
    alt: str
    caption: str


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw inside the block in the look of the report; letters that the font lacks are left to whoever shows them."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(*, width: float = 7.4, height: float = 3.2) -> Any:
    """Return an empty figure, sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def plain_log(axis: Any) -> None:
    """Write plain numbers beside a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def text_of(name: object, *, longest: int = 40) -> str:
    """Return a name from data as a figure can show it."""
    return one_line(str(name), longest=longest)


_DIGITS = re.compile(r"(\.\d\d)\d+")
_GEOMETRY = re.compile(r' (?:d|x|y|x1|x2|y1|y2|width|height|transform|points)="[^"<>]*"')
_REFERENCE = re.compile(r'( id="| xlink:href="#|url\(#)')


def svg_of(drawing: Drawing, *, name: str) -> str:
    """Return an SVG element for a page: it takes the page's colours, and its ids begin with the figure's name."""
    content = io.StringIO()
    with style():
        drawing.figure.savefig(content, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = content.getvalue()
    size = re.search(r'viewBox="[^"]*"', svg)
    assert size is not None, "matplotlib states it"
    # the head states names of languages and a style that would hold for the whole page
    body = svg[svg.index("</defs>") + len("</defs>") :]
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = _REFERENCE.sub(rf"\g<1>{name}-", body).replace(" xlink:href=", " href=")
    body = _GEOMETRY.sub(lambda found: _DIGITS.sub(r"\1", found[0].replace("\n", "")), body)
    for colour, there in _ON_PAGE.items():
        body = body.replace(colour, there)
    body = re.sub(r"\n\s+", "\n", body)
    points = float(drawing.figure.get_figwidth()) * 72
    room = f"min-width: {points:.0f}px; max-width: {1.9 * points:.0f}px"
    return f'<svg {size[0]} style="{room}" role="img" aria-label="{escape(drawing.alt)}">{body.strip()}'


def save(drawing: Drawing, path: Path) -> None:
    """Write a figure to a file on white; the ending of the name decides the format, .svg or .png."""
    with style():
        partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        drawing.figure.savefig(partial, format=path.suffix[1:], dpi=160, facecolor="white")
        partial.replace(path)
