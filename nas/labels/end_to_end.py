"""Supervised relatives: a published encoder trained end to end on the forecast itself, as a baseline."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from downstream.forecasting.task import ForecastingTask
from downstream.scores import Scores
from encoders.encoder import Encoder
from encoders.input import observed_span
from encoders.input_normalization import normalize_input
from nas.errors import NothingTrainedError
from nas.labels.fit import N_PROBES, PATIENCE, fit, predict
from nas.labels.forecasting import ForecastSupervision
from nas.labels.heads import EncoderModel
from nas.labels.relatives.forms import build
from nas.labels.relatives.regularizers import penalty_of
from nas.labels.relatives.table import Form
from nas.training.curve import CurvePoint, Training
from nas.training.divergence import DivergedError
from search_space.genotype import EncoderCell

MAX_HEAD_INPUTS = 4096
LEARNING_RATE = 1e-3


class LinearForecaster(EncoderModel):
    """An encoder and a linear head that sees the latents of all steps of the window.

    The published models read their forecast from all steps or patches at once,
    and so does this head; a readout of one vector would keep most of the window
    from it. With independent channels the latents of a variate are flattened
    and mapped to all steps ahead, with the same weights for every variate
    (DLinear, PatchTST, iTransformer, TimeXer); where they are more than
    `MAX_HEAD_INPUTS` numbers, a linear map makes every step narrower first.
    With mixed channels one linear map over time is followed by one from the
    features of a step to all targets (TimesNet). What the encoder's
    normalisation took away from a variate is given back to its forecast.

    Args:
        cell: The encoder's genes; its readout is not used.
        variates: Columns of a window, targets first.
        n_targets: How many of them are forecast.
        window: Steps of a window.
        horizon: Steps ahead.
        form: What is built of the genes.
    """

    encoder: Encoder

    def __init__(
        self, cell: EncoderCell, *, variates: int, n_targets: int, window: int, horizon: int, form: Form = "cell"
    ) -> None:
        super().__init__()
        self.n_targets = n_targets
        self.encoder = build(form, cell, variates=variates, window=window)
        features = self.encoder.features
        if self.encoder.independent:
            width = max(1, min(features, MAX_HEAD_INPUTS // window))
            self.per_step = nn.Identity() if width == features else nn.Linear(features, width)
            self.over_time = nn.Linear(window * width, horizon)
        else:
            self.per_step = nn.Linear(features, n_targets)
            self.over_time = nn.Linear(window, horizon)

    def forward(self, x: Tensor) -> Tensor:
        """Return forecasts in the unit of the window.

        Args:
            x: Windows, NaN where a value is missing; (batch, time, variates).

        Returns:
            (batch, horizon, targets).
        """
        z = self.encoder(x, span=observed_span(x))  # (batch, streams, time, features)
        if self.encoder.independent:
            y = self.over_time(self.per_step(z[:, : self.n_targets]).flatten(2)).transpose(1, 2)
        else:
            y = self.per_step(self.over_time(z[:, 0].transpose(1, 2)).transpose(1, 2))
        return self._with_level(y, x[:, :, : self.n_targets])

    def _with_level(self, y: Tensor, targets: Tensor) -> Tensor:
        """Undo the encoder's normalisation."""
        kind = self.encoder.normalization
        statistics = normalize_input(targets, normalization=kind).statistics[:, None]  # (batch, 1, targets, k)
        if kind == "instance":
            return y * statistics[..., 1].exp() + statistics[..., 0]
        return y + statistics[..., 0] if kind == "last" else y


@dataclass(frozen=True)
class SupervisedForecaster:
    """A trained model and how it was trained.

    Args:
        model: With the weights of its best point on validation.
        supervision: What it learnt from; one model serves all of its horizons.
        fit: The validation curve.
        iterations: Asked for.
        learning_rate: The largest.
        seconds: Wall time of the training.
        regularizer: Name and weight, where there was one.
    """

    model: LinearForecaster
    supervision: ForecastSupervision
    fit: Training
    iterations: int
    learning_rate: float
    seconds: float
    regularizer: tuple[str, float] | None = None

    def score_test(self, task: ForecastingTask, opened: ForecastingTask) -> Scores:
        """Score every test origin: `mse/H`, `mae/H` and their means over horizons.

        Args:
            task: The task that it was trained on.
            opened: What its `open_test()` returned.
        """
        metrics = self.supervision.metrics_on_test(partial(predict, self.model), opened)
        settings = {
            "trained": f"end to end, {self.fit.status}",
            "best iteration on validation": f"{self.fit.best.iteration} of {self.iterations}",
            "learning rate": f"{self.learning_rate:g} at most",
            **({} if self.supervision.pointwise == "mse" else {"loss": self.supervision.pointwise}),
        }
        if self.regularizer is not None:
            settings["regularizer"] = "{}, weight {:g}".format(*self.regularizer)
        facts: dict[str, str | int | float] = {
            "dataset": task.spec.name,
            "protocol": task.spec.protocol,
            "window": task.spec.window,
            "iterations": self.iterations,
            "probes": N_PROBES,
            "patience": PATIENCE,
            "n_parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "seconds": round(self.seconds, 3),
            "scaler_rows": task.scaler.n_rows_seen,
        }
        horizons = self.supervision.horizons
        facts |= {f"n_windows/{horizon}": len(opened.origins("test", horizon).step) for horizon in horizons}
        return Scores(metrics["mse"], "mse", False, metrics, settings, facts)


def train_supervised(
    encoder_cell: EncoderCell,
    task: ForecastingTask,
    *,
    iterations: int,
    form: Form = "cell",
    loss: str = "mse",
    regularizer: tuple[str, float] | None = None,
    rng_seed: int = 0,
    device: torch.device | str = "cpu",
    learning_rate: float = LEARNING_RATE,
    on_probe: Callable[[CurvePoint], None] | None = None,
) -> SupervisedForecaster:
    """Train an encoder with a linear head on the forecast itself, and keep what is best on validation.

    The lookback is the task's window. Deliberate difference from the published models: one model gives the longest
    horizon, and shorter ones are its first steps; they train one per horizon. The same arguments give the same bits
    on one CPU thread.

    Args:
        encoder_cell: The encoder's genes.
        task: Its test part is not touched.
        iterations: Optimiser steps at most, >= 0; training stops early where validation no longer improves.
        form: What is built of the genes.
        loss: What is minimised, a name of `LOSSES`; the best point is that of least squared error in any case.
        regularizer: A key of `relatives.names.REGULARIZERS` and its weight: added to what is minimised.
        rng_seed: Of weights and batches.
        device: Where to train.
        learning_rate: The largest, see `fit`.
        on_probe: Called with each point of the validation curve.

    Returns:
        The trained model.

    Raises:
        NothingTrainedError: If the untrained model gives forecasts that are not finite.
        ValueError: If no horizon of the task fits into its training and validation rows.
    """
    began = time.perf_counter()
    device = torch.device(device)
    supervision = ForecastSupervision(task, device=device, loss=loss)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(rng_seed)
        model = LinearForecaster(
            encoder_cell,
            variates=task.n_variates,
            n_targets=task.n_targets,
            window=task.spec.window,
            horizon=supervision.horizons[-1],
            form=form,
        ).to(device)
        name, weight = regularizer or ("", 0.0)
        watching = penalty_of(name, model) if regularizer else contextlib.nullcontext()
        try:
            with watching as penalty:
                fitted = fit(
                    model,
                    supervision,
                    iterations=iterations,
                    learning_rate=learning_rate,
                    generator=torch.Generator(device=device).manual_seed(rng_seed),
                    penalty=None if penalty is None else lambda: weight * penalty(),
                    on_probe=on_probe,
                )
        except DivergedError as error:
            raise NothingTrainedError(f"{task.spec.name}: {error}") from error
    seconds = time.perf_counter() - began
    return SupervisedForecaster(model.eval(), supervision, fitted, iterations, learning_rate, seconds, regularizer)
