"""The map in closed form: no other linear map has a lower loss, and a rotation is all that is left open."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrastive.closed_form import whitening_map

ROWS, DIFFERENCES, FEATURES = 12, 9, 20


def normal(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def noise(differences: Tensor, *, strength: float) -> Tensor:
    """N of the docstring, as a matrix."""
    moments = differences.T @ differences / len(differences)
    mean = moments.diagonal().mean()
    return strength * moments + (1.0 - strength) * mean * torch.eye(len(moments), dtype=torch.float64)


def loss(w: Tensor, rows: Tensor, within: Tensor) -> Tensor:
    centred = rows - rows.mean(dim=0)
    spread = centred.T @ centred / len(rows)
    return torch.trace(w @ within @ w.T) - torch.linalg.slogdet(w @ spread @ w.T).logabsdet


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("width", [1, 4, 11])
@pytest.mark.parametrize("features", [7, FEATURES])
def test_no_other_map_has_a_lower_loss(strength: float, width: int, features: int) -> None:
    width = min(width, features)
    rows, differences = normal(ROWS, features), normal(DIFFERENCES, features, rng_seed=1)
    within = noise(differences, strength=strength)
    found = whitening_map(rows, differences, width=width, strength=strength)
    best = float(loss(found, rows, within))
    torch.testing.assert_close(found @ within @ found.T, torch.eye(width, dtype=torch.float64))
    generator = torch.Generator().manual_seed(3)
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(20):
            step = torch.randn(found.shape, generator=generator, dtype=torch.float64)
            assert float(loss(found + size * step, rows, within)) > best
    w = (found + 0.3 * step).requires_grad_()
    descent = torch.optim.LBFGS([w], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        descent.zero_grad()
        value = loss(w, rows, within)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    descent.step(closure)
    assert float(loss(w.detach(), rows, within)) >= best - 1e-9


def test_all_that_tells_rows_apart_stays_where_there_is_width_for_it() -> None:
    rows, differences = normal(ROWS, FEATURES), normal(DIFFERENCES, FEATURES, rng_seed=1)
    found = whitening_map(rows, differences, width=15, strength=0.7)
    metric = torch.linalg.inv(noise(differences, strength=0.7))
    new = normal(5, FEATURES, rng_seed=2)
    centred = rows - rows.mean(dim=0)
    torch.testing.assert_close((new @ found.T) @ (centred @ found.T).T, new @ metric @ centred.T)


def test_without_differences_it_is_the_principal_directions() -> None:
    rows = normal(ROWS, FEATURES)
    found = whitening_map(rows, rows[:0], width=3, strength=0.9)
    _, _, directions = torch.linalg.svd(rows - rows.mean(dim=0), full_matrices=False)
    torch.testing.assert_close(found.T @ found, directions[:3].T @ directions[:3])


def test_what_views_change_is_shrunk() -> None:
    rows, differences = normal(400, 6), torch.zeros(50, 6, dtype=torch.float64)
    differences[:, 2] = 5.0 * normal(50, rng_seed=1)
    found = whitening_map(rows, differences, width=6, strength=0.9)
    lengths = found.square().sum(dim=0)
    assert float(lengths[2]) < 0.05 * float(lengths[[0, 1, 3, 4, 5]].min())


@pytest.mark.parametrize("case", ["equal rows", "one row", "equal views"])
def test_what_does_not_vary_gives_finite_maps(case: str) -> None:
    rows, differences = normal(ROWS, FEATURES), normal(DIFFERENCES, FEATURES, rng_seed=1)
    if case == "equal rows":
        rows = rows[:1].expand(5, -1).clone()
    elif case == "one row":
        rows = rows[:1]
    else:
        differences = torch.zeros_like(differences)
    found = whitening_map(rows, differences, width=4, strength=0.5)
    assert found.shape == (4, FEATURES) and bool(found.isfinite().all())
