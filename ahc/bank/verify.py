"""Whether a bank is sound: the file, its tables, every row, what no trial can be, and what rows say together."""

import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from ahc.bank.errors import SQLITE_ERRORS, BankError, printable, way_out
from ahc.bank.file import open_connection
from ahc.bank.rows import TaskEntry, from_row
from ahc.bank.schema import CELLS, KEY_COLUMNS, KEY_ORDER, TRIAL_COLUMNS, digest_of, read_schema
from ahc.record import TrialRecord
from downstream.kinds import KINDS, task_kind
from search_space.genotype import Genotype, GenotypeError

_MOST_OF_THE_FILE = 100
_ROUNDING = 1e-9  # of a sum that is at most 1


def find_problems(path: Path) -> Iterator[str]:
    """Yield every problem of a bank as one line; none for a sound one.

    Checked are the file's pages and indexes, the tables, and of each trial: that it is what was written (`digest`),
    that it can be read, that its genotype has its key, that no value is impossible; then that no key is there twice,
    and that the trials of a task agree on what the task is.

    Args:
        path: The bank; opened read only, so it stays as it is.

    Raises:
        BankError: If the file cannot be opened as a bank at all.
    """
    with closing(open_connection(path, read_only=True)) as connection:
        broken = False
        try:
            for line in _of_pages(connection):
                broken = True
                yield f"file: {line}; {way_out(path)}"
            yield from _of_tasks(connection)
            yield from _of_trials(connection, has_digests=read_schema(connection, path=path) > 1)
            yield from _doubled(connection)
        except SQLITE_ERRORS as error:
            if not broken:
                yield f"file: {printable(error)}; {way_out(path)}"
        except BankError as error:
            yield str(error)


def _of_pages(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute(f"PRAGMA integrity_check({_MOST_OF_THE_FILE})"):
        if row[0] != "ok":
            yield from (printable(line) for line in str(row[0]).splitlines() if not line.startswith("***"))


def _of_tasks(connection: sqlite3.Connection) -> Iterator[str]:
    lengths: dict[str, Counter[int]] = defaultdict(Counter)
    for task in [TaskEntry(*row) for row in connection.execute("SELECT * FROM tasks")]:
        if problem := task.problem():
            yield f"task {printable(task.task_hash)}: {printable(problem)}"
        elif task.embedding is not None:
            lengths[task.embedding_version][len(task.embedding) // 4] += 1
    for version, counts in lengths.items():
        if len(counts) > 1:
            shown = ", ".join(f"{count} of length {length}" for length, count in counts.most_common())
            yield f"tasks: embeddings of version {printable(version) or 'unknown'} must be of one length, got {shown}"


def _of_trials(connection: sqlite3.Connection, *, has_digests: bool) -> Iterator[str]:
    names_of_tasks: dict[str, dict[tuple[Any, ...], str]] = defaultdict(dict)
    columns = ", ".join(TRIAL_COLUMNS if has_digests else CELLS)
    for row in connection.execute(f"SELECT {columns} FROM trials NOT INDEXED ORDER BY rowid"):
        name = _name(row)
        if has_digests and row["digest"] and row["digest"] != digest_of(tuple(row)[:-1]):
            yield f"{name}: was changed after it was written"
        try:
            record = from_row(dict(row))
        except ValueError as error:
            yield f"{name}: {printable(error)}"
            continue
        for column, (kind, _) in TRIAL_COLUMNS.items():
            if kind is float and not math.isfinite(row[column] or 0.0):
                yield f"{name}: {column} must be finite, got {row[column]}"
        yield from (f"{name}: {printable(problem)}" for problem in problems_of(record))
        facts = (record.family, record.kind, record.metric, "max" if record.higher_is_better else "min")
        names_of_tasks[record.task_hash].setdefault(facts, name)
    for task_hash, names in names_of_tasks.items():
        first, *others = names
        for other in others:
            calls = f"calls task {printable(task_hash)} {printable(other)}, others call it {printable(first)}"
            yield f"{names[other]}: {calls}"


def _doubled(connection: sqlite3.Connection) -> Iterator[str]:
    sql = f"SELECT {KEY_ORDER}, count(*) AS n FROM trials NOT INDEXED GROUP BY {KEY_ORDER} HAVING n > 1"
    for row in connection.execute(sql):
        yield f"{_name(row)}: is there {row['n']} times"


def _name(row: sqlite3.Row) -> str:
    return "trial " + " ".join(printable(row[key]) for key in KEY_COLUMNS)


def problems_of(record: TrialRecord) -> Iterator[str]:
    """Yield what cannot be true of a trial, each as a short phrase."""
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
        if value is not None and not least - _ROUNDING <= value <= most + _ROUNDING:
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
    best = max(scores.values()) if record.higher_is_better else min(scores.values())
    if record.score is not None:
        which, expected = ("last", record.curve[-1][1]) if record.scores_the_last_point else ("best", best)
        if record.score != expected:
            yield f"score {record.score!r} is not the {which} of its curve, {expected!r}"
    there = best if record.scores_the_last_point else record.score
    if record.best_iteration is not None and there is not None and scores.get(record.best_iteration) != there:
        yield f"the curve has another score at best_iteration {record.best_iteration}"
    if record.untrained_score is not None and scores.get(0, record.untrained_score) != record.untrained_score:
        yield f"untrained_score {record.untrained_score!r} is not the curve's score at 0"
