"""The best linear head on a frozen encoder: solved, not trained, for every penalty of a grid."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.probes.linear import LOGISTIC_GRID, Standardizer
from downstream.probes.ridge import ALPHAS, RidgePath
from encoders.encoder import Encoder
from nas.labels.heads import ClassHead, ForecastHead, LinearHead
from nas.labels.targets import ClassSupervision, ForecastSupervision
from nas.representer import Representer

MAX_ROWS = 80_000
_NEVER = -1e4


@dataclass(frozen=True)
class LinearProbe:
    """A linear head, how it was fitted, and its errors on what is held out, where that was best.

    `penalty` is the C of a class head, None for forecasts.
    """

    head: LinearHead
    setting: str
    errors: tuple[float, ...]
    penalty: float | None = None


def solve_probe(
    encoder: Encoder,
    supervision: ClassSupervision | ForecastSupervision,
    *,
    device: torch.device,
    least_penalty: float = 0.0,
) -> LinearProbe:
    """Fit a linear head to the representations of the fitted windows; the penalty is chosen on those held out.

    Classes: logistic regression, C of `LOGISTIC_GRID`. Forecasts: ridge, alpha of `ALPHAS`, on at most about
    `MAX_ROWS` rows without a missing target; for the steps between one horizon and the next, alpha and whether
    changes from the last value or the values themselves are mapped are chosen together. Of equals, the stronger
    penalty.

    Args:
        encoder: On the device; not changed.
        supervision: What the head is fitted to, and chosen on.
        device: Where the encoder runs and where the head will be.
        least_penalty: Penalties below this times the number of rows are left out. A ridge penalty of s^2 per row is
            what noise of deviation s on the (standardised) features would add to the squared error (Bishop 1995).

    Raises:
        DivergedError: If a representation is not finite.
    """
    represent = Representer(encoder, device=device)
    x = torch.as_tensor(supervision.held_out.gather())
    z = torch.as_tensor(represent(supervision.held_out))
    head: LinearHead
    penalty = None
    with torch.no_grad():
        if isinstance(supervision, ClassSupervision):
            head, penalty = _class_head(represent, supervision, x=x, z=z, least=least_penalty)
            setting = f"C {penalty:g}"
        else:
            head, setting = _forecast_head(
                represent, supervision, shared=encoder.independent, x=x, z=z, least=least_penalty
            )
        errors = supervision.errors(head(x, z).numpy())
    return LinearProbe(head.to(device), setting, errors, penalty)


def fit_to_all_cases(
    encoder: Encoder, supervision: ClassSupervision, *, penalty: float, device: torch.device
) -> ClassHead:
    """Fit a head of a chosen penalty, C, to the cases that it was chosen on as well: the larger the better.

    Raises:
        DivergedError: If a representation is not finite.
    """
    represent = Representer(encoder, device=device)
    parts = (supervision.fitted, supervision.held_out)
    z = torch.cat([torch.as_tensor(represent(windows)) for windows in parts])
    labels = torch.cat([supervision.labels.cpu(), supervision.held_out_labels]).numpy()
    features = ClassHead.flatten(z).numpy()
    with torch.no_grad():
        return _fit_classes(features, labels, penalty=penalty, n_classes=supervision.n_classes).to(device)


def _class_head(
    represent: Representer, supervision: ClassSupervision, *, x: Tensor, z: Tensor, least: float
) -> tuple[ClassHead, float]:
    """Return the head that is best on the held-out windows x with representations z, and its penalty."""
    features = ClassHead.flatten(torch.as_tensor(represent(supervision.fitted))).numpy()
    labels = supervision.labels.cpu().numpy()
    found: list[tuple[tuple[float, ...], ClassHead, float]] = []
    for penalty in _strong(LOGISTIC_GRID, lambda one: 1.0 / one, least=least * len(labels)):
        head = _fit_classes(features, labels, penalty=penalty, n_classes=supervision.n_classes)
        found.append((supervision.errors(head(x, z).numpy()), head, penalty))
    _, head, penalty = min(found, key=lambda one: one[0])
    return head, penalty


def _fit_classes(
    features: NDArray[np.float32], labels: NDArray[np.int64], *, penalty: float, n_classes: int
) -> ClassHead:
    """Return a logistic regression as a head; a class without a case is never its answer."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    standardize = Standardizer.fit(features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a weak penalty on separable classes has no end
        model = LogisticRegression(C=penalty, max_iter=1000).fit(standardize(features), labels)
    weights, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        weights, intercept = np.concatenate([-weights, weights]) / 2, np.concatenate([-intercept, intercept]) / 2
    head = ClassHead(*_scales(standardize), classes=n_classes)
    known = torch.as_tensor(model.classes_)
    head.linear.weight.zero_()
    head.linear.bias.fill_(_NEVER)
    head.linear.weight[known] = torch.as_tensor(weights, dtype=torch.float32)
    head.linear.bias[known] = torch.as_tensor(intercept, dtype=torch.float32)
    return head.eval()


def _forecast_head(
    represent: Representer, supervision: ForecastSupervision, *, shared: bool, x: Tensor, z: Tensor, least: float
) -> tuple[ForecastHead, str]:
    """Return the head that is best on the held-out windows x with representations z, stretch by stretch."""
    n_targets = supervision.n_targets
    stride = max(1, -(-supervision.fitted.n * n_targets // MAX_ROWS))
    index = np.arange(0, supervision.fitted.n, stride, dtype=np.int64)
    windows = supervision.fitted.subset(index)
    fitted = torch.as_tensor(represent(windows))
    rows = fitted[:, :n_targets].flatten(0, 1) if shared else fitted[:, 0]
    mean, deviation = _scales(Standardizer.fit(rows.numpy()))
    last = ForecastHead.last_value(torch.as_tensor(windows.gather()), n_targets)  # (n, targets, 1)
    targets = supervision.targets(torch.as_tensor(index, device=supervision.device)).cpu()
    head, trial = (
        ForecastHead(mean, deviation, targets=n_targets, horizon=targets.shape[1], shared=int(shared)).eval()
        for _ in range(2)
    )
    stretches = supervision.stretches
    best = [float("inf")] * len(stretches)
    settings = ["repeats the last value"] * len(stretches)
    head.linear.weight.zero_()
    head.linear.bias.zero_()
    head.from_last.fill_(1.0)
    alphas = _strong(tuple(reversed(ALPHAS)), lambda one: one, least=least * len(rows))
    for from_last, name in ((1.0, "changes"), (0.0, "values")):
        trial.from_last.fill_(from_last)
        y = targets.transpose(1, 2) - from_last * last  # (n, targets, horizon)
        groups = [y.flatten(0, 1)] if shared else [y[:, target] for target in range(n_targets)]
        paths = [_path((rows - mean) / deviation, group) for group in groups]
        for alpha in alphas:
            _set_weights(trial, [None if path is None else path.weights(alpha) for path in paths])
            errors = supervision.stretch_errors(trial(x, z).numpy())
            for at, steps in enumerate(stretches):
                if errors[at] < best[at]:
                    best[at], settings[at] = errors[at], f"alpha {alpha:.3g} on {name}"
                    head.take(trial, steps)
    return head, "; ".join(f"{one} to step {steps.stop}" for one, steps in zip(settings, stretches, strict=True))


def _strong(grid: Sequence[float], strength: Callable[[float], float], *, least: float) -> Sequence[float]:
    """Return the settings, the strongest first, whose strength is enough; the strongest where none is."""
    return [one for one in grid if strength(one) >= least] or grid[:1]


def _set_weights(head: ForecastHead, solved: Sequence[tuple[Tensor, Tensor] | None]) -> None:
    """Give a head its weights (features, horizon) and intercepts (horizon,), per group; zeros where there are none."""
    for group, one in enumerate(solved):
        rows = slice(group * head.horizon, (group + 1) * head.horizon)
        head.linear.weight[rows] = 0.0 if one is None else one[0].T.float()
        head.linear.bias[rows] = 0.0 if one is None else one[1].float()


def _path(x: Tensor, y: Tensor) -> RidgePath | None:
    """Return the ridge on the rows whose targets are all observed; None without any."""
    complete = ~y.isnan().any(dim=1)
    return RidgePath.from_rows(x[complete], y[complete]) if bool(complete.any()) else None


def _scales(standardize: Standardizer) -> tuple[Tensor, Tensor]:
    mean, deviation = (torch.as_tensor(one, dtype=torch.float32) for one in (standardize.mean, standardize.deviation))
    return mean, deviation
