"""The printed answer of a search: what was chosen, what it is worth, what it cost, what to do next."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ahc.ranking import Ranking
from ahc.record import TrialRecord
from downstream.scores import STOPPED
from downstream.task import Task
from nas.choosing.source import NAMED, NamedSource, TaskSource
from nas.combining.entrants import Entrants
from nas.combining.members import Entrant
from nas.cost.members import Member, members_text
from nas.report.rows import Row
from nas.report.tables import score_table, short_figure
from nas.report.verdict import Verdict, best_first, headline, warnings_of
from nas.saved.predictor import USES
from search_space.sentences import one_line

# they stand in run.json; the printed answer leaves them out
_DETAILED_SETTINGS = ("weights/", "alpha/", "representation.", "warning/", "ts2vec.")


def answer_text(
    task: Task,
    *,
    entrants: Entrants,
    source: TaskSource | NamedSource,
    rows: Sequence[Row],
    verdict: Verdict,
    seconds: Mapping[str, float],
    folder: Path | None,
    space: str = "",
    cut: Sequence[str] = (),
    lacking: str = "",
    page: bool = False,
) -> str:
    """Return the answer as text, what to use first.

    Args:
        task: What was searched for.
        entrants: Who went to the test.
        source: Where the candidates came from.
        rows: Of the table.
        verdict: What validation recommends.
        seconds: Per stage.
        folder: Where everything is; None where nothing of it stays.
        space: The space in words; empty where it is the default one.
        cut: Lines about what a time budget left out.
        lacking: Why the folder has no predictor; empty where it has one.
        page: Whether the folder has a page with figures.
    """
    where = rows[0].scores.settings.get("part", "test")
    shortened = cut if len(cut) > 1 else ()  # a single line says that nothing was cut
    told = [*warnings_of(task, verdict, rows), *(sentence.removesuffix(".") for sentence in shortened)]
    parts = [
        headline(verdict, entrants, rows, chosen=_name(entrants.chosen, source)),
        "",
        f"Scores on {where} of {_about(task)}, best first:",
        _indent(score_table(best_first(rows))),
        *_settings(rows),
        *(["", "Mind:", *(f"  - {one_line(sentence)}" for sentence in told)] if told else []),
        "",
        "Chosen:",
        *_members(task, entrants.chosen, source),
        *([_indent(space)] if space else []),
        *_tried(entrants),
        _on_validation(task, entrants, rows),
        *(cut if not shortened else ()),
        "",
        f"Protocol: {task.spec.protocol}",
        _time_line(seconds),
        *([] if folder is None else _next(folder, kind=task.spec.kind, lacking=lacking, page=page)),
    ]
    return "\n".join(parts)


def ranking_text(task: Task, *, ranking: Ranking, seconds: Mapping[str, float], folder: Path | None) -> str:
    """Return the answer of a search that stops after the ranking: the comparator's first, which nothing has proven."""
    lines = [
        f"Ranked first for {_about(task)}:",
        _indent(ranking.genotypes[0].describe()),
        "",
        f"The best of {ranking.n_ranked:,} candidates by the comparator. Nothing was trained or tested: this is a "
        "guess, and a search without --zero-shot says what it is worth.",
        _time_line(seconds),
    ]
    if folder is not None:
        lines += ["", f"Everything is in {folder}: genotype.json, ranking.csv, run.json, log.txt", "Next:"]
        lines += [f"  tscnas search DATA --genotype {shlex.quote(str(folder))}    train and test it"]
    return "\n".join(lines)


def failures(records: Sequence[TrialRecord]) -> str:
    """Return why trials failed, the most frequent reason first."""
    reasons = Counter((record.status, str(record.details.get("message") or "")) for record in records)
    reasons = Counter({reason: n for reason, n in reasons.items() if reason[0] != "completed"})
    if not reasons:
        return "none was run"
    listed = [f"{n} {status}{f' ({message})' if message else ''}" for (status, message), n in reasons.most_common(3)]
    return ", ".join(listed) + (f", and {len(reasons) - 3} other reasons" if len(reasons) > 3 else "")


def _next(folder: Path, *, kind: str, lacking: str, page: bool) -> list[str]:
    """Return where everything is and what to do with it."""
    quoted = shlex.quote(str(folder))
    predictor = "" if lacking else " predictor.safetensors,"
    use = None if lacking else USES.get(kind)
    return [
        "",
        *(
            [f"Look at {folder / 'report.html'}: curves, costs, a map of the encoder, predictions beside the truth."]
            * page
        ),
        f"Everything is in {folder}: encoder.safetensors,{predictor} genotype.json, ranking.csv, scores.csv, run.json, "
        "log.txt",
        *([f"There is no predictor.safetensors: {one_line(lacking)}."] if lacking else []),
        "Next:",
        *([f"  tscnas {use.verb} {quoted} DATA --output {use.output}    {use.text}"] if use else []),
        f"  tscnas embed {quoted} DATA --output embeddings.npz    representations of any data of this shape",
        f"  tscnas evaluate {quoted} DATA    what the encoder is worth on other data",
    ]


def _about(task: Task) -> str:
    spec = task.spec
    variates = f"{task.n_variates} variate{'s' * (task.n_variates > 1)}"
    return f"{one_line(spec.name)} ({spec.kind}, {variates}, window {spec.window})"


def _name(chosen: Entrant, source: TaskSource | NamedSource) -> str:
    """Return what the chosen encoders are called in a sentence."""
    names = [source.origin(one.genotype).removeprefix("preset ") for one in chosen.members]
    if len(names) > 1:
        return f"{len(names)} encoders side by side ({', '.join(names)})"
    origin = source.origin(chosen.members[0].genotype)
    return "the encoder that you named" if origin == NAMED else f"one encoder ({origin})"


def _members(task: Task, chosen: Entrant, source: TaskSource | NamedSource) -> list[str]:
    """Return what was chosen: one genotype in full, of several the lines that tell them apart."""
    first = chosen.members[0]
    if len(chosen.members) == 1:
        origin = source.origin(first.genotype)
        return [_indent(first.genotype.describe()), *([] if origin == NAMED else [_indent(f"Origin: {origin}")])]
    sizes = members_text(
        [Member(one.genotype, weight, steps)
         for one, weight, steps in zip(chosen.members, chosen.weights, chosen.iterations, strict=True)],
        variates=task.n_variates,
        steps=task.spec.window,
        names=[source.origin(one.genotype) for one in chosen.members],
    )  # fmt: skip
    return [_indent("\n".join(sizes))]


def _tried(entrants: Entrants) -> list[str]:
    """Return how many candidates were tried, and how far."""
    results = entrants.tried.results.values()
    counts = Counter(result.iterations for result in results if result.curve)
    steps = ", ".join(
        f"{number} {'untrained' if not iterations else f'to {iterations} iterations'}"
        for iterations, number in sorted(counts.items())
    )
    n_failed = sum(not result.curve for result in results)
    return [f"Tried {len(results)} candidates: {steps}{f', {n_failed} failed' if n_failed else ''}."]


def _settings(rows: Sequence[Row]) -> list[str]:
    """Return what the chosen candidate's probe was set to, as one line."""
    settings = {
        name: value
        for name, value in rows[0].scores.settings.items()
        if name != "part" and not name.startswith(_DETAILED_SETTINGS) and not name.endswith(STOPPED)
    }
    return [_indent("; ".join(f"{name}: {value}" for name, value in settings.items()))] if settings else []


def _on_validation(task: Task, entrants: Entrants, rows: Sequence[Row]) -> str:
    """Return what validation says of the chosen encoders, and how far their intervals can be trusted."""
    chosen = entrants.chosen
    noise = f" (standard error {short_figure(chosen.noise)})" if chosen.noise else ""
    several = " by members selected on other cases" if len(chosen.members) > 1 else ""
    before = chosen.untrained_score if any(chosen.iterations) else None
    untrained = "" if before is None else f"; the same untrained: {short_figure(before)}"
    text = f"On validation: {task.spec.metric} {short_figure(chosen.score)}{noise}{several}{untrained}."
    coverage = rows[0].scores.metrics.get("coverage_80")
    if coverage is None:
        return text
    return f"{text} Its 80 % intervals hold {100 * coverage:.0f} % of the values of the test part."


def _time_line(seconds: Mapping[str, float]) -> str:
    stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    return f"Seconds: {stages}; total {sum(seconds.values()):.1f}"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
