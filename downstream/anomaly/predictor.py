"""Distances to what is normal, in use: which steps of a series are unusual."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.anomaly.scores import MAX_REFERENCE, N_NEIGHBOURS
from downstream.anomaly.scoring import THRESHOLD
from downstream.anomaly.task import AnomalyTask
from downstream.errors import DataError
from downstream.metrics import auc_pr
from downstream.predictor import Predictor, Series, check_length, is_finite
from downstream.probes.knn import nearest
from downstream.represent import Represent, represent_steps, represented


def fit(task: AnomalyTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Keep representations of training windows; distances of the windows left out say what is usual."""
    del rng_seed  # nothing here is random
    windows = task.training_windows(limit=2 * MAX_REFERENCE)
    z = represented(represent, windows).reshape(len(windows), -1)
    reference, held_out = z[::2], z[1::2]
    distance = _distance(held_out if len(held_out) else reference, reference)
    facts = {"window": task.spec.window, "mean": float(distance.mean()), "deviation": float(distance.std()) or 1.0}
    return FittedProbe(facts, {"reference": torch.as_tensor(np.ascontiguousarray(reference))})


class FittedProbe(Predictor):
    """1 where a step is more than `THRESHOLD` training deviations away; the score is the mean AUC-PR over series."""

    def predict(self, represent: Represent, series: Series) -> NDArray[Any]:
        """Return a 0 or 1 per step, (series, time); an array of arrays where lengths differ."""
        return _stacked([(scores > THRESHOLD).astype(np.int64) for scores in self._scores(represent, series)])

    def decision(self, represent: Represent, series: Series) -> NDArray[Any]:
        """Return by how many training deviations each step is unusual, (series, time), as `predict` does."""
        return _stacked(self._scores(represent, series))

    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return the mean area under the precision-recall curve over the series whose labels are not all equal."""
        labels = _labels_of(truth, lengths=[len(each.values) for each in series])
        pairs = zip(labels, self._scores(represent, series), strict=True)
        return float(np.mean([auc_pr(known, scores) for known, scores in pairs if 0 < known.sum() < len(known)]))

    def _scores(self, represent: Represent, series: Series) -> list[NDArray[np.float64]]:
        """Return distances to the nearest training representations, in training deviations, per series."""
        reference = self.tensors["reference"].numpy()
        scores = []
        for each in series:
            blocks = represent_steps(represent, each.values, window=self.facts["window"])
            distance = np.concatenate([_distance(z, reference) for z in blocks])
            scores.append((distance - self.facts["mean"]) / self.facts["deviation"])
        return scores

    def _check(self) -> None:
        check_length(self.facts, "window")
        if self.tensors["reference"].ndim != 2 or not len(self.tensors["reference"]):
            raise ValueError("reference must be (representations, features)")
        mean, deviation = self.facts["mean"], self.facts["deviation"]
        if not is_finite(mean) or not is_finite(deviation) or not deviation > 0:
            raise ValueError("mean and deviation must be finite, and the deviation > 0")


def _stacked(rows: list[NDArray[Any]]) -> NDArray[Any]:
    """Return rows as one array, or as an array of arrays where lengths differ."""
    if len({len(row) for row in rows}) == 1:
        return np.stack(rows)
    ragged = np.empty(len(rows), dtype=object)
    ragged[:] = rows
    return ragged


def _labels_of(truth: Any, *, lengths: list[int]) -> list[NDArray[np.int64]]:
    """Return the labels of each series, (time,) each; those of one series may stand alone.

    Raises:
        DataError: If they do not fit the series, are not 0 or 1, or are the same for all steps of every series.
    """
    rows = [truth] if len(lengths) == 1 and len(truth) == lengths[0] and np.ndim(truth[0]) == 0 else list(truth)
    labels = [np.asarray(row) for row in rows]
    if [row.shape for row in labels] != [(length,) for length in lengths]:
        raise DataError(
            f"the truth must be a label per step of {len(lengths)} series of {', '.join(map(str, lengths[:4]))} steps, "
            f"got shapes {', '.join(str(row.shape) for row in labels[:4])}"
        )
    if not all(np.isin(row, (0, 1)).all() for row in labels):
        raise DataError("the truth must be 0 (normal) or 1 (anomaly) in every step")
    if not any(0 < row.sum() < len(row) for row in labels):
        raise DataError("the truth is the same in all steps; a score needs normal steps and anomalies in one series")
    return [row.astype(np.int64) for row in labels]


def _distance(z: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean distance to the nearest reference representations, (n,)."""
    distances, _ = nearest(z, reference, k=min(N_NEIGHBOURS, len(reference)))
    return np.asarray(distances.mean(axis=1), dtype=np.float64)
