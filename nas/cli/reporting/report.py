"""`tscnas report`: the page of one finished search, or one that compares several."""

from pathlib import Path

from nas.cli.text import Shown, counted
from nas.errors import OutputExistsError
from nas.options.command import search_command
from nas.options.using.reporting import ReportOptions
from nas.report.figures.drawn import draw_all
from nas.report.page.comparison import write_comparison
from nas.report.reading import RunReading
from nas.report.run_report import PAGE_NAME, write_page


def report(options: ReportOptions) -> Shown:
    """Write a page.

    Raises:
        NoRunError: If a folder is not that of a finished search.
        OutputExistsError: If the page exists.
    """
    folders = list(dict.fromkeys(Path(run) for run in options.runs))
    single = len(folders) == 1
    path = Path(options.output or (folders[0] / PAGE_NAME if single else "comparison.html"))
    if path.exists() and not options.overwrite:
        raise OutputExistsError(f"{path} exists; --overwrite replaces it")
    runs = [RunReading.finished(folder) for folder in folders]
    if single:
        space = (runs[0].facts.get("space") or {}).get("name")
        write_page(runs[0], draw_all(runs[0]), path, command=search_command(runs[0].options, space=space))
        return Shown(f"Report of {folders[0]}: {path}")
    write_comparison(runs, path)
    return Shown(f"Comparison of {counted(len(runs), 'run')}: {path}")
