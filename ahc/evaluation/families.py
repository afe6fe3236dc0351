"""Judging the comparator: how it ranks the candidates of tasks from families it never saw."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ahc.comparator import ComparatorSettings
from ahc.evaluation import rank_metrics
from ahc.evaluation.judging import FEWEST_CANDIDATES, GAPS, LANDMARKS, QUESTIONS, ZERO_SHOT, Judged, Part
from ahc.evaluation.markdown import markdown_sections
from ahc.evaluation.rivals import GAIN_RIVALS, RIVALS, Rival
from ahc.graphs.encoding import vocabulary_of
from ahc.graphs.flat import flat_features
from ahc.graphs.vocabulary import Vocabulary
from ahc.record import TrialRecord
from ahc.training.comparators import train_comparator
from ahc.training.comparisons import TaskTable, genotypes_of, teaching_tables
from ahc.training.members import TrainingSettings

METRICS = ("kendall", "spearman", "pairwise_accuracy", "regret_1", "regret_4")


@dataclass(frozen=True)
class Evaluation:
    """The figures of families held out.

    Args:
        table: One row per held-out task, question, ranker and subset of candidates (`all`, or `top` for the best
            quarter by true score). Regrets are in robust deviations of the task's untrained scores, `raw_regret_1` in
            the metric's unit; `accuracy_gap_1` holds the pairs with the smallest score gaps.
        rng_seed: Seed of training and bootstrap.
    """

    table: pd.DataFrame
    rng_seed: int

    def summary(self, subset: str = "all", *, question: str = ZERO_SHOT) -> pd.DataFrame:
        """Return mean and 95 % interval (families redrawn) of each metric per ranker."""
        rows = []
        chosen = self.table[(self.table["subset"] == subset) & (self.table["question"] == question)]
        for ranker in chosen["ranker"].unique():
            part = chosen[chosen["ranker"] == ranker]
            row: dict[str, Any] = {"ranker": ranker, "n_tasks": len(part)}
            for metric in (*METRICS, *GAPS):
                rng = np.random.default_rng(self.rng_seed)
                interval = rank_metrics.bootstrap_mean(part[metric].tolist(), groups=part["family"].tolist(), rng=rng)
                row[metric], row[f"{metric}_low"], row[f"{metric}_high"] = interval
            rows.append(row)
        return pd.DataFrame(rows)

    def to_markdown(self) -> str:
        """Return the summaries of every question, the accuracy per score gap and Kendall's tau per task as Markdown."""
        whole = self.table[(self.table["subset"] == "all") & (self.table["question"] == ZERO_SHOT)]
        tasks = whole.pivot_table(index=["family", "task"], columns="ranker", values="kendall", sort=False)
        parts = {}
        for question, words in QUESTIONS.items():
            if (self.table["question"] == question).any():
                parts[words] = _with_intervals(self.summary(question=question))
                parts[f"{words}; among the best quarter"] = _with_intervals(self.summary("top", question=question))
        parts["Pairwise accuracy by score gap (smallest quarter first)"] = self.summary()[["ranker", *GAPS]]
        parts["Kendall's tau per held-out task, nothing run on it"] = tasks.reset_index()
        return markdown_sections(parts)


def leave_families_out(
    records: Sequence[TrialRecord],
    embeddings: Mapping[str, NDArray[np.float32]],
    *,
    folds: int | None = None,
    most_tasks: int | None = None,
    rng_seed: int = 0,
    epochs: int | None = None,
    settings: TrainingSettings | None = None,
    sizes: ComparatorSettings | None = None,
    vocabulary: Vocabulary | None = None,
    feature_weights: NDArray[np.float32] | None = None,
    rivals: Mapping[str, Rival] = RIVALS,
    gain_rivals: Mapping[str, Rival] = GAIN_RIVALS,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Hold out families in turn, train on the others, rank their tasks' candidates.

    No pair is left out for being close; tasks whose noise leaves no room are (`TaskTable.has_room`). `random` is the
    expectation of a random choice; `noise_ceiling` lets one trial of repeated candidates rank another (`Judged`);
    `comparator_without_graph` is trained as the comparator is, but hears no edges: a genotype is a set of genes to it.

    Args:
        records: Trials of at least two families.
        embeddings: Task hash -> task embedding, (task_features,) each.
        folds: In how many parts families are held out; each by itself where None.
        most_tasks: Tasks to train on, drawn from those that there are: what a smaller bank would teach; None for all.
        rng_seed: Seed of training, folds and bootstrap.
        epochs: As in `train_comparator`.
        settings: As in `train_comparator`.
        sizes: As in `train_comparator`.
        vocabulary: That of the records' genotypes where None.
        feature_weights: Weight of each embedding feature, (task_features,).
        rivals: Rankers to compare with.
        gain_rivals: Those that know each candidate's untrained score.
        progress: Called with a line per part.

    Returns:
        All figures.

    Raises:
        ValueError: If fewer than two families have a task with enough candidates.
    """
    tables, _ = teaching_tables(records, fewest=FEWEST_CANDIDATES)
    families = sorted({table.family for table in tables})
    if len(families) < 2:
        raise ValueError(
            f"leave_families_out: at least 2 families need a task with {FEWEST_CANDIDATES} or more "
            f"scored candidates, got {len(families)}"
        )
    genotypes = genotypes_of(records)
    words = vocabulary or vocabulary_of(list(genotypes.values()))
    features = flat_features(list(genotypes.values()), vocabulary=words).astype(np.float64)
    flat = dict(zip(genotypes, features, strict=True))
    shape = sizes or ComparatorSettings(task_features=0)
    how: dict[str, Any] = {"rng_seed": rng_seed, "epochs": epochs, "settings": settings, "vocabulary": words}
    rows: list[dict[str, Any]] = []
    for held_out_families in _parts(families, folds, rng_seed=rng_seed):
        known = _drawn([table for table in tables if table.family not in held_out_families], most_tasks, rng_seed)
        held_out = [table for table in tables if table.family in held_out_families]
        names = {table.task_hash for table in known}
        lessons = [record for record in records if record.task_hash in names]
        comparators = {
            name: train_comparator(lessons, embeddings, sizes=each, feature_weights=feature_weights, **how)
            for name, each in (("comparator", shape), ("comparator_without_graph", replace(shape, layers=0)))
        }
        part = Part(known, embeddings, genotypes, flat, comparators, feature_weights, rng_seed)
        before, after = (part.taught(rivals, landmarks=known_too) for known_too in (False, True))
        gain_rankers = part.taught(gain_rivals, landmarks=True)
        for table in held_out:
            judged = Judged(table, part)
            rows += judged.ranked(before, landmarks=False) + judged.ranked(after, landmarks=True)
            rows += judged.trained(gain_rankers)
        if progress is not None:
            counts = f"{len(held_out)} held-out tasks, {len(known)} training tasks"
            gates = ", ".join(f"{gate:.2f}" for gate in comparators["comparator"].gates.tolist())
            progress(f"{', '.join(held_out_families)}: {counts}, gates {gates}")
    return Evaluation(table=pd.DataFrame(rows), rng_seed=rng_seed)


def learning_curve(judged: Mapping[int, Evaluation]) -> str:
    """Return as Markdown how well comparators rank that learned from so many tasks."""
    rows = []
    for n_tasks, evaluation in sorted(judged.items()):
        row: dict[str, Any] = {"training tasks, at most": n_tasks}
        for question, words in ((ZERO_SHOT, "nothing run"), (LANDMARKS, "with landmarks")):
            own = _with_intervals(evaluation.summary(question=question)).set_index("ranker")
            row |= {f"{metric}, {words}": own.loc["comparator", metric] for metric in ("kendall", "regret_4")}
        rows.append(row)
    return markdown_sections({"What smaller banks would have taught the comparator": pd.DataFrame(rows)})


def _drawn(tables: Sequence[TaskTable], most: int | None, rng_seed: int) -> list[TaskTable]:
    order = np.random.default_rng([rng_seed, len(tables)]).permutation(len(tables))
    return [tables[at] for at in np.sort(order[:most])]


def _parts(families: Sequence[str], folds: int | None, *, rng_seed: int) -> Iterator[list[str]]:
    """Yield the families that are held out together; at least one stays behind."""
    n_parts = min(len(families), folds or len(families))
    shuffled = [families[at] for at in np.random.default_rng([rng_seed, len(families)]).permutation(len(families))]
    for part in range(n_parts):
        yield sorted(shuffled[part::n_parts]) if folds else [families[part]]


def _with_intervals(summary: pd.DataFrame) -> pd.DataFrame:
    cells: dict[str, Any] = {"ranker": summary["ranker"], "tasks": summary["n_tasks"]}
    for metric in METRICS:
        columns = (summary[metric], summary[f"{metric}_low"], summary[f"{metric}_high"])
        cells[metric] = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in zip(*columns, strict=True)]
    return pd.DataFrame(cells)
