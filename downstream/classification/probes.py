"""The probes that a representation of cases is tested with beside the ridge, each fitted on all training cases."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compute.interruptible import interruptible
from downstream.probes.knn import nearest
from downstream.probes.linear import fit_logistic
from downstream.probes.svm import fit_svm
from downstream.register import Register

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]


class Predicted(NamedTuple):
    """What a probe says of new cases.

    Args:
        classes: The class of each, (n,).
        scores: Of the classes in `known`, (n, known) or (n,) for two; None where the probe has none.
        known: The classes of the training cases, ascending.
        settings: What was chosen, such as `C`.
    """

    classes: Integers
    scores: Floats | None
    known: Integers
    settings: dict[str, str]


PROBES: Register[Callable[..., Predicted]] = Register()
"""Each is `(x, labels, new, *, rng_seed) -> Predicted`, on training and new cases as `Spans` puts them side by side.

A probe that may not end raises `NoEndError`, and is left out."""


@PROBES.add("logistic")
def predict_logistic(x: Floats, labels: Integers, new: Floats, *, rng_seed: int) -> Predicted:
    """Fit logistic regression."""
    model = fit_logistic(x, labels, rng_seed=rng_seed)
    return Predicted(model.predict(new), model.predict_proba(new), np.unique(labels), _settings(model))


@PROBES.add("svm")
def predict_svm(x: Floats, labels: Integers, new: Floats, *, rng_seed: int) -> Predicted:
    """Fit the support vector machine of TS2Vec."""
    model = fit_svm(x, labels, rng_seed=rng_seed)
    classes, scores = interruptible(lambda: (model.predict(new), model.decision_function(new)))
    return Predicted(classes, scores, np.unique(labels), _settings(model))


@PROBES.add("knn")
def predict_nearest(x: Floats, labels: Integers, new: Floats, *, rng_seed: int) -> Predicted:
    """Give each case the class of its nearest training case."""
    del rng_seed
    _, indices = nearest(new, x)
    return Predicted(labels[indices[:, 0]], None, np.unique(labels), {})


def _settings(model: Any) -> dict[str, str]:
    return {"C": f"{model.C:g}", **({"stopped": model.stopped_} if model.stopped_ else {})}
