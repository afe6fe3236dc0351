"""`tscnas plot`: one figure of a finished search as a file."""

from pathlib import Path

from nas.cli.text import Shown
from nas.errors import OutputExistsError
from nas.options.using.reporting import PlotOptions
from nas.report.figures import FIGURES
from nas.report.figures.canvas import save, style
from nas.report.interactive import check_plotly, write_interactive
from nas.report.reading import RunReading


def plot(options: PlotOptions) -> Shown:
    """Draw a figure.

    Raises:
        NoRunError: If the folder is not that of a finished search.
        NothingToDrawError: If the search has not what the figure shows.
        OutputExistsError: If the picture exists.
        OptionError: If plotly is needed and not installed.
    """
    path = Path(options.output or f"{options.figure}.png")
    if path.exists() and not options.overwrite:
        raise OutputExistsError(f"{path} exists; --overwrite replaces it")
    page = path.suffix == ".html"
    if page:
        check_plotly()
    run = RunReading.finished(Path(options.run))
    with style():
        drawing = FIGURES[options.figure](run)
        if page:
            write_interactive(run, options.figure, path)
        else:
            save(drawing, path)
    return Shown(f"{drawing.alt}\n{drawing.caption}\nDrawn in {path}")
