"""Which genes mattered in this run: a forest on the genes of all candidates, and what it loses by shuffling one."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.report.figures.canvas import COLOURS, FAINT, Drawing, NothingToDrawError, new_figure, text_of
from nas.report.reading import RunReading
from search_space.genes import Gene, gene_columns, genes_of
from search_space.genotype import Genotype

FEWEST = 10
"""Candidates with a score."""
SHOWN = 15
STEPS = "optimiser steps"
_TREES, _REPEATS = 100, 5
_LISTS = ("augmentations", "pair.kinds", "encoder.operators")
"""Genes that are sets: each member is asked about by itself."""
_LEFT_OUT = ("augmentations.view1", "augmentations.view2", "encoder.edges")
"""Almost every candidate has its own."""


class Importance(NamedTuple):
    """What a forest says of genes.

    Attributes:
        genes: With the most important one first.
        losses: How much of the explained variance is lost when a gene is shuffled, (genes,).
        spreads: The standard deviation of that over the shufflings, (genes,).
        explained: Share of the variance that is explained of candidates that a tree had not seen; below 0 nothing.
    """

    genes: list[str]
    losses: NDArray[np.float64]
    spreads: NDArray[np.float64]
    explained: float


def importance(run: RunReading) -> Drawing:
    """Return the importance of genes as bars.

    Raises:
        NothingToDrawError: If there are fewer than `FEWEST` scores, or nothing differs.
    """
    found = importance_of(run)
    figure = new_figure(height=1.0 + 0.24 * min(SHOWN, len(found.genes)))
    axes = figure.subplots()
    names = [text_of(name, longest=48) for name in found.genes[:SHOWN]][::-1]
    losses, spreads = (values[:SHOWN][::-1] for values in (found.losses, found.spreads))
    axes.barh(names, losses, xerr=spreads, color=COLOURS[0], height=0.65, error_kw={"elinewidth": 0.8, "ecolor": FAINT})
    axes.set_xlabel("share of the variance of ranks that is lost when the gene is shuffled")
    axes.grid(visible=False, axis="y")
    n = len(run.scored)
    sure = (
        f"the forest explains {found.explained:.0%} of the variance of candidates that its trees had not seen"
        if found.explained > 0
        else "the forest explains nothing of candidates that its trees had not seen, so these bars say nothing"
    )
    return Drawing(
        figure,
        f"Importance of genes for validation {run.metric}: {', '.join(found.genes[:5])} come first.",
        f"A random forest on the genes of {n} candidates, and their optimiser steps, foretells the rank of their "
        f"score; {sure}. This is about the candidates of this run, which were not drawn evenly.",
    )


def importance_of(run: RunReading) -> Importance:
    """Return the permutation importance (Breiman 2001) of genes for the rank of the validation score.

    Raises:
        NothingToDrawError: If there are fewer than `FEWEST` scores, or nothing differs.
    """
    from scipy.stats import rankdata
    from sklearn.ensemble import RandomForestRegressor

    scored = [one for one in run.scored if one.record is not None]
    if len(scored) < FEWEST:
        raise NothingToDrawError(f"{len(scored)} candidates have a score, {FEWEST} are needed")
    rows = [
        {**genes_of(Genotype.from_dict(dict(one.record.genotype))), STEPS: one.steps}
        for one in scored
        if one.record is not None
    ]
    names, columns = table_of(rows)
    target = rankdata([one.score or 0.0 for one in scored]) / len(scored)
    if not names or np.ptp(target) == 0:
        raise NothingToDrawError("the candidates do not differ")
    how: dict[str, Any] = {"min_samples_leaf": 2, "max_features": 0.4, "random_state": 0, "n_jobs": 1}
    forest = RandomForestRegressor(_TREES, oob_score=True, **how).fit(columns, target)
    used = np.sort(np.argsort(-forest.feature_importances_, kind="stable")[: 2 * SHOWN])
    shuffled = np.tile(columns, (len(used), _REPEATS, 1, 1))  # (genes, repeats, candidates, columns)
    rng = np.random.default_rng(0)
    for place, gene in enumerate(used):
        for repeat in shuffled[place]:
            repeat[:, gene] = rng.permutation(repeat[:, gene])
    # all at once: a call of a forest takes far longer than what it computes here
    said = forest.predict(shuffled.reshape(-1, len(names))).reshape(shuffled.shape[:3])
    errors = np.square(said - target).mean(axis=2) - np.square(forest.predict(columns) - target).mean()
    losses, spreads = (errors / target.var()).mean(axis=1), (errors / target.var()).std(axis=1)
    order = np.argsort(-losses, kind="stable")
    genes = [names[used[place]] for place in order]
    return Importance(genes, losses[order], spreads[order], float(forest.oob_score_))


def table_of(rows: list[dict[str, Gene]]) -> tuple[list[str], NDArray[np.float64]]:
    """Return genes as numbers, those that are the same for all left out: names, and (candidates, columns).

    A set is a column per member; words are numbered by the order of the alphabet, which is enough for trees; a
    parameter that a candidate does not have is below all others.
    """
    kinds: dict[str, type] = {**gene_columns(), STEPS: int}
    found: dict[str, NDArray[np.float64]] = {}
    for name, kind in kinds.items():
        values = [row.get(name) for row in rows]
        if name in _LEFT_OUT:
            continue
        if name in _LISTS:
            sets = [set(str(value).split("+")) for value in values]
            found |= {
                f"{name}: {each}": np.asarray([float(each in one) for one in sets])
                for each in sorted(set().union(*sets))
            }
        elif kind is str:
            found[name] = np.unique([str(value) for value in values], return_inverse=True)[1].astype(np.float64)
        else:
            known = [float(value) for value in values if value is not None]
            missing = min(known, default=0.0) - 1.0
            found[name] = np.asarray([missing if value is None else float(value) for value in values])
    differing = {name: column for name, column in found.items() if np.ptp(column) > 0}
    return list(differing), np.stack(list(differing.values()), axis=1) if differing else np.empty((len(rows), 0))
