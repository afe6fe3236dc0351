"""The answer in one line, and what has to be said beside it: what to use, what it is worth, where it is beaten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from downstream.task import Task
from nas.choosing.source import BESIDE
from nas.combining.entrants import UNTRAINED, Entrants
from nas.report.rows import Row
from nas.report.tables import interval_text, short_figure

_PLAIN_FIRST = "minirocket"  # what one would take instead, where it is there


@dataclass(frozen=True)
class Verdict:
    """What validation recommends; the test part only tells what it is worth.

    Args:
        recommended: The row to use: the chosen encoders', or a plain method's that validation puts clearly before them.
        level: The plain method that is before the chosen encoders on validation, but within the noise; None for none.
        handed_over: Whether the run predicts with the plain method that is recommended.
    """

    recommended: Row
    level: Row | None = None
    handed_over: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether a plain method is recommended."""
        return self.recommended.baseline

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        level = None if self.level is None else self.level.name
        return {"method": self.recommended.name, "level": level, "handed_over": self.handed_over or not self.is_plain}


def verdict_of(entrants: Entrants, rows: Sequence[Row]) -> Verdict:
    """Return what validation recommends: the chosen encoders, unless a plain method is clearly before them."""
    ours, noise = rows[0], entrants.chosen.noise
    known = entrants.chosen.score if ours.scores.validation is None else ours.scores.validation
    sign = 1.0 if ours.scores.higher_is_better else -1.0
    ahead = {
        row.name: sign * (row.scores.validation - known)
        for row in rows
        if row.baseline and row.scores.validation is not None
    }
    name = max(ahead, key=lambda one: ahead[one], default=None)
    if name is None or not ahead[name] > 0.0:
        return Verdict(ours)
    best = next(row for row in rows if row.name == name)
    return Verdict(best) if ahead[name] > noise else Verdict(ours, level=best)


def headline(verdict: Verdict, entrants: Entrants, rows: Sequence[Row], *, chosen: str) -> str:
    """Return one line: what to use, what it is worth, what else there is, and whether training paid.

    Args:
        verdict: What validation recommends.
        entrants: Who went to the test.
        rows: Of the report, the chosen encoders' first.
        chosen: What the chosen encoders are called.
    """
    use = verdict.recommended
    where = use.scores.settings.get("part", "test")
    named = {row.name: row for row in rows if row is not use}
    rivals = [named[name] for name in (UNTRAINED, BESIDE) if name in named]
    plain = [row for row in named.values() if row.baseline]
    if plain:
        rivals.insert(0, named.get(_PLAIN_FIRST) or best_first(plain)[0])
    said = [f"{row.name} {short_figure(row.scores.value)}" for row in rivals]
    if verdict.is_plain:
        said.insert(0, f"{chosen} {short_figure(rows[0].scores.value)}")
        what = f"{use.name}, a plain method that validation puts before {chosen}"
    else:
        what = chosen
    span = f" ({interval_text(use.scores)})" if use.scores.interval else ""
    worth = f"{use.scores.metric} {short_figure(use.scores.value)}{span} on {where}"
    parts = [", ".join(said)] * bool(said) + ([] if verdict.is_plain else [_training(entrants)])
    return "; ".join([f"Use {what}: {worth}", *parts]) + "."


def warnings_of(task: Task, verdict: Verdict, rows: Sequence[Row]) -> list[str]:
    """Return sentences about where the answer is beaten, and by whom, over all and per horizon."""
    ours, metric = rows[0], task.spec.metric
    sentences = []
    if verdict.is_plain:
        name = verdict.recommended.name
        how = {
            True: f"the run predicts with {name}",
            False: f"the run predicts with its encoders all the same; {_other(name)}",
        }
        sentences.append(f"validation puts {name} before every encoder: {how[verdict.handed_over]}")
    if verdict.level is not None:
        known = short_figure(verdict.level.scores.validation or 0.0)
        sentences.append(f"{verdict.level.name} is before it on validation ({known}), but by less than the noise")
    sign = 1.0 if ours.scores.higher_is_better else -1.0
    ahead = [row for row in rows[1:] if sign * row.scores.value > sign * ours.scores.value]
    if ahead:
        inside = ours.scores.interval
        within = inside is not None and all(inside[0] <= row.scores.value <= inside[1] for row in ahead)
        names = ", ".join(f"{row.name} {short_figure(row.scores.value)}" for row in best_first(ahead))
        sentences.append(f"ahead of the chosen encoders on test{', within their interval' * within}: {names}")
    before = [found for name in ours.scores.metrics if (found := _before(rows, name, metric=metric, sign=sign))]
    if before:
        sentences.append(f"plain methods are ahead of it on test at horizon {', '.join(before)}")
    return sentences


def _before(rows: Sequence[Row], name: str, *, metric: str, sign: float) -> str:
    """Return which plain method is ahead of the first row at the horizon of a figure such as `mse/24`, if one is."""
    horizon = name.removeprefix(f"{metric}/")
    if horizon == name or not horizon.isdigit():
        return ""
    plain = [row for row in rows if row.baseline and name in row.scores.metrics]
    best = max(plain, key=lambda row: sign * row.scores.metrics[name], default=rows[0])
    ours, theirs = rows[0].scores.metrics[name], best.scores.metrics[name]
    if not sign * theirs > sign * ours:
        return ""
    return f"{horizon} ({best.name} {short_figure(theirs)} against {short_figure(ours)})"


def best_first(rows: Sequence[Row]) -> list[Row]:
    """Return rows in the order of their values, what is not a number last; equals keep their order."""
    sign = 1.0 if rows and rows[0].scores.higher_is_better else -1.0
    return sorted(rows, key=lambda row: (row.scores.value != row.scores.value, -sign * row.scores.value))


def _other(name: str) -> str:
    """Return how a plain method is had instead."""
    if name == _PLAIN_FIRST:
        return "--preset minirocket trains and saves the same features"
    return "--allow-baseline hands it over"


def _training(entrants: Entrants) -> str:
    """Return what training was worth on validation."""
    chosen = entrants.chosen
    if not any(chosen.iterations):
        return "it needed no training"
    before = chosen.untrained_score
    if before is None:
        return "what training paid is not known"
    if chosen.members[0].record.higher_is_better:
        gain = chosen.score - before
        return f"training {'paid' if gain > 0 else 'gave'} {gain:+.3f} on validation"
    gain = 100.0 * (before - chosen.score) / abs(before) if before else 0.0
    return f"training {'lowered' if gain > 0 else 'raised'} the error on validation by {abs(gain):.1f} %"
