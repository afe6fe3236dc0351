"""The page of one run: its answer first, then the evidence, then how to do it again."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from nas.picture import plan_genotype
from nas.picture.write import svg
from nas.report.figures.drawn import Drawn
from nas.report.page.blocks import Block, Picture, Section, Verbatim, Words, html_of
from nas.report.page.tables import candidate_tables, method_table, option_table, pairs_table
from nas.report.page.warnings import warnings_of
from nas.report.reading import RunReading
from search_space.sentences import one_line

_LONGEST = 10_000


def run_page(run: RunReading, drawn: Mapping[str, Drawn], *, text: str, command: str) -> str:
    """Return the page of a finished run.

    Args:
        run: What its files tell, the answer too.
        drawn: Its figures by name.
        text: The printed answer.
        command: The command that asks for the same; empty where it was asked from Python.
    """
    task = run.facts["task"]
    name, ours = one_line(str(task["name"])), run.rows[0].scores
    seconds = sum(run.facts["seconds"].values())
    first, *rest = text.strip().splitlines() or [""]
    lines = "\n".join(one_line(line, longest=_LONGEST) for line in rest)

    def figure(section: str, title: str, *more: Block) -> Section:
        return Section(section, title, [_picture(drawn[section]), *more])

    sections = [
        Section("answer", "The answer", [Words([one_line(first, longest=_LONGEST)]), Verbatim(lines.strip("\n"))]),
        Section("warnings", "Warnings", [Words(found, listed=True) if (found := warnings_of(run, drawn)) else _none()]),
        Section("leaderboard", "Leaderboard", [method_table(run), *candidate_tables(run)]),
        figure("history", "Learning curves"),
        figure("pareto", "Score against cost"),
        figure("ranking", "How well the ranking held", Words([_ranked(run)])),
        figure("importance", "Which genes mattered"),
        figure("map", "A map of the chosen encoder"),
        figure("examples", "Predictions beside the truth"),
        Section("genotype", "What was chosen, drawn", _genotypes(run)),
        figure("timeline", "Who worked when", pairs_table("Seconds per stage", ("stage", "seconds"), _stages(run))),
        Section("again", "Versions, hardware, and how to do it again", _again(run, command)),
    ]
    return html_of(
        f"Search on {name}",
        sections,
        subtitle=f"{task['kind']}: the answer has {ours.metric} {ours.value:.4f} on "
        f"{one_line(ours.settings.get('part', 'test'))}; {len(run.scored)} candidates with a score, {seconds:.0f} s",
        foot=f"ts-contrastive-nas {run.facts['versions']['ts-contrastive-nas']}; this page loads nothing.",
    )


def _none() -> Words:
    return Words(["None."])


def _picture(drawn: Drawn) -> Block:
    return Words([drawn.caption]) if drawn.svg is None else Picture(drawn.svg, drawn.caption)


def _ranked(run: RunReading) -> str:
    n_ranked, n_tried = run.facts["n_ranked"], sum(one.record is not None for one in run.candidates)
    if not n_ranked:
        return f"Nobody asked the comparator for a ranking; {n_tried} candidates were tried."
    proposed = [one for one in run.candidates if one.origin == "ranked by the comparator"]
    tried = sum(one.record is not None for one in proposed)
    return (
        f"The comparator ranked {n_ranked:,} candidates and proposed {len(proposed)}. {tried} of these were tried, and "
        f"{n_tried - tried} others, such as presets and blind draws."
    )


def _genotypes(run: RunReading) -> Sequence[Block]:
    blocks: list[Block] = []
    origins = {one.key: one.origin for one in run.candidates}
    for genotype, weight, iterations in run.members:
        origin = origins.get(genotype.key, "named")
        steps = f"after {iterations} iterations" if iterations else "untrained"
        picture = svg(plan_genotype(genotype, title=origin))
        caption = f"{origin}, key {genotype.key}, weight {weight:.2f}, {steps}."
        blocks.append(Picture(_labelled(picture, caption), caption, paper=True))
    return blocks


def _labelled(picture: str, alt: str) -> Markup:
    """Return our own picture as an element of a page: no namespace, and words for who does not see it."""
    body = picture.removeprefix("<svg").replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
    return Markup("<svg") + Markup(' role="img" aria-label="{}"').format(alt) + Markup(body)


def _stages(run: RunReading) -> list[tuple[str, str]]:
    return [(one_line(str(name)), f"{value:.1f}") for name, value in run.facts["seconds"].items()]


def _again(run: RunReading, command: str) -> Sequence[Block]:
    facts = run.facts
    told: dict[str, Any] = {**facts["versions"], **facts["machine"], "data (hash)": facts["task"]["hash"]}
    told |= {"random seed": run.options.get("rng_seed"), "protocol of the test": facts["task"]["protocol"]}
    shown = [(str(name), _said(name, value)) for name, value in told.items()]
    asked: list[Block] = [Words(["It was asked from Python; the settings below say how."])]
    if command:
        how = "The same command, from the folder where it was given, finds the same:"
        asked = [Words([how]), Verbatim(command, wrapped=True)]
    return [*asked, pairs_table("Versions and hardware", ("what", "value"), shown, numbers=False), option_table(run)]


def _said(name: str, value: object) -> str:
    if name == "memory_bytes" and isinstance(value, int):
        return f"{value / 2**30:.1f} GiB"
    if isinstance(value, list):
        return one_line(", ".join(map(str, value))) or "none"
    return one_line(str(value))
