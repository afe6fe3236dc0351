"""Which genes of a candidate explain its score: per task and on average."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold

from ahc.record import TrialRecord
from ahc.training.comparisons import genotypes_of, task_tables
from search_space.genotype import Genotype

_FEWEST = 12


def gene_table(genotypes: Sequence[Genotype]) -> pd.DataFrame:
    """Return one row per genotype and one column per gene, values as they stand in the genotype.

    Augmentations give the largest strength over both views (0 where absent),
    operators and pair kinds how often they occur.
    """
    rows = [_genes(genotype) for genotype in genotypes]
    frame = pd.DataFrame(rows)
    counted = [name for name in frame.columns if name.split(" ")[0] in ("augmentation", "operator", "pair")]
    frame[counted] = frame[counted].fillna(0.0)
    # A parameter that only some losses have is a value of its own where it is absent.
    return frame.fillna("absent")[sorted(frame.columns)]


def epsilon_squared(values: Sequence[object], *, target: NDArray[np.float64]) -> float:
    """Return the share of the target's variance that a gene's values explain, corrected for chance.

    Eta squared grows with the number of values even where a gene does nothing;
    epsilon squared (Kelley 1935) subtracts what chance gives and may be slightly
    below 0. A gene with a single value explains 0.

    Args:
        values: The gene's value of each candidate, (candidates,).
        target: What is to be explained, (candidates,).
    """
    groups, member = np.unique(np.array([str(value) for value in values]), return_inverse=True)
    total = float(((target - target.mean()) ** 2).sum())
    freedom = len(target) - len(groups)
    if len(groups) < 2 or freedom < 1 or total <= 0:
        return 0.0
    means = np.bincount(member, weights=target) / np.bincount(member)
    within = float(((target - means[member]) ** 2).sum())
    return 1.0 - (within / freedom) / (total / (len(target) - 1))


def gene_importance(
    records: Sequence[TrialRecord], *, rng_seed: int = 0, n_trees: int = 100, n_repeats: int = 5
) -> pd.DataFrame:
    """Return how much each gene explains of the score and of the trained gain.

    Args:
        records: Trials; tasks with fewer than twelve candidates are left out.
        rng_seed: Seed of forests and permutations.
        n_trees: Trees per forest.
        n_repeats: Permutations per gene and fold.

    Returns:
        One row per task, target (`score`, `gain`) and gene with `epsilon_squared` (alone) and
        `permutation` (fall of a random forest's out-of-fold R squared when the gene is
        shuffled), and rows with the task `mean` for the average over tasks; none where no task has enough candidates.
    """
    genotypes = genotypes_of(records)
    parts: list[pd.DataFrame] = []
    for table in task_tables(records):
        if len(table.keys) < _FEWEST:
            continue
        genes = gene_table([genotypes[key] for key in table.keys])
        for name, target in (("score", table.standardised()), ("gain", table.standardised_gains())):
            known = np.isfinite(target)
            if known.sum() < _FEWEST or np.ptp(target[known]) == 0:
                continue
            chosen, values = genes[known], target[known]
            facts = {
                "task": table.name,
                "target": name,
                "gene": list(chosen.columns),
                "epsilon_squared": [epsilon_squared(chosen[gene].tolist(), target=values) for gene in chosen.columns],
                "permutation": _permutation(
                    chosen, target=values, rng_seed=rng_seed, n_trees=n_trees, n_repeats=n_repeats
                ),
            }
            parts.append(pd.DataFrame(facts))
    if not parts:
        return pd.DataFrame(columns=["task", "target", "gene", "epsilon_squared", "permutation"])
    full = pd.concat(parts, ignore_index=True)
    mean = full.groupby(["target", "gene"], as_index=False)[["epsilon_squared", "permutation"]].mean()
    mean.insert(0, "task", "mean")
    mean = mean.sort_values(["target", "permutation"], ascending=[False, False])
    return pd.concat([full, mean], ignore_index=True)


def _genes(genotype: Genotype) -> dict[str, Any]:
    encoder, loss, train = genotype.encoder, genotype.loss, genotype.train
    genes: dict[str, Any] = {
        "augmentations": len(genotype.aug1) + len(genotype.aug2),
        **{f"embed {name}": value for name, value in vars(genotype.embed).items()},
        "pool": genotype.pair.pool,
        "kernel": genotype.pair.kernel,
        "loss": loss.loss.name,
        "similarity": loss.similarity,
        "weighting": loss.weighting.name if loss.weighting else "none",
        "auxiliary": loss.auxiliary.name if loss.auxiliary else "none",
        "depth": encoder.n_inner,
        **{name: value for name, value in vars(encoder).items() if name != "edges"},
        **{name.replace("_", " "): value for name, value in vars(train).items()},
        **{f"loss {name}": value for name, value in loss.loss.parameters},
        **{f"pair {kind}": 1.0 for kind in genotype.pair.kinds},
    }
    for choice in (*genotype.aug1, *genotype.aug2):
        strength = max((value for _, value in choice.parameters), default=1.0)
        gene = f"augmentation {choice.name}"
        genes[gene] = max(strength, genes.get(gene, 0.0))
    for _, operator in encoder.edges:
        genes[f"operator {operator}"] = genes.get(f"operator {operator}", 0.0) + 1.0
    return genes


def _permutation(
    genes: pd.DataFrame, *, target: NDArray[np.float64], rng_seed: int, n_trees: int, n_repeats: int
) -> NDArray[np.float64]:
    # Trees split on order only, so the rank of a value among the sorted values is enough.
    coded = np.column_stack([_ordinal(genes[name].tolist()) for name in genes.columns])
    n_genes, rng = coded.shape[1], np.random.default_rng(rng_seed)
    total = np.zeros(n_genes)
    folds = KFold(n_splits=3, shuffle=True, random_state=rng_seed)
    for train, test in folds.split(coded):
        x, y = coded[test], target[test]
        if np.ptp(y) == 0:
            continue  # there is nothing to explain
        forest = RandomForestRegressor(n_estimators=n_trees, min_samples_leaf=2, random_state=rng_seed)
        forest.fit(coded[train], target[train])
        # all shuffled copies at once: a forest takes as long for one as for hundreds
        copies = np.broadcast_to(x, (n_genes, n_repeats, *x.shape)).copy()
        for gene in range(n_genes):
            copies[gene, :, :, gene] = rng.permuted(copies[gene, :, :, gene], axis=1)
        said = forest.predict(copies.reshape(-1, n_genes)).reshape(n_genes, n_repeats, len(y))
        errors = np.mean((said - y) ** 2, axis=(1, 2))
        total += (errors - np.mean((forest.predict(x) - y) ** 2)) / y.var() / folds.n_splits
    return total


def _ordinal(values: Sequence[object]) -> NDArray[np.float64]:
    numbers = sorted({value for value in values if isinstance(value, (int, float))})
    words = sorted({value for value in values if isinstance(value, str)})
    rank: dict[object, int] = {value: at for at, value in enumerate([*words, *numbers])}
    return np.array([rank[value] for value in values], dtype=np.float64)
