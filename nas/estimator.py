"""The search as a scikit-learn estimator: fit, transform, predict, score, save, load."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from downstream.data.loading import load_plain_series, load_task
from downstream.data.options import Layout
from downstream.kinds import task_kind
from downstream.predictor import Predictor
from downstream.represent import represent_series
from downstream.task import Task
from nas.options.search import SearchSettings
from nas.representer import Representer
from nas.runs.folder import RunFolder
from nas.saved.embedding import scale_series
from nas.saved.encoder import SavedEncoderError, load_encoder
from nas.saved.predictor import load_predictor, save_predictor
from nas.search import search_task
from search_space.genotype import Genotype


class ContrastiveNAS(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Choose a contrastive strategy and an encoder for a dataset, train it, and use it.

    Data in memory is used for fitting, all of it: choices are made on a validation part. Of a path, the test part
    stays out of fitting and is scored once.

    Args:
        kind: `classification`, `regression`, `forecasting` or `anomaly`.
        window: Lookback of the encoder in time steps; by default chosen from the data.
        horizons: Forecast lengths in time steps; by default the usual ones that fit.
        layout: Axes of arrays: `nct` (cases, channels, timepoints) or `ntc`.
        preset: Train this named genotype instead of searching.
        candidates: Genotypes that are ranked before anything is trained.
        top_k: Highest ranked candidates that are trained.
        iterations: Optimiser steps per candidate.
        time_budget: Seconds of the search, verification included; None for no limit.
        max_parameters: Most trainable numbers of an encoder; None for no limit, as for the next three.
        max_multiply_adds: Most multiply-adds of the forward pass of an iteration.
        max_memory: Most bytes of an iteration.
        max_seconds_per_iteration: Most predicted seconds of an iteration.
        workers: Candidates trained at a time; 1 trains in this process.
        device: `auto`, `cpu` or `cuda`.
        comparator: Checkpoint to rank with; None for the shipped one.
        output: Run folder; None for a temporary one that is removed.
        rng_seed: Of everything random.
        quiet: Show no progress.

    Attributes:
        best_genotype_: The chosen `Genotype`.
        ranking_: The shortlist as a DataFrame, the comparator's favourite first.
        encoder_: The trained encoder with its scaler, a `SavedEncoder`.
        scores_: Score of the chosen candidate and of its rivals by name; validation scores for data in memory.
        classes_: Class names (classification).
    """

    def __init__(
        self,
        kind: str = "classification",
        *,
        window: int | None = None,
        horizons: tuple[int, ...] | None = None,
        layout: Layout = "nct",
        preset: str | None = None,
        candidates: int = 20_000,
        top_k: int = 4,
        iterations: int = 100,
        time_budget: float | None = None,
        max_parameters: int | None = None,
        max_multiply_adds: float | None = None,
        max_memory: int | None = None,
        max_seconds_per_iteration: float | None = None,
        workers: int = 1,
        device: str = "auto",
        comparator: str | None = None,
        output: str | None = None,
        rng_seed: int = 0,
        quiet: bool = True,
    ) -> None:
        self.kind = kind
        self.window = window
        self.horizons = horizons
        self.layout = layout
        self.preset = preset
        self.candidates = candidates
        self.top_k = top_k
        self.iterations = iterations
        self.time_budget = time_budget
        self.max_parameters = max_parameters
        self.max_multiply_adds = max_multiply_adds
        self.max_memory = max_memory
        self.max_seconds_per_iteration = max_seconds_per_iteration
        self.workers = workers
        self.device = device
        self.comparator = comparator
        self.output = output
        self.rng_seed = rng_seed
        self.quiet = quiet

    @property
    def _estimator_type(self) -> str | None:
        """What scikit-learn before 1.6 asks."""
        return task_kind(self.kind).estimator_type

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = self._estimator_type
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Search on a dataset.

        Args:
            X: Array (cases, channels, timepoints), list of (channels, timepoints) arrays of unequal length,
                DataFrame, or the path of a file or folder.
            y: Class labels or targets, (cases,); not needed for forecasting and anomalies.

        Raises:
            DataError: If the data is at fault.
            NothingTrainedError: If no candidate could be trained.
        """
        import pandas as pd

        task = self._task(X, y)
        folder = Path(self.output) if self.output is not None else Path(tempfile.mkdtemp(prefix="contrastive-nas-"))
        try:
            result = search_task(task, self._settings(folder))
            self.encoder_ = load_encoder(folder)
            self.ranking_ = pd.read_csv(folder / "ranking.csv")
        finally:
            if self.output is None:
                shutil.rmtree(folder, ignore_errors=True)
        self.best_genotype_: Genotype = result.genotype
        self.scores_ = {row.name: row.scores.value for row in result.rows}
        self.result_text_ = result.text
        fit_predictor = task_kind(self.kind).fit_predictor
        self.predictor_: Predictor = fit_predictor(task, self._represent(), rng_seed=self.rng_seed)
        self._name_classes()
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return one representation per case or series, shape (cases, streams * features)."""
        self._check_fitted()
        return np.concatenate([self._represented(values) for values in self._scaled(X)])

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict with a linear probe on the frozen representation.

        Returns:
            Classification: class names (cases,). Regression: targets in their own unit (cases,). Forecasting: the
            steps after the end of each series in its own unit (cases, variates, horizon). Anomaly: 1 for anomalous
            steps (cases, timepoints).
        """
        self._check_fitted()
        return self.predictor_.predict(self._represent(), self._scaled(X))

    def score(self, X: Any, y: Any) -> float:
        """Return accuracy (classification), R2 (regression), minus the mean squared error (forecasting), or AUC-PR.

        Args:
            X: As for `fit`.
            y: True classes or targets (cases,), next steps (cases, variates, at most horizon), or labels of steps
                (cases, timepoints).
        """
        self._check_fitted()
        return self.predictor_.score(self._represent(), self._scaled(X), np.asarray(y))

    def save(self, path: str | Path) -> None:
        """Write the estimator to a folder: encoder, predictor, ranking and parameters; nothing is pickled.

        Raises:
            OutputExistsError: If the folder holds something else.
        """
        self._check_fitted()
        folder = RunFolder(path, config={"estimator": json.loads(json.dumps(self.get_params()))})
        folder.start()
        self.encoder_.save(folder.path / "encoder.safetensors")
        save_predictor(folder.path / "predictor.safetensors", self.predictor_, kind=self.kind)
        folder.write_text("ranking.csv", self.ranking_.to_csv(index=False))
        folder.write_json("estimator.json", {"parameters": self.get_params(), "scores": self.scores_})

    @classmethod
    def load(cls, path: str | Path) -> ContrastiveNAS:
        """Read what `save` wrote.

        Raises:
            SavedEncoderError: If a file is missing or is something else.
        """
        import pandas as pd

        folder = Path(path)
        encoder = load_encoder(folder)
        try:
            facts = json.loads((folder / "estimator.json").read_text(encoding="utf-8"))
            estimator = cls(**{**facts["parameters"], "horizons": _tuple(facts["parameters"]["horizons"])})
            estimator.scores_ = dict(facts["scores"])
            estimator.ranking_ = pd.read_csv(folder / "ranking.csv")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SavedEncoderError(f"{folder}: not the folder of a saved estimator ({error})") from error
        estimator.encoder_ = encoder
        estimator.best_genotype_ = encoder.genotype
        estimator.predictor_ = load_predictor(folder / "predictor.safetensors", kind=str(estimator.kind))
        estimator._name_classes()
        return estimator

    def _task(self, X: Any, y: Any) -> Task:
        """Return the task to fit on; a path is read as `tscnas search` does, of other data there is no test part."""
        asked: dict[str, Any] = {
            "kind": self.kind,
            "window": self.window,
            "horizons": self.horizons,
            "layout": self.layout,
        }
        if isinstance(X, str) or hasattr(X, "__fspath__"):
            return load_task(X, **asked)
        return load_task(X, y=y, **asked, **task_kind(self.kind).all_for_fitting).without_test()

    def _settings(self, folder: Path) -> SearchSettings:
        shared = {setting.name for setting in fields(SearchSettings)} & set(self.get_params())
        return SearchSettings(
            **{
                **{name: getattr(self, name) for name in shared},
                "output": str(folder),
                "engine": "serial" if self.workers == 1 else "process",
                "overwrite": self.output is None,
            }
        )

    def _name_classes(self) -> None:
        if self.predictor_.classes:
            self.classes_ = np.asarray(self.predictor_.classes)

    def _represent(self) -> Representer:
        return Representer(self.encoder_.encoder, device="cpu")

    def _represented(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        window = len(values) if task_kind(self.kind).whole_cases else self.encoder_.window
        return represent_series(self._represent(), values, window=window)

    def _scaled(self, X: Any) -> list[NDArray[np.float32]]:
        data = load_plain_series(X, kind=self.kind, layout=self.layout)
        return [
            scale_series(series, self.encoder_, number=number, n_series=len(data.series))
            for number, series in enumerate(data.series)
        ]

    def _check_fitted(self) -> None:
        if not hasattr(self, "encoder_"):
            raise NotFittedError("this ContrastiveNAS is not fitted yet; call fit first")


def _tuple(values: list[int] | None) -> tuple[int, ...] | None:
    return None if values is None else tuple(values)
