"""The search as a scikit-learn estimator: fit, transform, save, load; it predicts by `predicting`."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import ClassifierTags, RegressorTags

from compute.global_state import global_state_kept, plain_torch
from downstream.data.raw import SeriesSet
from downstream.kinds import task_kind
from downstream.predictor import Predictor
from downstream.represent import represent_cases, represent_series, represent_steps
from downstream.scaling import Scaled
from downstream.task import Task
from nas.errors import OptionError
from nas.estimator.frames import Level, in_container, steps_in_container
from nas.estimator.parameters import plain_parameters, search_settings
from nas.estimator.predicting import PredictingMixin
from nas.estimator.reading import checked_form, known_series, task_to_fit
from nas.estimator.saving import PREDICTOR, RANKING, read_estimator, write_estimator, write_parameters
from nas.estimator.settings import Parameters
from nas.representer import Representer
from nas.saved.encoder import load_encoder
from nas.saved.matching import scaled
from nas.saved.predictor import load_predictor
from nas.saved.tensor_file import SavedEncoderError
from nas.search import search_task
from nas.training.devices import pick_device
from search_space.genotype import Genotype


class ContrastiveNAS(PredictingMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, Parameters):  # type: ignore[misc]  # scikit-learn has no types
    """Choose a contrastive strategy and an encoder for a dataset, train it, and use it.

    Data in memory is used for fitting, all of it: choices are made on a validation part. Of a path, the test part
    stays out of fitting and is scored once.

    New data is matched with that of training: columns and series by their names where both have names, columns
    without names by position. A series that training did not know is scaled by itself.

    Args:
        kind: `classification`, `regression`, `forecasting` or `anomaly`.
        window: Lookback of the encoder in time steps; by default from the data; forecasting searches it too.
        horizon: Forecast length in time steps; short for `horizons` with one.
        horizons: Forecast lengths in time steps; by default the usual ones that fit.
        target: Columns to forecast; the others are then inputs only. By default all are forecast.
        variates: Columns to use at all; by default all numeric ones.
        protocol: Rules for splits and metrics of forecasting: `default`, `ts2vec` or `long_horizon`.
        splits: The file `splits.json` of a run, or one like it: which series, rows and cases train, validate and test.
        layout: Axes of arrays: `nct` (cases, channels, timepoints) or `ntc`.
        table_form: How tables are written, as arguments of `load_task`: any of `table`, `time_column`, `label_column`,
            `id_column`, `date_format`, `no_header`, `decimal`, `separator`.
        preset: Train this named genotype instead of searching.
        genotype: Train the genotype in this JSON file, or in the folder of a search, instead of searching.
        space: Where candidates are drawn from: `default`, `full`, a file's path, a mapping of cells or a `Space`.
        effort: How much is tried and, but for a `time_budget`, how long that may take: `smoke` (2 minutes), `fast` (5),
            `medium` (15) or `best` (2 hours); None tries as much as `medium`, however long it takes.
        candidates: Genotypes that are ranked before anything is trained; by default, as `landmarks`,
            `top_k` and `iterations`, by the effort.
        strategy: How candidates are searched for: `landmark`, `comparator`, `random`, `evolution`, `halving`, `policy`.
        policy_update: How the policy of the strategy `policy` learns: `reinforce`, `grpo` or `dapo`.
        landmarks: Candidates that are probed untrained before any is trained.
        top_k: Candidates that are trained to the end; four times as many begin.
        iterations: Optimiser steps of a candidate that is trained to the end.
        members: Most encoders that the answer may be made of; 1 for a single one.
        allow_baseline: Predict with a plain method where validation puts it clearly before every encoder.
        time_budget: Seconds of the search, verification included; None for no limit.
        time_limit: Seconds per candidate; a slower one is recorded.
        max_parameters: Most trainable numbers of an encoder; None for no limit, as for the next three.
        max_multiply_adds: Most multiply-adds of the forward pass of an iteration.
        max_memory: Most bytes of an iteration.
        max_seconds_per_iteration: Most predicted seconds of an iteration.
        svm: Score classification on test with TS2Vec's support vector machine too.
        workers: Candidates trained at a time; 1 trains in this process.
        engine: `serial`, `process` or `ray`; by default `serial` for one worker, else `process`.
        memory_limit: Bytes of one candidate beyond the loaded libraries; by default this machine's by the workers.
        memory_budget: Bytes that the search takes for intermediate results; by default what is fastest.
        gpu_share: Share of a GPU that one candidate takes with the engine `ray`.
        deterministic: Only do what gives the same bits each time while searching, on a GPU too; slower.
        device: `auto`, `cpu` or `cuda`, for the search and for all that the fitted estimator does.
        precision: `float32`, or `bfloat16` for faster training on a GPU.
        comparator: Checkpoint to rank with; None for the shipped one.
        bank: SQLite store of trial records to add to; by default one in the run folder.
        output: Run folder, from which `load` reads the fitted estimator too; None for a temporary one that is removed.
        overwrite: Replace another run in that folder.
        tensorboard: Write curves for TensorBoard to the run folder.
        report: Write `report.html` to the run folder, where that is kept.
        track: Trackers that are logged to as well: any of `mlflow`, `wandb`, `trackio`.
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
            self.ranking_ = pd.read_csv(folder / RANKING)
            self.scores_ = {row.name: row.scores.value for row in result.rows}
            self.result_text_ = result.text
            self._name_data()
            if kept:
                write_parameters(self, folder)
        finally:
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
        return self

    @plain_torch()
    def transform(self, X: Any, level: Level = "series") -> Any:
        """Return representations, as `tscnas embed` writes them.

        Args:
            X: As for `fit`.
            level: `series` for one of each case or series, `step` for one of each time step, by the window that ends
                at it.

        Returns:
            `series`: (cases, streams * features). `step`: (cases, timepoints, streams * features), an array of arrays
            where lengths differ. `set_output(transform="pandas")` gives a frame, named by the ids of the series where
            they have ids, and of steps by their time stamps too.

        Raises:
            OptionError: If there is no such level.
        """
        if level not in get_args(Level):
            raise OptionError(f"level: must be one of {', '.join(get_args(Level))}, got {level!r}")
        data = self._known(X)
        represent, window = self._represent(), self.encoder_.window
        values = [each.values for each in scaled(data, self.encoder_)]
        if level == "step":
            steps = [np.concatenate(list(represent_steps(represent, each, window=window))) for each in values]
            return steps_in_container(steps, data, estimator=self)
        if task_kind(self.kind).whole_cases:
            rows = list(represent_cases(represent, values).reshape(len(values), 1, -1))
        else:
            rows = [represent_series(represent, each, window=window) for each in values]
        return in_container(rows, data, given=X, estimator=self)

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
        """Read what `save` wrote, or what a search left in its folder (`tscnas search`, or `output`).

        What a search was told is a parameter of the same name; its `device` is `auto` again. A folder without
        `predictor.safetensors` gives an estimator that can transform, but not predict.

        Raises:
            SavedEncoderError: If the folder is another one, or of a search that is not finished or trained nothing.
        """
        return read_estimator(cls, path)

    def _predictor(self, task: Task, folder: Path, *, rng_seed: int) -> Predictor:
        """Return what the search fitted, or fit it now where that had no time for it."""
        file = folder / PREDICTOR
        if file.is_file():
            return load_predictor(file, kind=self.kind)
        own = task.with_window(self.encoder_.genotype.encoder.window)
        predictor: Predictor = task_kind(self.kind).fit_predictor(own, self._represent(), rng_seed=rng_seed)
        return predictor

    def _fitted_predictor(self) -> Predictor:
        """Return the fitted probe; `NotFittedError` if there is no encoder, `SavedEncoderError` if just no probe."""
        self._check_fitted()
        if not hasattr(self, "predictor_"):
            raise SavedEncoderError(
                f"the folder that this was loaded from has no {PREDICTOR}: its search is of an earlier version, or "
                "could not fit it; fit again to predict"
            )
        return self.predictor_

    def _name_data(self) -> None:
        """Set what scikit-learn asks about the data of `fit` and the columns of `transform`."""
        saved = self.encoder_
        listed = saved.identity.steps or saved.identity.columns
        names = np.asarray(listed, dtype=object) if listed else None
        n_variates = len(saved.variates)
        rows_are_cases = task_kind(saved.kind).whole_cases and (saved.identity.steps or n_variates == 1)
        self.n_features_in_ = saved.window if rows_are_cases else n_variates
        self._n_features_out = saved.encoder.streams * saved.encoder.representation_features
        classes = self.predictor_.classes if hasattr(self, "predictor_") else None
        for name, value in (("feature_names_in_", names), ("classes_", classes)):
            if value is not None:
                setattr(self, name, value)
            elif hasattr(self, name):  # of an earlier fit
                delattr(self, name)

    def _represent(self) -> Representer:
        return self.encoder_.representer(pick_device(self.device))

    def _known(self, X: Any) -> SeriesSet:
        """Return data with the columns of training."""
        self._check_fitted()
        asked = {"layout": self.layout, **checked_form(self.table_form)}
        if not self.encoder_.identity.columns and self.variates is not None:  # names are known by themselves
            asked["variates"] = (self.variates,) if isinstance(self.variates, str) else self.variates
        return known_series(X, kind=self.kind, asked=asked, saved=self.encoder_)

    def _scaled(self, X: Any) -> list[Scaled]:
        return list(scaled(self._known(X), self.encoder_))

    def _check_fitted(self) -> None:
        if not hasattr(self, "encoder_"):
            raise NotFittedError("this ContrastiveNAS is not fitted yet; call fit first")
