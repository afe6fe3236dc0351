"""What a reader has to know before believing a number of the page, in sentences."""

from collections import Counter
from collections.abc import Mapping

from downstream.scores import STOPPED
from nas.report.figures.drawn import Drawn
from nas.report.reading import RunReading
from search_space.sentences import one_line

_LONGEST = 400
_MOST = 5
"""Kinds of failures that are listed."""
_EDGE = ("warning/", "ts2vec.warning/")


def warnings_of(run: RunReading, drawn: Mapping[str, Drawn]) -> list[str]:
    """Return sentences, the gravest first; none where all is well."""
    told = dict.fromkeys(str(event.get("message")) for event in run.events if event.get("event") == "warning")
    printed = [f"{one_line(message, longest=_LONGEST)}." for message in told]
    return [*_about_answer(run), *printed, *_about_trials(run), *_about_settings(run), *_about_report(run, drawn)]


def _about_answer(run: RunReading) -> list[str]:
    facts, ours = run.facts, run.rows[0].scores
    sign = 1.0 if ours.higher_is_better else -1.0
    found = [f"Cut by the time budget: {one_line(str(cut))}." for cut in facts.get("cut") or ()]
    if "part" in ours.settings:
        found.append(f"The scores are not of a test part: {one_line(ours.settings['part'])}.")
    ahead = [row.name for row in run.rows[1:] if sign * row.scores.value > sign * ours.value]
    if ahead:
        found.append(f"Ahead of the answer on test: {one_line(', '.join(ahead))}.")
    chosen = facts["chosen"]
    score, untrained = chosen.get("validation_score"), chosen.get("untrained_score")
    if any(steps for _, _, steps in run.members) and None not in (score, untrained):
        record_sign = 1.0 if run.higher_is_better else -1.0
        if record_sign * score <= record_sign * untrained:
            found.append(f"Training did not pay on validation: {score:.4f} trained, {untrained:.4f} untrained.")
    if not (run.folder / "predictor.safetensors").is_file():
        found.append("There is no predictor: forecast and detect cannot use this run.")
    return found


def _about_trials(run: RunReading) -> list[str]:
    ended = [event for event in run.events if event.get("event") == "trial"]
    failed = Counter(
        (str(event.get("status")), str(event.get("message") or ""))
        for event in ended
        if event.get("status") != "completed"
    )
    found = [
        f"{number} of {len(ended)} trials ended as {status}{f': {one_line(message, longest=200)}' if message else ''}."
        for (status, message), number in failed.most_common(_MOST)
    ]
    if len(failed) > _MOST:
        found.append(f"Trials failed for {len(failed) - _MOST} other reasons; log.txt lists them.")
    return found


def _about_settings(run: RunReading) -> list[str]:
    notes: dict[str, list[str]] = {}
    for row in run.rows:
        for name, text in row.scores.settings.items():
            if name.startswith(_EDGE) or name.endswith(STOPPED) or text.startswith("left out"):
                kind = "" if name.startswith(_EDGE) else f"{name}: "
                notes.setdefault(f"{kind}{text}", []).append(row.name)
    return [f"{one_line(text)} - {one_line(', '.join(dict.fromkeys(names)))}." for text, names in notes.items()]


def _about_report(run: RunReading, drawn: Mapping[str, Drawn]) -> list[str]:
    found = [*run.notes, *(str(note) for note in run.evidence.get("notes") or ())]
    if not run.evidence:
        found.append("The folder has no report.json, so the map and the predictions beside the truth are missing.")
    return [*found, *(f"Figure {name}: {one.caption}" for name, one in drawn.items() if one.failed)]
