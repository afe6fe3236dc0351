"""What cannot be true of a trial: the rules by which `verify` looks at one record."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from ahc.record import TrialRecord
from downstream.kinds import KINDS, task_kind
from search_space.genotype import Genotype
from search_space.validation import GenotypeError


def problems_of(record: TrialRecord) -> Iterator[str]:
    """Yield what is wrong with a record, each as a short phrase."""
    yield from _of_genotype(record)
    yield from _of_facts(record)
    yield from _of_values(record)
    yield from _of_curve(record)


def _of_genotype(record: TrialRecord) -> Iterator[str]:
    try:
        key = Genotype.from_dict(record.genotype).key
    except (GenotypeError, ValueError, TypeError, KeyError, RecursionError) as error:
        yield f"its genotype cannot be read ({str(error).splitlines()[0]})"
        return
    if key != record.genotype_key:
        yield f"its genotype has the key {key}"


def _of_facts(record: TrialRecord) -> Iterator[str]:
    if record.kind not in KINDS:
        yield f"kind must be one of {', '.join(KINDS)}, got {record.kind!r}"
    elif not record.protocol.startswith(f"{record.kind}-"):
        yield f"protocol {record.protocol!r} is not one of {record.kind}"
    for name in ("task_hash", "task_name", "family", "metric"):
        if not getattr(record, name):
            yield f"{name} is empty"
    for name in ("iterations", "rng_seed", "n_parameters"):
        if getattr(record, name) < 0:
            yield f"{name} must be >= 0, got {getattr(record, name)}"
    if not (math.isfinite(record.seconds) and record.seconds >= 0):
        yield f"seconds must be finite and >= 0, got {record.seconds}"
    try:
        datetime.fromisoformat(record.created)
    except ValueError:
        yield f"created must be an ISO time, got {record.created!r}"


def _of_values(record: TrialRecord) -> Iterator[str]:
    points = [("score", record.score), ("untrained_score", record.untrained_score)]
    points += [(f"the curve's score at {at}", score) for at, score, _ in record.curve]
    kind = next((kind for kind in map(task_kind, KINDS) if kind.metric == record.metric), None)
    if kind is None:
        return
    least, most = kind.score_range
    rule = f">= {least:g}" if math.isinf(most) else f"in {least:g}..{most:g}"
    for name, value in points:
        if value is not None and not least <= value <= most:
            yield f"{name} must be {rule} ({record.metric}), got {value:g}"
    if record.higher_is_better != kind.higher_is_better:
        yield f"the direction of {record.metric} is the wrong way round"


def _of_curve(record: TrialRecord) -> Iterator[str]:
    steps = [at for at, _, _ in record.curve]
    if any(later <= earlier for earlier, later in pairwise(steps)):
        yield f"the curve's iterations must rise, got {steps}"
    if steps and not 0 <= min(steps) <= max(steps) <= record.iterations:
        yield f"the curve must lie in 0..{record.iterations} iterations, got {min(steps)}..{max(steps)}"
    scores = {at: score for at, score, _ in record.curve if score is not None}
    if not scores:
        return
    if record.score is not None:
        best = max(scores.values()) if record.higher_is_better else min(scores.values())
        if record.score != best:
            yield f"score {record.score!r} is not the best of its curve, {best!r}"
        if record.best_iteration is not None and scores.get(record.best_iteration) != record.score:
            yield f"the curve has another score at best_iteration {record.best_iteration}"
    if record.untrained_score is not None and scores.get(0, record.untrained_score) != record.untrained_score:
        yield f"untrained_score {record.untrained_score!r} is not the curve's score at 0"
