"""What a contest says: a table of regrets at shares of the full cost, and a picture of regret against cost."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ahc.bank.export import plain_cell
from ahc.evaluation.markdown import markdown_table
from ahc.evaluation.rank_metrics import bootstrap_mean
from nas.replay.contest import Recorded, contest
from nas.replay.play import COSTS, MOST
from nas.runs.whole_file import write_whole_text

REPETITIONS = 20
SHOWN = ("5%", "10%", "20%", "50%")
_AREA = "area"
_COLUMNS = [f"{cost:.0%}" for cost in COSTS]


def replay(recorded: Recorded, folder: Path, *, rng_seed: int, progress: Callable[[str], None]) -> str:
    """Hold the contest on recorded trials and write its table, its rows and its picture.

    Args:
        recorded: The trials.
        folder: Where to write, and where what is done is kept.
        rng_seed: Of comparators, strategies and intervals.
        progress: Called with a line per comparator and task.

    Returns:
        The table and what was written, for printing.

    Raises:
        ValueError: If the trials are too few.
    """
    played = contest(recorded, folder=folder / "replay", rng_seed=rng_seed, repetitions=REPETITIONS, progress=progress)
    table = summary(played, rng_seed=rng_seed)
    write_whole_text(folder / "replay.csv", table.map(plain_cell).to_csv(index=False))
    text = text_of(table)
    write_whole_text(folder / "replay.md", text)
    draw(played, folder)
    return f"{text}\n{folder / 'replay.png'}: regret against cost"


def summary(played: pd.DataFrame, *, rng_seed: int) -> pd.DataFrame:
    """Return per strategy the mean regret at shares of the cost and over all of them, with 95 % intervals.

    Repetitions are averaged first, families are what is redrawn.
    """
    tasks = played.groupby(["strategy", "family", "task"], sort=False)[_COLUMNS].mean()
    tasks[_AREA] = tasks[_COLUMNS].mean(axis=1)
    rows = []
    for name, part in tasks.groupby("strategy", sort=False):
        families = part.index.get_level_values("family").tolist()
        row: dict[str, object] = {"strategy": name, "tasks": len(part)}
        for column in (*SHOWN, _AREA):
            rng = np.random.default_rng(rng_seed)
            row[column], row[f"{column} low"], row[f"{column} high"] = bootstrap_mean(
                part[column].tolist(), groups=families, rng=rng
            )
        rows.append(row)
    return pd.DataFrame(rows).sort_values(_AREA, kind="stable", ignore_index=True)


def text_of(table: pd.DataFrame) -> str:
    """Return the summary as Markdown."""
    cells: dict[str, object] = {"strategy": table["strategy"], "tasks": table["tasks"]}
    for column in (*SHOWN, _AREA):
        values = zip(table[column], table[f"{column} low"], table[f"{column} high"], strict=True)
        cells[column] = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in values]
    return (
        "Regret of the best that a strategy has seen, in robust deviations of the recorded scores (at most "
        f"{MOST:g}), at shares of what training all recorded candidates costs; the area is the mean up to "
        f"{SHOWN[-1]}. Mean over tasks, with 95 % intervals from redrawing families.\n\n"
        f"{markdown_table(pd.DataFrame(cells))}\n"
    )


def draw(played: pd.DataFrame, folder: Path) -> None:
    """Write `replay.png` and `replay.svg`: mean regret against cost, a line per strategy."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tasks = played.groupby(["strategy", "task"], sort=False)[_COLUMNS].mean()
    lines = tasks.groupby("strategy", sort=False).mean()
    figure = Figure(figsize=(8, 5), dpi=144, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="cost, % of training all recorded candidates", ylabel="regret, robust deviations")
    for at, (name, values) in enumerate(lines.iterrows()):
        axes.plot(
            100 * np.array(COSTS),
            values.to_numpy(dtype=float),
            "-" if at < 10 else "--",
            label=str(name),
            drawstyle="steps-post",
        )
    axes.set_yscale("log")
    axes.legend(fontsize="small")
    for ending in ("png", "svg"):
        partial = folder / f".replay.partial.{ending}"
        figure.savefig(partial)
        partial.replace(folder / f"replay.{ending}")
