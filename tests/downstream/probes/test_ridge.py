"""Ridge against scikit-learn, sums against rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from downstream.probes.ridge import ALPHAS, Moments, RidgePath, choose


def _rows(n: int, d: int, m: int = 3, *, rng_seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(rng_seed)
    x = rng.normal(loc=5.0, size=(n, d)) * rng.uniform(0.1, 3, size=d)
    y = x @ rng.normal(size=(d, m)) + rng.normal(size=(n, m)) - 2
    return torch.as_tensor(x), torch.as_tensor(y)


@pytest.mark.parametrize(("n", "d"), [(200, 12), (30, 80), (40, 40)])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e4])
def test_equal_to_sklearn(n: int, d: int, alpha: float) -> None:
    x, y = _rows(n, d)
    new, _ = _rows(17, d, rng_seed=1)
    expected = Ridge(alpha=alpha).fit(x.numpy(), y.numpy()).predict(new.numpy())
    np.testing.assert_allclose(RidgePath.from_rows(x, y).predict(new, alpha=alpha), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_errors_from_sums_equal_errors_from_rows(scaled: bool) -> None:
    x, y = _rows(90, 7)
    new_x, new_y = _rows(50, 7, rng_seed=3)
    weight = torch.rand(1, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    moments = Moments.of(x[None], y[None])
    path = RidgePath.from_moments(moments, scale=moments.feature_scale() if scaled else None)
    errors = path.errors(Moments.of(new_x[None], new_y[None], weight=weight))
    expected = [((path.predict(new_x, alpha=a) - new_y) ** 2 * weight[0][:, None]).mean() for a in ALPHAS]
    np.testing.assert_allclose(errors, torch.stack(expected), rtol=1e-8)


def test_scale_equals_dividing_the_features() -> None:
    x, y = _rows(50, 4)
    scale = torch.tensor([0.5, 2.0, 10.0, 1.0], dtype=torch.float64)
    fitted = RidgePath.from_moments(Moments.of(x[None], y[None]), scale=scale).predict(x, alpha=3.0)
    plain = RidgePath.from_rows(x / scale, y).predict(x / scale, alpha=3.0)
    np.testing.assert_allclose(fitted, plain, rtol=1e-9)


def test_blocks_groups_and_zero_weights_add_up_to_the_whole() -> None:
    x, y = _rows(60, 6)
    whole = Moments.of(x[None], y[None])
    blocks = Moments.of(x[None, :25], y[None, :25]) + Moments.of(x[None, 25:], y[None, 25:])
    groups = Moments.of(x.reshape(3, 20, 6), y.reshape(3, 20, 3)).pooled()
    poisoned = torch.cat([y, torch.full((5, 3), torch.nan)])[None]
    weight = torch.cat([torch.ones(60), torch.zeros(5)])[None]
    masked = Moments.of(torch.cat([x, x[:5]])[None], poisoned, weight=weight)
    for other in (blocks, groups, masked):
        for name in ("count", "weight", "x", "y", "xx", "xy", "yy"):
            np.testing.assert_allclose(getattr(other, name), getattr(whole, name), rtol=1e-10)


def test_parts_of_the_sums_equal_sums_of_the_parts() -> None:
    x, y = _rows(40, 6)
    moments = Moments.of(x.reshape(2, 20, 6), y.reshape(2, 20, 3))
    columns, moved = torch.arange(2, 5), torch.tensor([1.0, 0.0, 1.0]).double()
    level = torch.tensor([0.0, 0.5, 0.0, 0.0, 0.5, 0.0]).double()
    part = moments.group(1).from_level(level, columns=columns, moved=moved).first_targets(2)
    off = (x[20:].double() @ level)[:, None]
    direct = Moments.of((x[20:, 2:5] - off * moved)[None], (y[20:, :2] - off)[None])
    for name in ("x", "y", "xx", "xy", "yy"):
        np.testing.assert_allclose(getattr(part, name), getattr(direct, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(Moments.of(x[None], y[None]).feature_scale(), x.numpy().std(axis=0), rtol=1e-9)


def test_a_constant_feature_has_scale_one() -> None:
    x = torch.full((1, 10, 1), 0.3, dtype=torch.float64)
    assert Moments.of(x, x).feature_scale().tolist() == [1.0]


def test_choose_takes_the_smallest_and_reports_the_edge() -> None:
    assert choose(torch.tensor([3.0, 1.0, 2.0]), (0.1, 1.0, 10.0)) == (1.0, 1.0, False)
    assert choose(torch.tensor([3.0, 2.0, 1.0]), (0.1, 1.0, 10.0)).on_edge
    assert choose(torch.tensor([1.0, torch.nan, 1.0]), (0.1, 1.0, 10.0)).alpha == 10.0


def test_errors_are_clear() -> None:
    x, y = _rows(8, 2)
    with pytest.raises(ValueError, match="one group of rows, got 2"):
        RidgePath.from_moments(Moments.of(x.reshape(2, 4, 2), y.reshape(2, 4, 3)))
    with pytest.raises(ValueError, match="at least one row"):
        RidgePath.from_moments(Moments.of(x[None], y[None], weight=torch.zeros(1, 8)))
    with pytest.raises(ValueError, match="non-finite"):
        choose(torch.tensor([torch.nan]), (1.0,))
