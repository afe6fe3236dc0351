"""The side heads are the solutions of their convex problems."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from ahc.training.linear_heads import solve_logistic, solve_ridge


def features() -> torch.Tensor:
    made = torch.randn(120, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    made = made * torch.tensor([1.0, 20.0, 0.1, 0.0]) + 3.0
    return made.float()


def test_logistic_equals_sklearn() -> None:
    inputs = features()
    target = (inputs[:, 0] - 3 + 0.05 * (inputs[:, 1] - 3) + 0.3 * torch.sin(17 * inputs[:, 2]) > 0.4).float()
    head = torch.nn.Linear(4, 1)
    solve_logistic(head, features=inputs, target=target)
    scaled = StandardScaler().fit_transform(inputs[:, :3].double().numpy())
    oracle = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(scaled, target.numpy())
    found = torch.sigmoid(head(inputs))[:, 0].detach().numpy()
    np.testing.assert_allclose(found, oracle.predict_proba(scaled)[:, 1], atol=2e-3)


def test_failures_that_never_happened_stay_finite_and_rare() -> None:
    head = torch.nn.Linear(4, 1)
    solve_logistic(head, features=features(), target=torch.zeros(120))
    assert float(torch.sigmoid(head(features())).detach().max()) < 0.02
    assert torch.isfinite(head.bias).all()


def test_ridge_equals_sklearn() -> None:
    inputs = features()
    target = 2 * inputs[:, 0] - 30 * inputs[:, 2] + 5
    head = torch.nn.Linear(4, 1)
    solve_ridge(head, features=inputs, target=target)
    scaled = StandardScaler().fit_transform(inputs.double().numpy())
    oracle = Ridge(alpha=2.0).fit(scaled, target.numpy())
    np.testing.assert_allclose(head(inputs)[:, 0].detach().numpy(), oracle.predict(scaled), atol=1e-3)
