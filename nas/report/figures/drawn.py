"""All figures of a run as they stand in its page; one that cannot be drawn says why, and spoils nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from nas.report.figures import FIGURES
from nas.report.figures.canvas import NothingToDrawError, style, svg_of
from nas.report.reading import RunReading
from search_space.sentences import one_line


@dataclass(frozen=True)
class Drawn:
    """A figure of a page.

    Args:
        svg: The element; None where there is none.
        caption: How to read it, or why there is none.
        failed: Whether that is a fault: a run without something to draw has none.
    """

    svg: Markup | None
    caption: str
    failed: bool = False


def draw_all(run: RunReading) -> Mapping[str, Drawn]:
    """Return every figure by name."""
    return {name: _drawn(run, name) for name in FIGURES}


def _drawn(run: RunReading, name: str) -> Drawn:
    try:
        with style():
            drawing = FIGURES[name](run)
            return Drawn(Markup(svg_of(drawing, name=name)), drawing.caption)  # our own text, and escaped by matplotlib
    except NothingToDrawError as nothing:
        return Drawn(None, f"Nothing to draw: {nothing}.")
    except Exception as error:  # whatever it is, the search has come to its end
        return Drawn(None, f"It could not be drawn ({one_line(f'{type(error).__name__}: {error}')}).", failed=True)
