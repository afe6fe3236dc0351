"""The options of the verbs that draw finished searches: `tscnas report` and `tscnas plot`."""

from dataclasses import dataclass

from nas.errors import OptionError
from nas.options.fields import OptionSet, option
from nas.options.texts import OVERWRITE

FIGURE_NAMES = ("history", "pareto", "ranking", "importance", "map", "examples", "timeline")
INTERACTIVE_NAMES = ("history", "pareto")


@dataclass(frozen=True)
class ReportOptions(OptionSet):
    """Write the page of a finished search again, or a page that compares several."""

    runs: tuple[str, ...] = option(path=True, positional=True, text="output folder of a search; any number of them")
    output: str | None = option(
        None,
        path=True,
        text="the page, .html; by default report.html in the folder of the run, or comparison.html for several",
    )
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output is not None and not self.output.endswith((".html", ".htm")):
            raise OptionError(f"output: must end in .html, got {self.output!r}")


@dataclass(frozen=True)
class PlotOptions(OptionSet):
    """Draw one figure of a finished search: those of its report."""

    run: str = option(path=True, positional=True, text="output folder of a search")
    figure: str = option(positional=True, text="what to draw", choices=FIGURE_NAMES)
    output: str | None = option(
        None,
        path=True,
        text="picture to write, .png or .svg, or .html for a page to point at (history and pareto; extra plotly); by "
        "default FIGURE.png here",
    )
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output is None or self.output.endswith((".svg", ".png")):
            return
        if not self.output.endswith(".html"):
            raise OptionError(f"output: must end in .svg, .png or .html, got {self.output!r}")
        if self.figure not in INTERACTIVE_NAMES:
            raise OptionError(f"output: only {' and '.join(INTERACTIVE_NAMES)} are drawn as .html, not {self.figure}")
