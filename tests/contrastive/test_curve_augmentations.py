"""Augmentations that follow a random smooth curve: how large it is, how it bends, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrastive.augmentations._base import Augmentation
from contrastive.augmentations._smooth_curves import knot_weights, standard_curves
from contrastive.augmentations.drift import Drift
from contrastive.augmentations.magnitude_warp import MagnitudeWarp
from contrastive.augmentations.time_warp import TimeWarp
from contrastive.views import whole_window


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def ones(*shape: int) -> Tensor:
    return torch.ones(shape)


def test_knots_share_every_step_and_each_leads_at_its_own() -> None:
    weights = knot_weights(21, knots=5, like=ones(1))
    torch.testing.assert_close(weights.sum(dim=1), ones(21))
    assert weights[::5].argmax(dim=1).tolist() == [0, 1, 2, 3, 4]
    torch.testing.assert_close(weights, weights.flip(0, 1))


def test_standard_curves_have_deviation_one_at_every_step_not_only_at_knots() -> None:
    curves = standard_curves((20_000, 17, 1), like=ones(1), generator=generator())
    torch.testing.assert_close(curves.std(dim=0), ones(17, 1), atol=0.03, rtol=0)
    torch.testing.assert_close(curves.mean(dim=0), torch.zeros(17, 1), atol=0.03, rtol=0)


def test_magnitude_warp_multiplies_by_a_curve_of_the_stated_deviation_around_one() -> None:
    x = torch.randn(4000, 30, 2, generator=generator(1)) + 8.0
    factor = MagnitudeWarp(sigma=0.2)(whole_window(x), generator=generator()).values / x
    torch.testing.assert_close(factor.std(dim=0), 0.2 * ones(30, 2), atol=0.01, rtol=0)
    torch.testing.assert_close(factor.mean(dim=0), ones(30, 2), atol=0.02, rtol=0)


def test_drift_starts_at_zero_grows_and_has_the_stated_deviation_over_the_window() -> None:
    drift = Drift(sigma=0.3)(whole_window(torch.zeros(4000, 40, 2)), generator=generator()).values
    assert float(drift.square().mean().sqrt()) == pytest.approx(0.3, abs=0.01)
    assert drift[:, 0].abs().max() < 1e-6 and (drift.std(dim=0).diff(dim=0) > 0).all()


@pytest.mark.parametrize("augmentation", [MagnitudeWarp(sigma=0.3), Drift(sigma=0.3)])
def test_curves_bend_less_per_step_in_longer_windows(augmentation: Augmentation) -> None:
    """The second difference of a smooth curve falls with the square of the number of steps; that of noise does not."""
    bends = []
    for steps in (101, 201, 401):
        curve = augmentation(whole_window(ones(200, steps, 2)), generator=generator()).values
        bends.append(float(curve.diff(n=2, dim=1).abs().max()))
    assert 0.0 < bends[0] < 0.03
    assert bends[0] == pytest.approx(4.0 * bends[1], rel=0.05) and bends[1] == pytest.approx(4.0 * bends[2], rel=0.05)


def test_variates_and_windows_have_their_own_curves() -> None:
    for augmentation in (MagnitudeWarp(sigma=0.3), Drift(sigma=0.3)):
        last = augmentation(whole_window(ones(500, 20, 2)), generator=generator()).values[:, -1]
        assert abs(float(torch.corrcoef(last.T)[0, 1])) < 0.15


@pytest.mark.parametrize("sigma", [0.1, 0.95, 50.0])
def test_time_warp_never_runs_backwards_and_fixes_the_ends_of_the_series(sigma: float) -> None:
    x = torch.randn(40, 60, 2, generator=generator(2))
    x[:20, 45:] = torch.nan
    x[10:30, :7] = torch.nan
    view = TimeWarp(sigma=sigma)(whole_window(x), generator=generator())
    index = torch.arange(60.0)
    assert (view.times.diff(dim=1) >= 0).all()
    for window, (first, last) in {0: (0, 44), 15: (7, 44), 25: (7, 59), 35: (0, 59)}.items():
        for outside in (slice(None, first + 1), slice(last, None)):
            assert torch.equal(view.times[window, outside], index[outside])
            torch.testing.assert_close(view.values[window, outside], x[window, outside], equal_nan=True)
        assert (view.times[window, first + 1 : last] - index[first + 1 : last]).abs().max() > 0.05


def test_time_warp_speed_has_the_stated_logarithmic_deviation() -> None:
    times = TimeWarp(sigma=0.2)(whole_window(torch.zeros(4000, 101, 1)), generator=generator()).times
    speed = times.diff(dim=1).log()
    # Arriving at the end takes the mean speed of the window away.
    assert 0.15 < float(speed.std(dim=0).mean()) < 0.2
    ratio = speed[:, 5] - speed[:, 95]  # independent ends of the window
    assert float(ratio.std()) == pytest.approx(0.2 * 2.0**0.5, rel=0.06)
    assert speed.diff(dim=1).abs().max() < 0.1


def test_time_warp_moves_the_variates_of_a_window_together() -> None:
    x = torch.randn(5, 30, 1, generator=generator(3)).expand(5, 30, 3)
    values = TimeWarp(sigma=0.5)(whole_window(x), generator=generator()).values
    assert torch.equal(values[..., 0], values[..., 1]) and torch.equal(values[..., 0], values[..., 2])
