"""When each trial ran on which worker, and what the driver did meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nas.report.figures.canvas import BAD, COLOURS, FAINT, LINE, Drawing, NothingToDrawError, new_figure, text_of
from nas.report.reading import RunReading

_CHARACTER = 0.0105
"""Of the width of the figure."""


@dataclass(frozen=True)
class Bar:
    """A stretch of time, in seconds since the run began, without the time between sittings.

    Args:
        lane: Number of the worker, from 1 on; 0 for the driver.
        begin: When it began.
        end: When it ended.
        name: Of the trial, or of the stage.
        steps: Optimiser steps of the trial.
        status: How it ended.
    """

    lane: int
    begin: float
    end: float
    name: str
    steps: int = 0
    status: str = "completed"


@dataclass
class Schedule:
    """What ran when.

    Attributes:
        bars: In the order of their end.
        breaks: When a later sitting began.
        seconds: Of all sittings.
    """

    bars: list[Bar] = field(default_factory=list)
    breaks: list[float] = field(default_factory=list)
    seconds: float = 0.0


def timeline(run: RunReading) -> Drawing:
    """Return a lane per worker with its trials, and one with the stages of the driver.

    Raises:
        NothingToDrawError: If no trial is known to have run on a worker.
    """
    plan = schedule(run.events)
    trials = [bar for bar in plan.bars if bar.lane]
    if not trials:
        raise NothingToDrawError("the run's metrics.jsonl does not say which worker ran a trial")
    lanes = sorted({bar.lane for bar in trials})
    figure = new_figure(height=1.5 + 0.32 * len(lanes))
    axes = figure.subplots()
    kinds = (
        ("untrained", FAINT, [bar for bar in trials if not bar.steps and bar.status == "completed"]),
        ("trained", COLOURS[1], [bar for bar in trials if bar.steps and bar.status == "completed"]),
        ("failed or stopped", BAD, [bar for bar in trials if bar.status != "completed"]),
        ("stage of the driver", LINE, [bar for bar in plan.bars if not bar.lane]),
    )
    for label, colour, bars in kinds:
        if bars:
            lengths, begins = [bar.end - bar.begin for bar in bars], [bar.begin for bar in bars]
            look: dict[str, Any] = {"height": 0.72, "color": colour, "edgecolor": "#ffffff", "linewidth": 0.4}
            axes.barh([bar.lane for bar in bars], lengths, left=begins, label=label, **look)
    for bar in kinds[3][2]:
        if bar.end - bar.begin > _CHARACTER * len(bar.name) * plan.seconds:
            middle: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "clip_on": True}
            axes.text((bar.begin + bar.end) / 2, 0, text_of(bar.name, longest=24), **middle)
    for moment in plan.breaks:
        axes.axvline(moment, color=BAD, lw=1, ls=":")
    axes.set_yticks([0, *lanes], ["driver", *(f"worker {lane}" for lane in lanes)])
    axes.set(xlabel="seconds since the run began", xlim=(0, plan.seconds))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside lower center", ncols=4)
    busy = sum(bar.end - bar.begin for bar in trials)
    span = max(bar.end for bar in trials) - min(bar.begin for bar in trials)
    share = busy / max(span * len(lanes), 1e-9)
    more = f" The dotted line is where the run went on after a stop ({len(plan.breaks)} times)." if plan.breaks else ""
    return Drawing(
        figure,
        f"{len(trials)} trials on {len(lanes)} workers over {plan.seconds:.0f} seconds.",
        f"{len(trials)} trials on {len(lanes)} workers, which were busy {share:.0%} of the time from the first trial "
        f"to the last.{more}",
    )


def schedule(events: Iterable[Mapping[str, Any]]) -> Schedule:
    """Return what ran when, from a run's events; a trial without a worker or an end is left out."""
    plan, running = Schedule(), dict[str, tuple[float, int]]()
    offset, stage = 0.0, ("", 0.0)
    for event in events:
        try:
            time = datetime.fromisoformat(str(event.get("time"))).timestamp()
        except (ValueError, OverflowError):
            continue
        what = event.get("event")
        if what == "run":
            if plan.seconds:
                plan.breaks.append(plan.seconds)
            offset, stage = time - plan.seconds, ("", 0.0)
            running.clear()
        now = max(time - offset, plan.seconds)
        plan.seconds = now
        if what in ("stage", "end"):
            if stage[0]:
                plan.bars.append(Bar(0, stage[1], now, stage[0]))
            stage = (str(event.get("stage") or ""), now)
        elif what == "trial started" and type(event.get("worker")) is int:
            running[str(event.get("trial"))] = (now, int(event["worker"]))
        elif what == "trial" and str(event.get("trial")) in running:
            begin, lane = running.pop(str(event.get("trial")))
            steps, status = event.get("iterations"), str(event.get("status"))
            plan.bars.append(Bar(lane, begin, now, str(event.get("key")), steps if type(steps) is int else 0, status))
    if stage[0]:
        plan.bars.append(Bar(0, stage[1], plan.seconds, stage[0]))
    return plan
