"""Judging the comparator: how it ranks the candidates of tasks from families it never saw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ahc.comparator import ComparatorSettings
from ahc.evaluation import rank_metrics
from ahc.evaluation.markdown import markdown_sections
from ahc.evaluation.rank_metrics import N_GAPS, Values
from ahc.evaluation.rivals import RIVALS, Question, Rival, task_coordinates
from ahc.graphs.encoding import vocabulary_of
from ahc.graphs.flat import flat_features
from ahc.graphs.vocabulary import Vocabulary
from ahc.ranking import rank_candidates
from ahc.record import TrialRecord
from ahc.task_embedding import default_weights
from ahc.training.comparators import train_comparator
from ahc.training.comparisons import TaskTable, genotypes_of, robust_deviation, task_tables
from ahc.training.members import TrainingSettings

METRICS = ("kendall", "spearman", "pairwise_accuracy", "regret_1", "regret_3")
_GAPS = tuple(f"accuracy_gap_{quarter + 1}" for quarter in range(N_GAPS))
_FEWEST_REPEATS = 5
_FEWEST_CANDIDATES = 8


@dataclass(frozen=True)
class Evaluation:
    """The figures of a leave-one-family-out run.

    Args:
        table: One row per held-out task, ranker and subset of candidates (`all`, or
            `top` for the best quarter by true score). Regrets are in robust
            deviations of the task's scores, `raw_regret_1` in the metric's unit;
            `accuracy_gap_1` holds the pairs with the smallest score gaps.
        rng_seed: Seed of training and bootstrap.
    """

    table: pd.DataFrame
    rng_seed: int

    def summary(self, subset: str = "all") -> pd.DataFrame:
        """Return mean and 95 % interval (families redrawn) of each metric per ranker."""
        rows = []
        chosen = self.table[self.table["subset"] == subset]
        for ranker in chosen["ranker"].unique():
            part = chosen[chosen["ranker"] == ranker]
            row: dict[str, Any] = {"ranker": ranker, "n_tasks": len(part)}
            for metric in (*METRICS, *_GAPS):
                rng = np.random.default_rng(self.rng_seed)
                interval = rank_metrics.bootstrap_mean(part[metric].tolist(), groups=part["family"].tolist(), rng=rng)
                row[metric], row[f"{metric}_low"], row[f"{metric}_high"] = interval
            rows.append(row)
        return pd.DataFrame(rows)

    def to_markdown(self) -> str:
        """Return the summaries, the accuracy per score gap and Kendall's tau per task as Markdown."""
        whole = self.table[self.table["subset"] == "all"]
        tasks = whole.pivot_table(index=["family", "task"], columns="ranker", values="kendall", sort=False)
        parts = {
            "All candidates": _with_intervals(self.summary()),
            "Among the best quarter": _with_intervals(self.summary("top")),
            "Pairwise accuracy by score gap (smallest quarter first)": self.summary()[["ranker", *_GAPS]],
            "Kendall's tau per held-out task": tasks.reset_index(),
        }
        return markdown_sections(parts)


def leave_one_family_out(
    records: Sequence[TrialRecord],
    embeddings: Mapping[str, NDArray[np.float32]],
    *,
    rng_seed: int = 0,
    epochs: int | None = None,
    settings: TrainingSettings | None = None,
    sizes: ComparatorSettings | None = None,
    vocabulary: Vocabulary | None = None,
    feature_weights: NDArray[np.float32] | None = None,
    rivals: Mapping[str, Rival] = RIVALS,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Hold out each family in turn, train on the others, rank its tasks' candidates.

    No pair is left out for being close. `random` is the expectation of a random
    choice; `noise_ceiling` lets one trial of repeated candidates rank another.

    Args:
        records: Trials of at least two families.
        embeddings: Task hash -> task embedding, (task_features,) each.
        rng_seed: Seed of training and bootstrap.
        epochs: As in `train_comparator`.
        settings: As in `train_comparator`.
        sizes: As in `train_comparator`.
        vocabulary: That of the records' genotypes where None.
        feature_weights: Weight of each embedding feature, (task_features,).
        rivals: Rankers to compare with.
        progress: Called with a line per family.

    Returns:
        All figures.

    Raises:
        ValueError: If fewer than two families have a task with enough candidates.
    """
    tables = [table for table in task_tables(records) if len(table.keys) >= _FEWEST_CANDIDATES]
    families = sorted({table.family for table in tables})
    if len(families) < 2:
        raise ValueError(
            f"leave_one_family_out: at least 2 families need a task with {_FEWEST_CANDIDATES} or more "
            f"scored candidates, got {len(families)}"
        )
    genotypes = genotypes_of(records)
    words = vocabulary or vocabulary_of(list(genotypes.values()))
    features = flat_features(list(genotypes.values()), vocabulary=words).astype(np.float64)
    flat = dict(zip(genotypes, features, strict=True))
    rows: list[dict[str, Any]] = []
    for family in families:
        known = [table for table in tables if table.family != family]
        held_out = [table for table in tables if table.family == family]
        names = {table.task_hash for table in known}
        comparator = train_comparator(
            [record for record in records if record.task_hash in names],
            embeddings,
            rng_seed=rng_seed,
            epochs=epochs,
            settings=settings,
            sizes=sizes,
            vocabulary=words,
            feature_weights=feature_weights,
        )
        for table in held_out:
            stacked = np.stack([embeddings[task.task_hash] for task in (*known, table)]).astype(np.float64)
            weights = default_weights(stacked.shape[1]) if feature_weights is None else feature_weights
            placed = task_coordinates(stacked, n_known=len(known), weights=weights.astype(np.float64))
            question = Question(known, placed[:-1], placed[-1], table.keys, flat, rng_seed)
            predictions = {name: rival(question) for name, rival in rivals.items()}
            candidates = [genotypes[key] for key in table.keys]
            for name, blind in (("comparator", False), ("comparator_task_blind", True)):
                ranking = rank_candidates(comparator, candidates, embeddings[table.task_hash], task_blind=blind)
                scores = dict(zip((genotype.key for genotype in ranking.genotypes), ranking.scores, strict=True))
                predictions[name] = np.array([scores[key] for key in table.keys], dtype=np.float64)
            rows += _task_rows(table, predictions=predictions)
        if progress is not None:
            counts = f"{len(held_out)} held-out tasks, {len(known)} training tasks"
            progress(f"{family}: {counts}, gate {float(comparator.gate):.2f}")
    return Evaluation(table=pd.DataFrame(rows), rng_seed=rng_seed)


def _task_rows(table: TaskTable, *, predictions: Mapping[str, Values]) -> list[dict[str, Any]]:
    unit = robust_deviation(table.scores)
    facts = {"task": table.name, "family": table.family, "kind": table.kind}
    subsets = {"all": np.arange(len(table.scores)), "top": np.argsort(-table.scores)[: -(-len(table.scores) // 4)]}
    rows = []
    for subset, chosen in subsets.items():
        of_subset = {ranker: predicted[chosen] for ranker, predicted in predictions.items()}
        for ranker, predicted in {**of_subset, "random": None}.items():
            measures = _measures(table.scores[chosen], predicted=predicted, unit=unit)
            rows.append({**facts, "subset": subset, "ranker": ranker, **measures})
    if len(table.repeat_scores) >= _FEWEST_REPEATS:
        first, second = table.repeat_scores.T
        ceiling = _measures(second, predicted=first, unit=unit)
        rows.append({**facts, "subset": "all", "ranker": "noise_ceiling", **ceiling})
    return rows


def _measures(scores: Values, *, predicted: Values | None, unit: float) -> dict[str, float]:
    """Return all measures of a ranking; without a prediction, what is expected of a random one."""
    if predicted is None:
        first, third = (rank_metrics.expected_random_regret(scores, k=k) for k in (1, 3))
        tau, rho, accuracy, gaps = 0.0, 0.0, 0.5, np.full(N_GAPS, 0.5)
    else:
        first, third = (rank_metrics.regret(scores, predicted=predicted, k=k) for k in (1, 3))
        tau, rho = rank_metrics.kendall(scores, predicted=predicted), rank_metrics.spearman(scores, predicted=predicted)
        accuracy = rank_metrics.pairwise_accuracy(scores, predicted=predicted)
        gaps = rank_metrics.accuracy_by_gap(scores, predicted=predicted)
    return {
        "n_candidates": len(scores),
        "kendall": tau,
        "spearman": rho,
        "pairwise_accuracy": accuracy,
        "regret_1": first / unit,
        "regret_3": third / unit,
        "raw_regret_1": first,
        **dict(zip(_GAPS, gaps.tolist(), strict=True)),
    }


def _with_intervals(summary: pd.DataFrame) -> pd.DataFrame:
    cells: dict[str, Any] = {"ranker": summary["ranker"], "tasks": summary["n_tasks"]}
    for metric in METRICS:
        columns = (summary[metric], summary[f"{metric}_low"], summary[f"{metric}_high"])
        cells[metric] = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in zip(*columns, strict=True)]
    return pd.DataFrame(cells)
