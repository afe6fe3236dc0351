"""Labels that are the rows ahead: forecasts from a linear head, squared error, ridge."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from downstream.forecasting.errors import ErrorSums, errors_at, horizon_metrics
from downstream.forecasting.rows import pick_origins, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask
from downstream.probes.linear import Standardizer
from downstream.probes.ridge import ALPHAS, RidgePath
from downstream.scores import Scores
from encoders.combined import AnyEncoder
from encoders.input_normalization import normalize_input
from nas.labels.heads import LinearHead
from nas.labels.supervision import Floats, Predict, SolvedHead, Supervision, scales, strong_enough
from nas.representer import Representer

MAX_HELD_OUT_ORIGINS, MAX_HELD_OUT_ROWS = 600, 8000
MAX_ROWS = 80_000
POINTWISE: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "mse": torch.square,
        "mae": torch.abs,
        "smooth_l1": lambda errors: F.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none"),
    }
)
"""What training can minimise -> the loss of every error."""


class ForecastHead(LinearHead):
    """Forecasts from a linear map, some steps as changes from the last observed value.

    One map for all variates where each has a stream of its own, one per variate where all share one stream.

    Args:
        mean: (features,).
        deviation: (features,).
        targets: Variates that are forecast.
        horizon: Steps ahead.
        shared: 1 where variates share the map, else 0.

    Attributes:
        from_last: 1 at steps that are mapped as changes from the last value, else 0; (horizon,).
    """

    from_last: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, *, targets: int, horizon: int, shared: int) -> None:
        super().__init__(mean, deviation, targets=targets, horizon=horizon, shared=shared)
        self.n_targets, self.horizon, self.shared = targets, horizon, bool(shared)
        self.linear = nn.Linear(len(mean), horizon if shared else targets * horizon)
        self.register_buffer("from_last", mean.new_zeros(horizon))

    @staticmethod
    def last_value(x: Tensor, n_targets: int) -> Tensor:
        """Return the last observed value of every target, 0 without any; (batch, targets, 1)."""
        return normalize_input(x[:, :, :n_targets], normalization="last").statistics

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return forecasts in the unit of the windows, (batch, horizon, targets)."""
        z = self.standardized(z)
        mapped: Tensor
        if self.shared:
            mapped = self.linear(z[:, : self.n_targets])  # (batch, targets, horizon)
        else:
            mapped = self.linear(z[:, 0]).view(len(x), self.n_targets, self.horizon)
        return (mapped + self.from_last * self.last_value(x, self.n_targets)).transpose(1, 2)

    def set_weights(self, solved: Sequence[tuple[Tensor, Tensor] | None]) -> None:
        """Take weights (features, horizon) and intercepts (horizon,) for every map; zeros where there are none."""
        for number, solution in enumerate(solved):
            rows = slice(number * self.horizon, (number + 1) * self.horizon)
            self.linear.weight[rows] = 0.0 if solution is None else solution[0].T.float()
            self.linear.bias[rows] = 0.0 if solution is None else solution[1].float()

    def take(self, other: ForecastHead, steps: slice) -> None:
        """Take over what another head of the same sizes does at some of the steps ahead."""
        self.from_last[steps] = other.from_last[steps]
        for mine, theirs in zip(self.linear.parameters(), other.linear.parameters(), strict=True):
            per_step = mine.data.view(-1, self.horizon, *mine.shape[1:])
            per_step[:, steps] = theirs.data.view_as(per_step)[:, steps]


class ForecastSupervision(Supervision):
    """Windows that end at an origin, and the rows that follow them.

    Fitted are all origins of the training rows with room for the longest horizon. Held out are evenly thinned
    origins of the validation rows. A model's outputs are forecasts in scaled units, (n, longest horizon, targets).

    Args:
        task: A task; its test part is not touched.
        rng_seed: Nothing is drawn.
        device: Where targets are kept.
        loss: A key of `POINTWISE`.
    """

    kind = "forecasting"
    head = ForecastHead

    def __init__(self, task: ForecastingTask, *, rng_seed: int = 0, device: torch.device, loss: str = "mse") -> None:
        self.device, self.pointwise = device, loss
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
        """Return the mean loss over the observed targets, of the squared error where nothing else was asked for."""
        targets = self.targets(index)
        observed = ~targets.isnan()
        errors = torch.where(observed, outputs - targets.nan_to_num(), 0.0)
        return POINTWISE[self.pointwise](errors).sum() / observed.sum().clamp(min=1)

    @property
    def stretches(self) -> tuple[slice, ...]:
        """The steps ahead between one horizon and the next."""
        return tuple(slice(*ends) for ends in itertools.pairwise((0, *self.horizons)))

    def stretch_errors(self, outputs: Floats) -> list[float]:
        """Return the mean squared error of every stretch; infinite where no target of it is observed."""
        squares = np.square(outputs.astype(np.float64) - self._targets)
        observed = (squares[:, steps][np.isfinite(squares[:, steps])] for steps in self.stretches)
        return [float(errors.mean()) if errors.size else float("inf") for errors in observed]

    def errors(self, outputs: Floats) -> tuple[float, ...]:
        """Return the mean squared error, mean over horizons."""
        errors = outputs.astype(np.float64) - self._targets
        sums = {horizon: errors_at(horizon, errors, self._room) for horizon in self.horizons}
        return (horizon_metrics(sums)["mse"],)

    def solve(self, encoder: AnyEncoder, *, least_penalty: float = 0.0) -> SolvedHead:
        """Fit a ridge, its alpha of `ALPHAS`, on at most about `MAX_ROWS` rows without a missing target.

        For the steps between one horizon and the next, alpha and whether changes from the last value or the values
        themselves are mapped are chosen together. Of equals, the stronger penalty.
        """
        represent = Representer(encoder, device=self.device)
        x, z = self._held_out_inputs(represent)
        shared, n_targets = encoder.independent, self.n_targets
        index = np.arange(0, self.fitted.n, max(1, -(-self.fitted.n * n_targets // MAX_ROWS)), dtype=np.int64)
        windows = self.fitted.subset(index)
        fitted = torch.as_tensor(represent(windows))
        rows = fitted[:, :n_targets].flatten(0, 1) if shared else fitted[:, 0]
        mean, deviation = scales(Standardizer.fit(rows.numpy()))
        last = ForecastHead.last_value(torch.as_tensor(windows.gather()), n_targets)  # (n, targets, 1)
        targets = self.targets(torch.as_tensor(index, device=self.device)).cpu()
        alphas = strong_enough(tuple(reversed(ALPHAS)), lambda alpha: alpha, least=least_penalty * len(rows))
        best = [float("inf")] * len(self.stretches)
        settings = ["repeats the last value"] * len(self.stretches)
        with torch.no_grad():
            head, trial = (
                ForecastHead(mean, deviation, targets=n_targets, horizon=self.horizons[-1], shared=int(shared)).eval()
                for _ in range(2)
            )
            head.set_weights([None] * (1 if shared else n_targets))
            head.from_last.fill_(1.0)
            for from_last, name in ((1.0, "changes"), (0.0, "values")):
                trial.from_last.fill_(from_last)
                y = targets.transpose(1, 2) - from_last * last  # (n, targets, horizon)
                groups = [y.flatten(0, 1)] if shared else y.unbind(dim=1)
                paths = [_ridge((rows - mean) / deviation, group) for group in groups]
                for alpha in alphas:
                    trial.set_weights([None if path is None else path.weights(alpha) for path in paths])
                    errors = self.stretch_errors(trial(x, z).numpy())
                    for at, steps in enumerate(self.stretches):
                        if errors[at] < best[at]:
                            best[at], settings[at] = errors[at], f"alpha {alpha:.3g} on {name}"
                            head.take(trial, steps)
            held_out = self.errors(head(x, z).numpy())
        words = (f"{how} to step {horizon}" for how, horizon in zip(settings, self.horizons, strict=True))
        return SolvedHead(head.to(self.device), "; ".join(words), held_out)

    def head_facts(self) -> dict[str, object]:
        """Return the horizons."""
        return {"horizons": list(self.horizons)}

    def held_out_score(self, error: float) -> float:
        """Return the mean squared error itself."""
        return error

    def probe_metrics(self, probe: Scores) -> dict[str, float]:
        """Return the figures of the representation alone."""
        own = "representation."
        return {name.removeprefix(own): value for name, value in probe.metrics.items() if name.startswith(own)}

    def metrics_on_test(self, predict: Predict, opened: Any) -> dict[str, float]:
        """Return squared and absolute errors, per horizon and on average."""
        origins = opened.origins("test", self.horizons[0])
        sums = dict.fromkeys(self.horizons, ErrorSums())
        for block in row_blocks(opened, "test", origins, horizons=self.horizons, represent=None):
            errors = predict(opened.windows_at(block.origins)).astype(np.float64) - block.targets
            sums = {horizon: total + errors_at(horizon, errors, block.room) for horizon, total in sums.items()}
        return horizon_metrics(sums)


def _ridge(x: Tensor, y: Tensor) -> RidgePath | None:
    """Return the ridge on the rows whose targets are all observed; None without any."""
    complete = ~y.isnan().any(dim=1)
    return RidgePath.from_rows(x[complete], y[complete]) if bool(complete.any()) else None
