"""What a bank says about its own labels: noise, what training gained, and what the genes explain.

Gains are best trained point of the curve minus the untrained encoder, larger = better, negative where training never
helped. Where gains of different tasks are averaged they are in robust deviations between the task's candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from ahc.evaluation.importance import gene_importance, gene_table
from ahc.evaluation.markdown import markdown_table
from ahc.record import TrialRecord
from ahc.training.comparisons import genotypes_of, robust_deviation, task_tables

_FEWEST_OF_A_CHOICE = 30
_SHOWN = 12


def curve_gains(record: TrialRecord) -> dict[int, float]:
    """Return the gain over the untrained encoder at each later point of a trial's curve, larger = better."""
    sign = 1.0 if record.higher_is_better else -1.0
    points = [(iteration, score) for iteration, score, _ in record.curve if score is not None]
    if not points or points[0][0] != 0:
        return {}
    return {iteration: sign * (score - points[0][1]) for iteration, score in points[1:]}


def best_gain(record: TrialRecord) -> float:
    """Return the gain at the best trained point; NaN if nothing was probed after training."""
    return max(curve_gains(record).values(), default=float("nan"))


def noise_table(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return label noise against the spread between candidates, one row per task.

    `tau` is Kendall's tau between first and second trials of the repeated candidates; a `share` of 1 or more means
    that the task teaches nothing.
    """
    rows = []
    for table in task_tables(records):
        repeats = table.repeat_scores
        rows.append(
            {
                "task": table.name,
                "kind": table.kind,
                "family": table.family,
                "candidates": len(table.keys),
                "failed": int(table.failed.sum()),
                "sd between candidates": float(np.std(table.scores)),
                "robust sd": robust_deviation(table.scores),
                "sd between repeats": table.noise_sd,
                "repeats": len(repeats),
                "share": table.noise_sd / robust_deviation(table.scores),
                "tau of repeats": float(kendalltau(repeats[:, 0], repeats[:, 1])[0]) if len(repeats) > 2 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def gain_table(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return what training gained, one row per task, in the unit of the task's metric."""
    rows = []
    for table in task_tables(records):
        own = [one for one in records if one.task_hash == table.task_hash and np.isfinite(best_gain(one))]
        gains = np.asarray([best_gain(one) for one in own])
        best = max(own, key=lambda one: one.oriented_score)
        rows.append(
            {
                "task": table.name,
                "metric": own[0].metric,
                "median gain": float(np.median(gains)),
                "upper decile": float(np.quantile(gains, 0.9)),
                "share gaining": float(np.mean(gains > 0)),
                "best candidate": abs(best.oriented_score),
                "its untrained": best.untrained_score,
                "its iterations": best.best_iteration,
            }
        )
    return pd.DataFrame(rows)


def gain_by_iteration(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return mean gain (in task deviations) and share of trials above their untrained encoder, per iteration."""
    units = {table.task_hash: robust_deviation(table.scores) for table in task_tables(records)}
    rows = [
        {"iteration": iteration, "gain": gain / units[record.task_hash], "above": gain > 0}
        for record in records
        for iteration, gain in curve_gains(record).items()
        if record.task_hash in units
    ]
    grouped = pd.DataFrame(rows).groupby("iteration")
    table = grouped.agg(
        **{"trials": ("gain", "size"), "median gain": ("gain", "median"), "share gaining": ("above", "mean")}
    )
    return table[table["trials"] >= _FEWEST_OF_A_CHOICE].reset_index()


def gain_by_choice(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return the mean gain (in task deviations) of the trials that made each choice, largest first."""
    genotypes = genotypes_of(records)
    units = {table.task_hash: robust_deviation(table.scores) for table in task_tables(records)}
    own = [record for record in records if record.task_hash in units and np.isfinite(best_gain(record))]
    gains = np.asarray([best_gain(record) / units[record.task_hash] for record in own])
    genes = gene_table([genotypes[record.genotype_key] for record in own])
    rows = []
    for gene in genes.columns:
        for choice in genes[gene].unique():
            chosen = (genes[gene] == choice).to_numpy()
            if chosen.sum() >= _FEWEST_OF_A_CHOICE:
                values = gains[chosen]
                rows.append(
                    {
                        "gene": gene,
                        "choice": str(choice),
                        "trials": int(chosen.sum()),
                        "mean gain": float(np.mean(values)),
                        "share gaining": float(np.mean(values > 0)),
                    }
                )
    table = pd.DataFrame(rows, columns=["gene", "choice", "trials", "mean gain", "share gaining"])
    return table.sort_values("mean gain", ascending=False, ignore_index=True)


def account_text(records: Sequence[TrialRecord], *, rng_seed: int = 0) -> str:
    """Return the whole account as Markdown."""
    choices = gain_by_choice(records)
    importance = gene_importance(records, rng_seed=rng_seed)
    mean = importance[importance["task"] == "mean"]
    parts = [("Label noise per task", noise_table(records)), ("What training gained per task", gain_table(records))]
    parts += [("Gain by iteration, all tasks", gain_by_iteration(records))]
    parts += [("Choices with the largest gains", choices.head(_SHOWN))]
    parts += [("Choices with the smallest gains", choices.tail(_SHOWN))]
    for target in ("score", "gain"):
        genes = mean[mean["target"] == target].drop(columns=["task", "target"]).head(_SHOWN)
        parts.append((f"What the genes explain of the {target}, mean over tasks", genes))
    return "\n\n".join(f"### {title}\n\n{markdown_table(table)}" for title, table in parts) + "\n"
