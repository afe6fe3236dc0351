"""What a bank says about its own labels: noise, what training gained, and what the genes explain.

Gains are best trained point of the curve minus the untrained encoder, larger = better, negative where training never
helped. Where gains of different tasks are averaged they are in robust deviations between the task's candidates.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from ahc.evaluation.importance import gene_importance, gene_table
from ahc.evaluation.markdown import markdown_sections
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
        trials = [trial for trial in records if trial.task_hash == table.task_hash and np.isfinite(best_gain(trial))]
        scored = [trial for trial in trials if trial.score is not None]
        if not scored:
            continue  # none was trained, or none came to its end
        gains = np.asarray([best_gain(trial) for trial in trials])
        best = max(scored, key=lambda trial: trial.oriented_score)
        rows.append(
            {
                "task": table.name,
                "metric": best.metric,
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
    units = _units(records)
    rows = [
        {"iteration": iteration, "gain": gain / units[record.task_hash]}
        for record in records
        for iteration, gain in curve_gains(record).items()
    ]
    grouped = pd.DataFrame(rows, columns=["iteration", "gain"]).groupby("iteration")["gain"]
    share = grouped.agg(lambda gains: (gains > 0).mean())
    table = pd.DataFrame({"trials": grouped.size(), "median gain": grouped.median(), "share gaining": share})
    return table[table["trials"] >= _FEWEST_OF_A_CHOICE].reset_index()


def gain_by_choice(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return the mean gain (in task deviations) of the trials that made each choice, largest first."""
    genotypes, units = genotypes_of(records), _units(records)
    trials = [record for record in records if np.isfinite(best_gain(record))]
    gains = np.asarray([best_gain(trial) / units[trial.task_hash] for trial in trials])
    genes = gene_table([genotypes[trial.genotype_key] for trial in trials])
    rows = []
    for gene in genes.columns:
        for choice in genes[gene].unique():
            chosen = gains[(genes[gene] == choice).to_numpy()]
            if len(chosen) >= _FEWEST_OF_A_CHOICE:
                facts = (gene, str(choice), len(chosen))
                rows.append((*facts, float(chosen.mean()), float((chosen > 0).mean())))
    table = pd.DataFrame(rows, columns=["gene", "choice", "trials", "mean gain", "share gaining"])
    return table.sort_values("mean gain", ascending=False, ignore_index=True)


def account_text(records: Sequence[TrialRecord], *, rng_seed: int = 0) -> str:
    """Return the whole account as Markdown."""
    choices = gain_by_choice(records)
    importance = gene_importance(records, rng_seed=rng_seed)
    parts = {
        "Label noise per task": noise_table(records),
        "What training gained per task": gain_table(records),
        "Gain by iteration, all tasks": gain_by_iteration(records),
        "Choices with the largest gains": choices.head(_SHOWN),
        "Choices with the smallest gains": choices.tail(_SHOWN),
    }
    for target in ("score", "gain"):
        mean = importance[(importance["task"] == "mean") & (importance["target"] == target)]
        genes = mean.drop(columns=["task", "target"]).head(_SHOWN)
        parts[f"What the genes explain of the {target}, mean over tasks"] = genes
    return markdown_sections(parts)


def _units(records: Sequence[TrialRecord]) -> dict[str, float]:
    """Return the robust deviation between the candidates of each task, by its hash."""
    return {table.task_hash: robust_deviation(table.scores) for table in task_tables(records)}
