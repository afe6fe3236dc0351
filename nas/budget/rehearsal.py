"""A rehearsal of the verification: the same work on stand-in rows, to know its time while the test part is sealed."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import torch

from downstream import evaluation
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.classification.task import ClassificationTask, LabelledWindows
from downstream.forecasting.task import ForecastingTask
from downstream.task import Task
from encoders.encoder import Encoder
from nas.representer import Representer
from search_space.genotype import Genotype


def rehearse(task: Task, sizes: tuple[int, ...], genotype: Genotype, device: str) -> float:
    """Score an untrained encoder on a stand-in of the test part and return the seconds that took (in a worker).

    Args:
        task: Without its test part.
        sizes: Of the test part, `task.sealed.sizes`.
        genotype: Whose encoder is scored.
        device: Where it runs.
    """
    opened = stand_in(task, sizes)
    encoder = Encoder(genotype.encoder, variates=task.n_variates).to(torch.device(device))
    began = time.perf_counter()
    evaluation.test(task, opened, Representer(encoder, device=device))
    return time.perf_counter() - began


def rehearse_baselines(task: Task, sizes: tuple[int, ...]) -> float:
    """Score the plain baselines on a stand-in of the test part and return the seconds that took (in a worker)."""
    opened = stand_in(task, sizes)
    began = time.perf_counter()
    evaluation.baselines(task, opened)
    return time.perf_counter() - began


def stand_in(task: Task, sizes: tuple[int, ...]) -> Any:
    """Return what `open_test` would return, as far as form and size go, made of training and validation rows.

    Args:
        task: The task; its test part is not asked for.
        sizes: How many rows or cases each piece of the test part has.
    """
    if isinstance(task, ClassificationTask):
        index = np.arange(sizes[0]) % len(task.labels)
        return LabelledWindows(task.windows.subset(index), task.labels[index])
    if isinstance(task, ForecastingTask):
        tails = [values[np.arange(size) % len(values)] for values, size in zip(task.series, sizes, strict=True)]
        series = tuple(np.concatenate(pair) for pair in zip(task.series, tails, strict=True))
        return dataclasses.replace(task, series=series, test_opened=True)
    assert isinstance(task, AnomalyTask), "there are three kinds of tasks"
    known = task.validation
    return tuple(_repeated(known[number % len(known)], size) for number, size in enumerate(sizes))


def _repeated(rows: LabelledRows, size: int) -> LabelledRows:
    index = np.arange(size) % rows.n
    values = np.concatenate([rows.values[: rows.context], rows.values[rows.context + index]])
    return dataclasses.replace(rows, values=values, labels=None if rows.labels is None else rows.labels[index])
