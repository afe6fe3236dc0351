"""Linear probes in a form that can be saved without pickling: what the estimator predicts with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from downstream.anomaly.task import AnomalyTask
from downstream.classification.scoring import flatten_streams
from downstream.classification.task import ClassificationTask
from downstream.forecasting.choice import fit as fit_forecasters
from downstream.forecasting.models import Forecaster, Setting
from downstream.forecasting.rows import block_at_end, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.metrics import auc_pr
from downstream.probes.knn import nearest
from downstream.probes.linear import Standardizer, fit_logistic
from downstream.scaling import Scaler
from downstream.task import Task
from downstream.windows import Windows
from nas.representer import Representer
from nas.saved.embedding import represent_steps
from nas.saved.encoder import SavedEncoderError, read_facts
from nas.saved.predictor_check import check_predictor

SCHEMA = 2
THRESHOLD = 4.0
N_NEIGHBOURS = 3
MAX_REFERENCE = 2000

Series = Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class Predictor:
    """A fitted probe: tensors and facts.

    Args:
        kind: Of the task.
        facts: JSON values; what they are depends on the kind.
        tensors: Weights.
    """

    kind: str
    facts: dict[str, Any]
    tensors: dict[str, Tensor] = field(repr=False)

    @property
    def classes(self) -> list[str]:
        """Class names by number (classification)."""
        return list(self.facts["classes"])

    def predict(self, represent: Representer, series: Series) -> NDArray[Any]:
        """Return predictions for scaled series, each (time, variates); see `ContrastiveNAS.predict`."""
        if self.kind == "classification":
            return self._classes(represent, series)
        if self.kind == "forecasting":
            return np.stack([self._forecast(represent, values) for values in series])
        scores = self._anomaly_scores(represent, series)
        return _stacked([(score > THRESHOLD).astype(np.int64) for score in scores])

    def score(self, represent: Representer, series: Series, truth: NDArray[Any]) -> float:
        """Return accuracy, minus the mean squared error, or the mean AUC-PR over series."""
        if self.kind == "anomaly":
            labels = [truth] if truth.ndim == 1 else list(truth)
            scores = self._anomaly_scores(represent, series)
            return float(np.mean([auc_pr(one, score) for one, score in zip(labels, scores, strict=True)]))
        predicted = self.predict(represent, series)
        if self.kind == "classification":
            return float(np.mean(predicted == truth.astype(str)))
        steps = truth.shape[-1]
        return -float(np.nanmean((predicted[..., :steps] - truth) ** 2))

    def save(self, path: Path) -> None:
        """Write tensors and facts to one file."""
        content = json.dumps({"schema": SCHEMA, "kind": self.kind, **self.facts})
        partial = path.with_name(f"{path.name}.partial")
        save_file({name: value.contiguous() for name, value in self.tensors.items()}, partial, {"facts": content})
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Predictor:
        """Read what `save` wrote.

        Raises:
            SavedEncoderError: If the file is missing or something else.
        """
        facts, tensors = read_facts(path, what="predictor")
        schema, kind = facts.pop("schema", None), facts.pop("kind", None)
        if schema != SCHEMA:
            raise SavedEncoderError(f"{path}: schema {schema!r} is not known (known: {SCHEMA})")
        try:
            check_predictor(kind, facts, tensors)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise SavedEncoderError(f"{path}: not a saved predictor ({error})") from error
        return cls(kind, facts, tensors)

    def _classes(self, represent: Representer, series: Series) -> NDArray[np.str_]:
        z = np.concatenate([represent(Windows(values, np.zeros(1, dtype=np.int64), len(values))) for values in series])
        weights = {name: value.numpy() for name, value in self.tensors.items()}
        x = (flatten_streams(z) - weights["mean"]) / weights["deviation"]
        scores = x @ weights["weights"].T + weights["intercept"]
        numbers = self.tensors["numbers"].numpy()[scores.argmax(axis=1)]
        names: NDArray[np.str_] = np.asarray(self.classes)[numbers]
        return names

    def _forecast(self, represent: Representer, values: NDArray[np.float32]) -> NDArray[np.float64]:
        facts = self.facts
        block = block_at_end(
            values,
            represent=represent if any(setting[0] != "raw_lags" for setting, _ in facts["parts"]) else None,
            window=facts["window"],
            raw_lags=facts["raw_lags"],
            horizon=facts["horizon"],
            joint=facts["joint"],
        )
        scaled = np.zeros((facts["horizon"], values.shape[1]))  # (horizon, variates)
        for number, (setting, weight) in enumerate(facts["parts"]):
            weights, intercept = self.tensors[f"weights.{number}"], self.tensors[f"intercept.{number}"]
            part = Forecaster(Setting(*setting), facts["horizon"], weights, intercept, (), 0.0)
            scaled += weight * part.predict(block)[0]
        scaler = Scaler(self.tensors["mean"].numpy(), self.tensors["deviation"].numpy(), 0)
        return np.asarray(scaler.inverse(scaled.astype(np.float32)).T)

    def _anomaly_scores(self, represent: Representer, series: Series) -> list[NDArray[np.float64]]:
        """Return distances to the nearest training representations, in training deviations, per series."""
        reference = self.tensors["reference"].numpy()
        mean, deviation, window = self.facts["mean"], self.facts["deviation"], self.facts["window"]
        found = []
        for values in series:
            blocks = represent_steps(represent, values, window=window)
            found.append((np.concatenate([_distance(z, reference) for z in blocks]) - mean) / deviation)
        return found


def fit_predictor(task: Task, represent: Representer, *, rng_seed: int) -> Predictor:
    """Fit the probe of a task's kind on its training part."""
    if isinstance(task, ClassificationTask):
        return _fit_classifier(task, represent, rng_seed=rng_seed)
    if isinstance(task, ForecastingTask):
        return _fit_forecaster(task, represent, rng_seed=rng_seed)
    return _fit_detector(cast(AnomalyTask, task), represent)


def _fit_classifier(task: ClassificationTask, represent: Representer, *, rng_seed: int) -> Predictor:
    x = flatten_streams(represent(task.windows))
    standardize = Standardizer.fit(x)
    model = fit_logistic(standardize(x), task.labels, rng_seed=rng_seed)
    model = getattr(model, "best_estimator_", model)
    weights, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        weights, intercept = np.concatenate([-weights, weights]), np.concatenate([-intercept, intercept])
    tensors = {
        "mean": standardize.mean,
        "deviation": standardize.deviation,
        "weights": weights,
        "intercept": intercept,
        "numbers": np.asarray(model.classes_, dtype=np.int64),
    }
    return Predictor(
        "classification",
        {"classes": list(task.classes)},
        {name: torch.as_tensor(np.ascontiguousarray(value)) for name, value in tensors.items()},
    )


def _fit_forecaster(task: ForecastingTask, represent: Representer, *, rng_seed: int) -> Predictor:
    horizon = usable_horizons(task)[-1]
    parts = fit_forecasters(task, represent, rng_seed=rng_seed)[horizon].chosen.parts
    first = Origins(*(column[:1] for column in task.origins("train", horizon)))
    block = next(iter(row_blocks(task, "train", first, horizons=(horizon,), represent=represent)))
    facts = {
        "parts": [[list(one.setting), weight] for one, weight in parts],
        "horizon": horizon,
        "window": task.spec.window,
        "raw_lags": task.spec.raw_lags,
        "joint": block.joint,
    }
    tensors = {
        **{f"weights.{number}": one.weights for number, (one, _) in enumerate(parts)},
        **{f"intercept.{number}": one.intercept for number, (one, _) in enumerate(parts)},
        "mean": torch.as_tensor(task.scaler.mean),
        "deviation": torch.as_tensor(task.scaler.deviation),
    }
    return Predictor("forecasting", facts, tensors)


def _fit_detector(task: AnomalyTask, represent: Representer) -> Predictor:
    """Keep representations of training windows; scores of the windows left out say what is usual."""
    windows = task.training_windows(limit=2 * MAX_REFERENCE)
    z = represent(windows).reshape(len(windows), -1)
    reference, held_out = z[::2], z[1::2]
    distance = _distance(held_out if len(held_out) else reference, reference)
    facts = {"window": task.spec.window, "mean": float(distance.mean()), "deviation": float(distance.std()) or 1.0}
    return Predictor("anomaly", facts, {"reference": torch.as_tensor(np.ascontiguousarray(reference))})


def _distance(z: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean distance to the nearest reference representations, (n,)."""
    found = nearest(z, reference, k=min(N_NEIGHBOURS, len(reference)))
    return np.asarray(found[0].mean(axis=1), dtype=np.float64)


def _stacked(rows: list[NDArray[np.int64]]) -> NDArray[Any]:
    """Return rows as one array, of objects where their lengths differ."""
    if len({len(row) for row in rows}) == 1:
        return np.stack(rows)
    ragged = np.empty(len(rows), dtype=object)
    ragged[:] = rows
    return ragged
