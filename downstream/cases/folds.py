"""Validation of cases: probes predict what they have not seen, over repeated folds of the training cases."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 5
MAX_REPEATS = 5
# A share of 200 scored cases has a standard error of about 0.03 at worst.
ENOUGH_SCORED = 200

Integers = NDArray[np.int64]
Predict = Callable[[NDArray[np.bool_]], tuple[NDArray[Any], bool]]


class HeldOut(NamedTuple):
    """Predictions for all cases, (n,), and for each fold whether the penalty was on the edge of its grid."""

    predicted: NDArray[Any]
    on_edge: list[bool]


def held_out_predictions(
    labels: NDArray[Any], *, draw: Callable[[np.random.Generator], Integers], predict: Predict, rng_seed: int
) -> Iterator[HeldOut]:
    """Yield the predictions of each repeat; there are more repeats where there are few cases.

    Args:
        labels: Of all cases, (n,).
        draw: Returns the number of the fold of each case, (n,).
        predict: Fits on the cases that are not held out, predicts those that are, in order, and says whether its
            penalty was on the edge of its grid.
        rng_seed: Draws the folds, alike for every encoder.
    """
    rng = np.random.default_rng(rng_seed)
    for _ in range(int(np.clip(-(-ENOUGH_SCORED // len(labels)), 1, MAX_REPEATS))):
        folds = draw(rng)
        predicted, edges = np.empty_like(labels), []
        for fold in range(int(folds.max()) + 1):
            held_out = folds == fold
            predicted[held_out], on_edge = predict(held_out)
            edges.append(on_edge)
        yield HeldOut(predicted, edges)
