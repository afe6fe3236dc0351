"""All strategies on all tasks of a bank, again and again, with what is known of other families and no more."""

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ahc.comparator import TaskView
from ahc.evaluation.rivals import Asked, Known, nearest_task, task_blind_average, task_coordinates
from ahc.graphs.encoding import vocabulary_of
from ahc.graphs.flat import flat_features
from ahc.ranking import Ranking, rank_candidates
from ahc.record import TrialRecord
from ahc.task_embedding import default_weights
from ahc.training.comparators import landmarks_of
from ahc.training.comparisons import TaskTable, genotypes_of, task_tables
from nas.replay.left_out import comparator_without
from nas.replay.play import COSTS, InOrder, plan_for, play
from nas.replay.pool import Pool, PoolSource
from nas.runs.whole_file import write_whole_text
from nas.strategies import STRATEGIES, Factory, Strategy
from search_space.genotype import Genotype

Values = NDArray[np.float64]
_PORTFOLIO = 4
_FEWEST = 8  # candidates of a task
_VERSION = 2  # of what a kept file means

CONTESTANTS: Mapping[str, Factory] = {
    **{name: factory for name, factory in STRATEGIES.items() if name != "policy"},
    **{f"policy, {update}": partial(STRATEGIES["policy"], update=update) for update in ("reinforce", "grpo", "dapo")},
}


@dataclass(frozen=True)
class Recorded:
    """What a contest is held on.

    Args:
        records: Trials, in the order of their keys.
        embeddings: Task hash -> task embedding, (task_features,) each.
    """

    records: Sequence[TrialRecord]
    embeddings: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Guesses:
    """What other families say of the candidates of a task; arrays are (candidates,) each.

    Args:
        before: What the comparator says of the task's embedding alone: a ranking of all of them.
        after: What it says given the landmarks that the bank has of the task.
        blind: Mean standardised score on other tasks; of a ridge on genes where a candidate was not tried there.
        nearest: Score on the most similar task, or of a ridge there.
        elsewhere: Whether a candidate was tried on another family's task at all.
    """

    before: Ranking
    after: Ranking
    blind: Values
    nearest: Values
    elsewhere: NDArray[np.bool_]


def contest(
    recorded: Recorded, *, folder: Path, rng_seed: int, repetitions: int, progress: Callable[[str], None]
) -> pd.DataFrame:
    """Play everything, one row per task, strategy and repetition; `COSTS` are columns of regrets.

    What is done stays in the folder, so that the same contest goes on where it was interrupted.

    Raises:
        ValueError: As `pools_of`.
    """
    pools = pools_of(recorded)
    tables = [table for table in task_tables(recorded.records) if table.task_hash in pools]
    flat = _flat(recorded.records)
    parts = []
    for table in tables:
        path = folder / "tasks" / f"{table.task_hash}-{_digest(recorded, rng_seed, repetitions)}.csv"
        if path.exists():
            parts.append(pd.read_csv(path))
            continue
        pool = pools[table.task_hash]
        guesses = _guesses(recorded, pool, tables, flat, folder=folder, rng_seed=rng_seed, progress=progress)
        progress(f"replay: {pool.task}, {len(pool.records)} candidates")
        played = _played(pool, guesses, rng_seed=rng_seed, repetitions=repetitions)
        text = io.StringIO()
        played.to_csv(text, index=False, float_format="%.4f")
        write_whole_text(path, text.getvalue())
        parts.append(pd.read_csv(path))
    return pd.concat(parts, ignore_index=True)


def pools_of(recorded: Recorded) -> dict[str, Pool]:
    """Return the pools that are large enough for a contest, by task hash.

    Raises:
        ValueError: If fewer than two families have one.
    """
    by_task: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in recorded.records:
        by_task[record.task_hash].append(record)
    pools = {task: Pool.of(records) for task, records in by_task.items()}
    large = {task: pool for task, pool in pools.items() if len(pool.records) >= _FEWEST}
    if len({pool.family for pool in large.values()}) < 2:
        raise ValueError(
            f"replay: at least 2 families need a task with {_FEWEST} or more candidates that were trained as long as "
            "any on it"
        )
    return large


def _played(pool: Pool, guesses: Guesses, *, rng_seed: int, repetitions: int) -> pd.DataFrame:
    genotypes = [Genotype.from_dict(dict(record.genotype)) for record in pool.records.values()]
    plan = plan_for(pool)
    known = [at for at in np.argsort(-guesses.blind, kind="stable") if guesses.elsewhere[at]]
    portfolio = [genotypes[at] for at in known[:_PORTFOLIO]]
    rows = []

    def add(name: str, strategy: Strategy, repetition: int) -> None:
        facts = {"task": pool.task, "family": pool.family, "kind": pool.kind, "strategy": name}
        regrets = {f"{cost:.0%}": float(regret) for cost, regret in zip(COSTS, play(strategy, pool), strict=True)}
        rows.append({**facts, "repetition": repetition, **regrets})

    for repetition in range(repetitions):
        for at, (name, factory) in enumerate(CONTESTANTS.items()):
            rng = np.random.default_rng([rng_seed, repetition, at])
            source = PoolSource(guesses.before, after=guesses.after, portfolio=portfolio, rng=rng)
            add(name, factory(source, plan, rng), repetition)
        shuffled = np.random.default_rng([rng_seed, repetition]).permutation(len(genotypes))
        add("random search", InOrder([genotypes[at] for at in shuffled], iterations=pool.iterations), repetition)
    for name, values in (("task-blind best", guesses.blind), ("nearest task's best", guesses.nearest)):
        order = [genotypes[at] for at in np.argsort(-values, kind="stable")]
        add(name, InOrder(order, iterations=pool.iterations), 0)
    return pd.DataFrame(rows)


def _guesses(
    recorded: Recorded,
    pool: Pool,
    tables: Sequence[TaskTable],
    flat: Mapping[str, Values],
    *,
    folder: Path,
    rng_seed: int,
    progress: Callable[[str], None],
) -> Guesses:
    comparator = comparator_without(
        pool.family,
        recorded.records,
        recorded.embeddings,
        folder=folder / "comparators",
        rng_seed=rng_seed,
        progress=progress,
    )
    keys, own = [*pool.records], recorded.embeddings[pool.task_hash]
    genotypes = [Genotype.from_dict(dict(pool.records[key].genotype)) for key in keys]
    table = next(table for table in tables if table.task_hash == pool.task_hash)
    landmarks = landmarks_of(table, genotypes_of(recorded.records))
    before = rank_candidates(comparator, genotypes, TaskView(own))
    after = rank_candidates(comparator, genotypes, TaskView(own, landmarks)) if landmarks.any() else before
    known = [table for table in tables if table.family != pool.family]
    stacked = np.stack([*(recorded.embeddings[table.task_hash] for table in known), own]).astype(np.float64)
    weights = default_weights(stacked.shape[1]).astype(np.float64)
    placed = task_coordinates(stacked, n_known=len(known), weights=weights)
    lessons, asked = Known(known, placed[:-1], flat, rng_seed), Asked(keys, placed[-1])
    tried = {key for table in known for key in table.keys}
    return Guesses(
        before=before,
        after=after,
        blind=task_blind_average(lessons)(asked),
        nearest=nearest_task(lessons)(asked),
        elsewhere=np.array([key in tried for key in keys]),
    )


def _flat(records: Sequence[TrialRecord]) -> dict[str, Values]:
    genotypes = genotypes_of(records)
    vocabulary = vocabulary_of([*genotypes.values()])
    features = flat_features([*genotypes.values()], vocabulary=vocabulary).astype(np.float64)
    return dict(zip(genotypes, features, strict=True))


def _digest(recorded: Recorded, rng_seed: int, repetitions: int) -> str:
    facts = "\n".join(f"{record.record_key} {record.curve}" for record in recorded.records)
    return hashlib.sha256(f"{_VERSION} {rng_seed} {repetitions}\n{facts}".encode()).hexdigest()[:16]
