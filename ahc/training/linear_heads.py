"""Convex fits of the comparator's side heads on finished graph vectors.

Members are trained on untrained scores and gains, which says nothing of failures
and seconds; both heads are linear, so they are simply solved at the end.
"""

import torch
from torch import Tensor, nn

_PENALTY = 2.0


def solve_logistic(head: nn.Linear, *, features: Tensor, target: Tensor) -> None:
    """Set a head to the ridge-penalised logistic regression on standardised features.

    Args:
        head: One output; overwritten.
        features: Graph vectors, (trials, width).
        target: 0 or 1, (trials,).
    """
    mean, scale = _standardisation(features)
    inputs = ((features - mean) * scale).double()
    labels = target.double()
    weights = torch.zeros(inputs.shape[1] + 1, dtype=torch.float64, device=inputs.device, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = inputs @ weights[:-1] + weights[-1]
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum")
        # A light pull on the intercept keeps it finite where nothing ever failed.
        penalty = 0.5 * _PENALTY * (weights[:-1] ** 2).sum() + 0.01 * weights[-1] ** 2
        total: Tensor = loss + penalty
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    _fold(head, weights=weights.detach()[:-1], bias=weights.detach()[-1], mean=mean, scale=scale)


def solve_ridge(head: nn.Linear, *, features: Tensor, target: Tensor) -> None:
    """Set a head to the ridge regression on standardised features.

    Args:
        head: One output; overwritten.
        features: Graph vectors, (trials, width).
        target: Finite values, (trials,).
    """
    mean, scale = _standardisation(features)
    inputs = ((features - mean) * scale).double()
    centre = target.double().mean()
    gram = inputs.T @ inputs + _PENALTY * torch.eye(inputs.shape[1], dtype=torch.float64, device=inputs.device)
    weights = torch.linalg.solve(gram, inputs.T @ (target.double() - centre))
    _fold(head, weights=weights, bias=centre, mean=mean, scale=scale)


def _standardisation(features: Tensor) -> tuple[Tensor, Tensor]:
    deviation = features.std(dim=0, correction=0)
    return features.mean(dim=0), torch.where(deviation > 1e-6, 1.0 / deviation.clamp(min=1e-6), 0.0)


def _fold(head: nn.Linear, *, weights: Tensor, bias: Tensor, mean: Tensor, scale: Tensor) -> None:
    """Write weights for standardised features as weights for raw ones."""
    raw = weights * scale
    with torch.no_grad():
        head.weight.copy_(raw[None])
        head.bias.copy_((bias - raw @ mean.double())[None])
