"""The search as a scikit-learn estimator: fit, transform, save, load; it predicts by `predicting`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import ClassifierTags, RegressorTags

from compute.global_state import global_state_kept, plain_torch
from downstream.data.options import Layout
from downstream.data.raw import SeriesSet
from downstream.kinds import task_kind
from downstream.predictor import Predictor
from downstream.represent import represent_cases, represent_series, represented
from downstream.scaling import Scaled
from downstream.task import Task
from nas.choosing.space_file import SpaceName
from nas.estimator.frames import in_container, wants_pandas
from nas.estimator.parameters import plain_parameters, search_settings
from nas.estimator.predicting import PredictingMixin
from nas.estimator.reading import checked_form, known_series, task_to_fit
from nas.estimator.saving import read_estimator, write_estimator
from nas.representer import Representer
from nas.saved.encoder import load_encoder
from nas.saved.matching import scaled
from nas.saved.predictor import load_predictor
from nas.search import search_task
from nas.training.devices import pick_device
from search_space.genotype import Genotype


class ContrastiveNAS(PredictingMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Choose a contrastive strategy and an encoder for a dataset, train it, and use it.

    Data in memory is used for fitting, all of it: choices are made on a validation part. Of a path, the test part
    stays out of fitting and is scored once.

    New data is matched with that of training: columns and series by their names where both have names, columns
    without names by position. A series that training did not know is scaled by itself.

    Args:
        kind: `classification`, `regression`, `forecasting` or `anomaly`.
        window: Lookback of the encoder in time steps; by default from the data; forecasting searches it too.
        horizons: Forecast lengths in time steps; by default the usual ones that fit.
        layout: Axes of arrays: `nct` (cases, channels, timepoints) or `ntc`.
        table_form: How tables are written, as arguments of `load_task`: any of `time_column`, `label_column`,
            `date_format`, `no_header`, `decimal`, `separator`.
        preset: Train this named genotype instead of searching.
        space: Where candidates are drawn from: `default`, `full`, a file's path, a mapping of cells or a `Space`.
        candidates: Genotypes that are ranked before anything is trained.
        strategy: How candidates are searched for: `landmark`, `comparator`, `random`, `evolution`, `halving`, `policy`.
        landmarks: Candidates that are probed untrained before any is trained.
        top_k: Candidates that are trained to the end; four times as many begin.
        iterations: Optimiser steps of a candidate that is trained to the end.
        members: Most encoders that the answer may be made of; 1 for a single one.
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
        random_state: Another name for `rng_seed`, as scikit-learn has it; a generator gives a number.
        quiet: Show no progress.

    Attributes:
        best_genotype_: The chosen `Genotype`; of several members the heaviest.
        ranking_: What was ranked and tried, a DataFrame, the comparator's favourite first.
        encoder_: The trained encoder with its scaler, a `SavedEncoder`.
        scores_: Score of the chosen candidate and of its rivals by name; validation scores for data in memory.
        result_text_: The answer in words.
        classes_: The classes as they came (classification).
        n_features_in_: Columns of the data, or time steps where a case is a row of a table or of a 2-d array.
        feature_names_in_: Their names, where they have names.
    """

    def __init__(
        self,
        kind: str = "classification",
        *,
        window: int | None = None,
        horizons: tuple[int, ...] | int | None = None,
        layout: Layout = "nct",
        table_form: Mapping[str, Any] | None = None,
        preset: str | None = None,
        space: SpaceName = "default",
        candidates: int = 20_000,
        strategy: str = "landmark",
        landmarks: int = 64,
        top_k: int = 4,
        iterations: int = 100,
        members: int = 4,
        time_budget: float | None = None,
        max_parameters: int | None = None,
        max_multiply_adds: float | None = None,
        max_memory: int | None = None,
        max_seconds_per_iteration: float | None = None,
        workers: int = 1,
        device: str = "auto",
        comparator: str | os.PathLike[str] | None = None,
        output: str | os.PathLike[str] | None = None,
        rng_seed: int = 0,
        random_state: int | np.random.RandomState | None = None,
        quiet: bool = True,
    ) -> None:
        self.kind = kind
        self.window = window
        self.horizons = horizons
        self.layout = layout
        self.table_form = table_form
        self.preset = preset
        self.space = space
        self.candidates = candidates
        self.strategy = strategy
        self.landmarks = landmarks
        self.top_k = top_k
        self.iterations = iterations
        self.members = members
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
        self.random_state = random_state
        self.quiet = quiet

    def __sklearn_tags__(self) -> Any:
        tags, kind = super().__sklearn_tags__(), task_kind(self.kind)
        tags.estimator_type = kind.estimator_type
        tags.classifier_tags = ClassifierTags() if kind.estimator_type == "classifier" else None
        tags.regressor_tags = RegressorTags() if kind.estimator_type == "regressor" else None
        tags.target_tags.required = kind.whole_cases
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Search on a dataset.

        Args:
            X: Array (cases, channels, timepoints), list of (channels, timepoints) arrays of unequal length,
                DataFrame, or the path of a file or folder.
            y: Class labels or targets, (cases,); not needed for forecasting and anomalies.

        Raises:
            DataError: If the data is at fault; OptionError: if a parameter is.
            NothingTrainedError: If no candidate could be trained.
        """
        import pandas as pd

        plain = plain_parameters(self.get_params(deep=False))
        task, kept = task_to_fit(X, y, plain), plain["output"] is not None
        folder = Path(plain["output"]) if kept else Path(tempfile.mkdtemp(prefix="contrastive-nas-"))
        try:
            with global_state_kept():
                result = search_task(task, search_settings(plain, folder), kept=kept)
                self.encoder_ = load_encoder(folder)
                self.best_genotype_: Genotype = result.genotype
                self.predictor_ = self._predictor(task, folder, rng_seed=plain["rng_seed"])
            self.ranking_ = pd.read_csv(folder / "ranking.csv")
        finally:
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
        self.scores_ = {row.name: row.scores.value for row in result.rows}
        self.result_text_ = result.text
        self._name_data(task)
        return self

    @plain_torch()
    def transform(self, X: Any) -> Any:
        """Return one representation per case or series, shape (cases, streams * features).

        `set_output(transform="pandas")` gives a frame, named by the ids of the series where they have ids.
        """
        data = self._known(X)
        features = self._represented(list(scaled(data, self.encoder_)))
        return in_container(features, data, X) if wants_pandas(self) else features

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the estimator to a folder: encoder, predictor, ranking and parameters; nothing is pickled.

        Raises:
            OutputExistsError: If the folder holds something else.
        """
        self._check_fitted()
        write_estimator(self, path)

    @classmethod
    @plain_torch()
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises:
            SavedEncoderError: If a file is missing or is something else.
        """
        return read_estimator(cls, path)

    def _predictor(self, task: Task, folder: Path, *, rng_seed: int) -> Predictor:
        """Return what the search fitted, or fit it now where that had no time for it."""
        file = folder / "predictor.safetensors"
        if file.is_file():
            return load_predictor(file, kind=self.kind)
        own = task.with_window(self.encoder_.genotype.encoder.window)
        predictor: Predictor = task_kind(self.kind).fit_predictor(own, self._represent(), rng_seed=rng_seed)
        return predictor

    def _fitted_predictor(self) -> Predictor:
        """Return the fitted probe; `NotFittedError` if there is none yet."""
        self._check_fitted()
        return self.predictor_

    def _name_data(self, task: Task) -> None:
        """Set what scikit-learn asks about the data of `fit` and the columns of `transform`."""
        listed = task.identity.steps or task.identity.columns
        names = np.asarray(listed, dtype=object) if listed else None
        rows_are_cases = task.kind.whole_cases and (task.identity.steps or task.n_variates == 1)
        self.n_features_in_ = task.spec.window if rows_are_cases else task.n_variates
        window = task.training_windows(limit=1).subset(slice(1))
        self._n_features_out = represented(self._represent(), window).size
        for name, value in (("feature_names_in_", names), ("classes_", self.predictor_.classes)):
            if value is not None:
                setattr(self, name, value)
            elif hasattr(self, name):  # of an earlier fit
                delattr(self, name)

    def _represent(self) -> Representer:
        return self.encoder_.representer(pick_device(self.device))

    def _represented(self, series: list[Scaled]) -> NDArray[np.float32]:
        represent = self._represent()
        if task_kind(self.kind).whole_cases:
            return represent_cases(represent, [each.values for each in series]).reshape(len(series), -1)
        window = self.encoder_.window
        return np.concatenate([represent_series(represent, each.values, window=window) for each in series])

    def _known(self, X: Any) -> SeriesSet:
        """Return data with the columns of training."""
        self._check_fitted()
        asked = {"layout": self.layout, **checked_form(self.table_form)}
        return known_series(X, kind=self.kind, asked=asked, saved=self.encoder_)

    def _scaled(self, X: Any) -> list[Scaled]:
        return list(scaled(self._known(X), self.encoder_))

    def _check_fitted(self) -> None:
        if not hasattr(self, "encoder_"):
            raise NotFittedError("this ContrastiveNAS is not fitted yet; call fit first")
