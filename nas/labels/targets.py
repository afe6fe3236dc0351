"""What labels say: windows with targets to fit on, others to choose on, and the errors of both."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from downstream.classification.task import ClassificationTask
from downstream.errors import DataError
from downstream.forecasting.rows import pick_origins, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.windows import Windows

HELD_OUT_SHARE = 0.2
MAX_HELD_OUT_ORIGINS, MAX_HELD_OUT_ROWS = 600, 8000

Floats = NDArray[np.floating]
Predict = Callable[[Windows], Floats]


class Supervision(Protocol):
    """Windows with their targets; the test part has no place here."""

    fitted: Windows
    """What is fitted on."""

    held_out: Windows
    """What the best point is chosen on."""

    def loss(self, outputs: Tensor, index: Tensor) -> Tensor:
        """Return the loss of a model's outputs for some of the fitted windows, a scalar."""

    def errors(self, outputs: Floats) -> tuple[float, ...]:
        """Return the errors on all held-out windows, compared in this order; lower is better."""


class ForecastSupervision:
    """Windows that end at an origin, and the rows that follow them.

    Fitted are all origins of the training rows with room for the longest horizon. Held out are evenly thinned
    origins of the validation rows. A model's outputs are forecasts in scaled units, (n, longest horizon, targets).

    Args:
        task: The task; its test part is not touched.
        device: Where the training rows are kept.
    """

    def __init__(self, task: ForecastingTask, *, device: torch.device) -> None:
        self.device = device
        self.horizons = usable_horizons(task)
        self.n_targets = task.n_targets
        self.fitted = task.windows_at(task.origins("train", self.horizons[-1]))
        self._values = torch.as_tensor(self.fitted.values[:, : task.n_targets], device=device)
        self._ahead = torch.arange(self.fitted.length, self.fitted.length + self.horizons[-1], device=device)
        self._starts = torch.as_tensor(self.fitted.starts, device=device)
        judged = pick_origins(
            task,
            "validation",
            horizon=self.horizons[0],
            max_origins=MAX_HELD_OUT_ORIGINS,
            max_rows=MAX_HELD_OUT_ROWS,
        )
        self.held_out = task.windows_at(judged)
        blocks = list(row_blocks(task, "validation", judged, horizons=self.horizons, represent=None))
        self._targets = np.concatenate([block.targets for block in blocks])
        self._room = np.concatenate([block.room for block in blocks])

    def targets(self, index: Tensor) -> Tensor:
        """Return the rows after some of the fitted windows, NaN where missing; (batch, longest horizon, targets)."""
        return self._values[self._starts[index][:, None] + self._ahead]

    def loss(self, outputs: Tensor, index: Tensor) -> Tensor:
        """Return the mean squared error over the observed targets, a scalar."""
        targets = self.targets(index)
        observed = ~targets.isnan()
        errors = torch.where(observed, outputs - targets.nan_to_num(), 0.0)
        return errors.square().sum() / observed.sum().clamp(min=1)

    @property
    def stretches(self) -> tuple[slice, ...]:
        """The steps ahead between one horizon and the next."""
        return tuple(slice(*ends) for ends in itertools.pairwise((0, *self.horizons)))

    def stretch_errors(self, outputs: Floats) -> list[float]:
        """Return the mean squared error of every stretch; infinite where no target of it is observed."""
        squares = np.square(outputs.astype(np.float64) - self._targets)
        found = [squares[:, steps][np.isfinite(squares[:, steps])] for steps in self.stretches]
        return [float(one.mean()) if one.size else float("inf") for one in found]

    def errors(self, outputs: Floats) -> tuple[float, ...]:
        """Return the mean squared error, mean over horizons."""
        sums = _error_sums(outputs, self._targets, room=self._room, horizons=self.horizons)
        return (_metrics(sums, horizons=self.horizons)["mse"],)


def forecast_metrics(
    predict: Predict, task: ForecastingTask, part: Part, *, origins: Origins, horizons: tuple[int, ...]
) -> dict[str, float]:
    """Return `mse/H` and `mae/H` over all observed targets, and their means over horizons.

    Args:
        predict: Gives forecasts in scaled units, (n, longest horizon, targets).
        task: The task (the opened one for `test`).
        part: Where the targets must lie.
        origins: Origins for the shortest horizon.
        horizons: Forecast lengths, ascending.
    """
    sums = np.zeros((len(horizons), 3))
    for block in row_blocks(task, part, origins, horizons=horizons, represent=None):
        forecasts = predict(task.windows_at(block.origins))
        sums += _error_sums(forecasts, block.targets, room=block.room, horizons=horizons)
    return _metrics(sums, horizons=horizons)


def _error_sums(
    forecasts: Floats, targets: Floats, *, room: NDArray[np.int64], horizons: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return the sums of squares and absolute values, and the count, of the errors per horizon, (horizons, 3)."""
    errors = forecasts.astype(np.float64) - targets
    rows = []
    for horizon in horizons:
        found = errors[room >= horizon, :horizon]
        found = found[np.isfinite(found)]
        rows.append([np.square(found).sum(), np.abs(found).sum(), found.size])
    return np.asarray(rows, dtype=np.float64)


def _metrics(sums: NDArray[np.float64], *, horizons: tuple[int, ...]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for at, name in enumerate(("mse", "mae")):
        found = {
            f"{name}/{horizon}": float(row[at] / row[2]) for horizon, row in zip(horizons, sums, strict=True) if row[2]
        }
        metrics |= {**found, name: float(np.mean(list(found.values()))) if found else float("nan")}
    return metrics


class ClassSupervision:
    """Training cases with their classes, a stratified share of them held out.

    A model's outputs are scores of the classes, (n, classes).

    Args:
        task: The task; its test part is not touched.
        rng_seed: Draws the held-out cases.
        device: Where the labels are kept.

    Raises:
        DataError: If no class has two cases.
    """

    def __init__(self, task: ClassificationTask, *, rng_seed: int, device: torch.device) -> None:
        held_out = stratified_share(task.labels, share=HELD_OUT_SHARE, rng=np.random.default_rng(rng_seed))
        if not held_out.any():
            raise DataError(f"{task.spec.name}: every class has one training case, so none can be held out")
        self.fitted = task.windows.subset(np.flatnonzero(~held_out))
        self.held_out = task.windows.subset(np.flatnonzero(held_out))
        self.labels = torch.as_tensor(task.labels[~held_out], device=device)
        self.n_classes = len(task.classes)
        self.held_out_labels = torch.as_tensor(task.labels[held_out])

    def loss(self, outputs: Tensor, index: Tensor) -> Tensor:
        """Return the cross entropy, a scalar."""
        return F.cross_entropy(outputs, self.labels[index])

    def errors(self, outputs: Floats) -> tuple[float, ...]:
        """Return the share of wrong classes, then the cross entropy, which decides between equals."""
        scores = torch.as_tensor(outputs)
        wrong = (scores.argmax(dim=1) != self.held_out_labels).double().mean()
        return float(wrong), float(F.cross_entropy(scores, self.held_out_labels))


def stratified_share(labels: NDArray[np.int64], *, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which cases are held out: that share of every class, at least one but never its only case, (n,)."""
    held_out = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            held_out[members[: max(1, round(share * len(members)))]] = True
    return held_out
