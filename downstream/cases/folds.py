"""Validation of cases: probes predict what they have not seen, over repeated folds of the training cases."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downstream.scores import Score
from downstream.task import TaskSpec

N_FOLDS = 5
MAX_REPEATS = 5
# A share of 200 scored cases has a standard error of about 0.03 at worst.
ENOUGH_SCORED = 200


def drawn_folds(
    labels: NDArray[Any], draw: Callable[..., NDArray[np.int64]], *, rng_seed: int
) -> list[NDArray[np.int64]]:
    """Return the fold of each case, for every repeat, (n,); there are more repeats where there are few cases.

    Args:
        labels: Of all cases, (n,).
        draw: `(labels, *, rng)`: draws the folds of one repeat.
        rng_seed: Alike for every encoder.
    """
    rng = np.random.default_rng(rng_seed)
    n_repeats = int(np.clip(-(-ENOUGH_SCORED // len(labels)), 1, MAX_REPEATS))
    return [draw(labels, rng=rng) for _ in range(n_repeats)]


def score_folds(
    spec: TaskSpec,
    labels: NDArray[Any],
    *,
    folds: Sequence[NDArray[np.int64]],
    predict: Callable[[NDArray[np.bool_]], tuple[NDArray[Any], bool]],
    figures: Callable[[NDArray[Any], NDArray[Any]], dict[str, float]],
) -> Score:
    """Return the task's metric over all cases, mean over repeats.

    Args:
        spec: What is asked.
        labels: Of all cases, (n,).
        folds: The fold of each case, for every repeat, (n,).
        predict: Fits on the cases that are not held out, returns what it says of those that are, (held out, outputs),
            and whether its penalty was on the edge of its grid.
        figures: Gives the metric, and others, of the truth, (n,), and of what was said, (n, outputs).

    Returns:
        The metric, and what was said of the cases held out; details: the other figures, `n_cases` (scored, repeats
        counted), `n_repeats`, `fold_sd` (standard deviation over repeats), `alpha_on_edge` (share of folds).
    """
    repeats, said, edges = [], [], []
    for repeat in folds:
        outputs: dict[int, NDArray[Any]] = {}
        for fold in range(int(repeat.max()) + 1):
            outputs[fold], on_edge = predict(repeat == fold)
            edges.append(on_edge)
        said.append(np.empty((len(labels), outputs[0].shape[1])))
        for fold, of_fold in outputs.items():
            said[-1][repeat == fold] = of_fold
        repeats.append(figures(labels, said[-1]))
    values = {name: [figures_of[name] for figures_of in repeats] for name in repeats[0]}
    means = {name: float(np.mean(each)) for name, each in values.items()}
    value = means.pop(spec.metric)
    counts = {"n_cases": float(len(labels) * len(repeats)), "n_repeats": float(len(repeats))}
    spread = {"fold_sd": float(np.std(values[spec.metric])), "alpha_on_edge": float(np.mean(edges))}
    held_out = np.asarray(np.mean(said, axis=0), dtype=np.float32)
    return Score.of(spec, value, {**means, **counts, **spread}, held_out=held_out)
