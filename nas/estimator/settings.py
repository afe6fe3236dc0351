"""The parameters of the estimator: what `tscnas search` can be told, by the same names and with the same defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from downstream.data.options import Layout, Protocol
from nas.choosing.space_file import SpaceName

Path = str | os.PathLike[str]


class Parameters(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Holds the parameters of `ContrastiveNAS`, which says what they mean, as they were given."""

    def __init__(
        self,
        kind: str = "classification",
        *,
        window: int | None = None,
        horizon: int | None = None,
        horizons: Sequence[int] | int | None = None,
        target: Sequence[str] | str | None = None,
        variates: Sequence[str] | str | None = None,
        protocol: Protocol = "default",
        splits: Path | None = None,
        layout: Layout = "nct",
        table_form: Mapping[str, Any] | None = None,
        preset: str | None = None,
        genotype: Path | None = None,
        space: SpaceName = "default",
        effort: str | None = None,
        candidates: int | None = None,
        strategy: str = "landmark",
        policy_update: str = "reinforce",
        landmarks: int | None = None,
        top_k: int | None = None,
        iterations: int | None = None,
        members: int = 4,
        allow_baseline: bool = False,
        time_budget: float | None = None,
        time_limit: float | None = 3600.0,
        max_parameters: int | None = None,
        max_multiply_adds: float | None = None,
        max_memory: int | None = None,
        max_seconds_per_iteration: float | None = None,
        svm: bool = True,
        workers: int = 1,
        engine: str | None = None,
        memory_limit: int | None = None,
        memory_budget: int | None = None,
        gpu_share: float | None = None,
        deterministic: bool = False,
        device: str = "auto",
        precision: str = "float32",
        comparator: Path | None = None,
        bank: Path | None = None,
        output: Path | None = None,
        overwrite: bool = False,
        tensorboard: bool = False,
        report: bool = True,
        track: Sequence[str] | str = (),
        rng_seed: int = 0,
        random_state: int | np.random.RandomState | None = None,
        quiet: bool = True,
    ) -> None:
        self.kind = kind
        self.window = window
        self.horizon = horizon
        self.horizons = horizons
        self.target = target
        self.variates = variates
        self.protocol = protocol
        self.splits = splits
        self.layout = layout
        self.table_form = table_form
        self.preset = preset
        self.genotype = genotype
        self.space = space
        self.effort = effort
        self.candidates = candidates
        self.strategy = strategy
        self.policy_update = policy_update
        self.landmarks = landmarks
        self.top_k = top_k
        self.iterations = iterations
        self.members = members
        self.allow_baseline = allow_baseline
        self.time_budget = time_budget
        self.time_limit = time_limit
        self.max_parameters = max_parameters
        self.max_multiply_adds = max_multiply_adds
        self.max_memory = max_memory
        self.max_seconds_per_iteration = max_seconds_per_iteration
        self.svm = svm
        self.workers = workers
        self.engine = engine
        self.memory_limit = memory_limit
        self.memory_budget = memory_budget
        self.gpu_share = gpu_share
        self.deterministic = deterministic
        self.device = device
        self.precision = precision
        self.comparator = comparator
        self.bank = bank
        self.output = output
        self.overwrite = overwrite
        self.tensorboard = tensorboard
        self.report = report
        self.track = track
        self.rng_seed = rng_seed
        self.random_state = random_state
        self.quiet = quiet
