"""What each augmentation does to a window, in closed form."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from contrastive.augmentations._base import Augmentation
from contrastive.augmentations.crop import Crop
from contrastive.augmentations.drift import Drift
from contrastive.augmentations.dropout_block import DropoutBlock
from contrastive.augmentations.flip import Flip
from contrastive.augmentations.frequency_mask import FrequencyMask
from contrastive.augmentations.jitter import Jitter
from contrastive.augmentations.magnitude_warp import MagnitudeWarp
from contrastive.augmentations.mixup import Mixup
from contrastive.augmentations.point_mask import PointMask
from contrastive.augmentations.rescale import Rescale
from contrastive.augmentations.resize import Resize
from contrastive.augmentations.time_warp import TimeWarp
from contrastive.views import View, draw_core, observed_span, whole_window


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def test_jitter_has_the_stated_standard_deviation() -> None:
    noise = Jitter(sigma=0.3)(whole_window(torch.zeros(20, 500, 3)), generator=generator()).values
    assert abs(float(noise.std()) - 0.3) < 0.01 and abs(float(noise.mean())) < 0.01


def test_rescale_multiplies_each_variate_by_one_factor() -> None:
    x = torch.randn(400, 10, 3, generator=generator(1))
    factor = Rescale(sigma=0.2)(whole_window(x), generator=generator()).values / x
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor), rtol=1e-3, atol=1e-3)
    assert abs(float(factor[:, 0].mean()) - 1.0) < 0.02 and abs(float(factor[:, 0].std()) - 0.2) < 0.02


@pytest.mark.parametrize(("ratio", "steps", "masked"), [(0.3, 10, 3), (0.5, 7, 3), (0.05, 10, 0), (0.9, 2, 1)])
def test_point_mask_removes_its_share_of_observed_steps_in_all_variates(ratio: float, steps: int, masked: int) -> None:
    x = torch.zeros(30, steps + 5, 2)
    x[:, steps:] = torch.nan
    missing = torch.isnan(PointMask(ratio=ratio)(whole_window(x), generator=generator()).values)
    assert torch.equal(missing[..., 0], missing[..., 1]) and missing[:, steps:].all()
    assert (missing[:, :steps, 0].sum(dim=1) == masked).all()


@pytest.mark.parametrize(("ratio", "steps", "masked"), [(0.3, 10, 3), (0.5, 7, 3), (0.05, 10, 0), (0.9, 2, 1)])
def test_dropout_block_removes_its_share_in_one_stretch_at_any_place(ratio: float, steps: int, masked: int) -> None:
    x = torch.zeros(300, steps + 5, 2)
    x[:, :2], x[:, steps + 2 :] = torch.nan, torch.nan
    missing = torch.isnan(DropoutBlock(ratio=ratio)(whole_window(x), generator=generator()).values)
    assert torch.equal(missing[..., 0], missing[..., 1]) and missing[:, :2].all() and missing[:, steps + 2 :].all()
    block = missing[:, 2 : steps + 2, 0].float()
    assert (block.sum(dim=1) == masked).all()
    assert (torch.nn.functional.pad(block, (1, 1)).diff(dim=1).abs().sum(dim=1) == 2 * (masked > 0)).all()
    assert not masked or len(block.argmax(dim=1).unique()) == steps - masked + 1


def test_dropout_block_counts_observed_steps_only() -> None:
    x = torch.zeros(100, 20, 1)
    x[:, 4:14] = torch.nan
    missing = torch.isnan(DropoutBlock(ratio=0.5)(whole_window(x), generator=generator()).values)
    assert (missing.sum(dim=(1, 2)) == 15).all()


def test_flip_changes_the_sign_of_whole_variates_with_its_probability() -> None:
    x = torch.randn(2000, 6, 3, generator=generator(1))
    sign = Flip(ratio=0.3)(whole_window(x), generator=generator()).values / x
    assert (sign.abs() == 1).all() and torch.equal(sign, sign[:, :1].expand_as(sign))
    assert abs(float((sign[:, 0] < 0).float().mean()) - 0.3) < 0.02
    assert not torch.equal(sign[:, 0, 0], sign[:, 0, 1])


def test_mixup_is_a_convex_mix_with_one_other_window() -> None:
    """Windows that are rows of the identity show the weights."""
    x = torch.eye(50).unsqueeze(1).expand(50, 3, 50)
    weights = Mixup(ratio=0.4)(whole_window(x), generator=generator()).values[:, 0]
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(50))
    other = weights - torch.diag(weights.diagonal())
    assert ((other > 0).sum(dim=0) == 1).all() and ((other > 0).sum(dim=1) == 1).all()
    assert other.max() <= 0.4 and other.max() > 0.35 and 0.15 < float(other.sum()) / 50 < 0.25


def test_mixup_keeps_missing_values_where_they_are() -> None:
    x = torch.randn(8, 10, 2, generator=generator(2))
    x[:4, :5, 0] = torch.nan
    values = Mixup(ratio=0.4)(whole_window(x), generator=generator()).values
    assert torch.equal(torch.isnan(values), torch.isnan(x))
    alone = Mixup(ratio=0.4)(whole_window(x[:1]), generator=generator()).values
    torch.testing.assert_close(alone, x[:1], equal_nan=True)


def test_frequency_mask_removes_whole_bins_and_never_the_mean() -> None:
    x = torch.randn(40, 64, 2, generator=generator(3)) + 5.0
    before = torch.fft.rfft(x, dim=1)
    after = torch.fft.rfft(FrequencyMask(ratio=0.4)(whole_window(x), generator=generator()).values, dim=1)
    gone = after.abs() < 1e-3
    torch.testing.assert_close(after, before.masked_fill(gone, 0.0), atol=1e-3, rtol=1e-3)
    assert not gone[:, 0].any() and abs(float(gone[:, 1:].float().mean()) - 0.4) < 0.03


def test_frequency_mask_keeps_a_constant_around_missing_values() -> None:
    x = torch.full((3, 16, 1), 2.0)
    x[:, 4:7] = torch.nan
    values = FrequencyMask(ratio=0.4)(whole_window(x), generator=generator()).values
    torch.testing.assert_close(values, x, equal_nan=True)


def test_resize_factors_fill_their_range_about_the_centre() -> None:
    view = Resize(ratio=0.4)(whole_window(torch.zeros(2000, 41, 1)), generator=generator())
    factor = 1.0 / (view.times[:, 21] - view.times[:, 20])
    assert 0.6 <= factor.min() < 0.61 and 1.39 < factor.max() <= 1.4001
    assert torch.allclose(view.times[:, 20], torch.tensor(20.0), atol=1e-3)
    shrunk = factor < 0.9
    assert (view.times[shrunk, 0] == 0.0).all() and (view.times[shrunk, -1] == 40.0).all()


def test_resize_shows_a_core_longer_than_its_range_around_the_centre_of_the_core() -> None:
    core = torch.tensor([[4.0, 24.0]]).expand(50, 2)
    view = Resize(ratio=0.9)(whole_window(torch.zeros(50, 31, 1), core=core), generator=generator())
    length = view.times[:, -1] - view.times[:, 0]
    cut = length < 20.0
    assert cut.any() and torch.allclose((view.times[cut, 0] + length[cut] / 2.0), torch.tensor(14.0), atol=1e-3)


def test_crop_lengths_spread_and_overlaps_contain_the_core() -> None:
    chance, x = generator(), torch.arange(64.0).view(1, 64, 1).expand(16, 64, 1)
    overlaps = []
    for _ in range(200):
        window = whole_window(x, core=draw_core(observed_span(x), steps=64, generator=chance))
        first, second = (Crop(ratio=0.9)(window, generator=chance) for _ in range(2))
        assert window.core is not None
        for view in (first, second):
            assert torch.equal(view.values.squeeze(-1), view.times) and (view.times.diff(dim=1) == 1).all()
            assert (view.times[:, 0] <= window.core[:, 0]).all() and (view.times[:, -1] >= window.core[:, 1]).all()
        start = torch.maximum(first.times[:, 0], second.times[:, 0])
        overlaps.append(torch.minimum(first.times[:, -1], second.times[:, -1]) - start + 1)
    lengths = torch.cat(overlaps)
    assert lengths.min() < 16 and lengths.max() == 64 and 20 < lengths.mean() < 50


def test_crop_without_core_is_uniform_in_place() -> None:
    view = Crop(ratio=0.5)(whole_window(torch.zeros(4000, 20, 1)), generator=generator(6))
    room = 20 - view.values.shape[1]
    counts = torch.bincount(view.times[:, 0].long(), minlength=room + 1)
    expected = 4000 / (room + 1)
    assert room > 2 and len(counts) == room + 1 and (counts - expected).abs().max() < 5 * expected**0.5


@pytest.mark.parametrize(
    "augmentation",
    [
        Jitter(sigma=0.0),
        Rescale(sigma=0.0),
        PointMask(ratio=0.0),
        FrequencyMask(ratio=0.0),
        Resize(ratio=0.0),
        Crop(ratio=0.0),
        DropoutBlock(ratio=0.0),
        Flip(ratio=0.0),
        Mixup(ratio=0.0),
        MagnitudeWarp(sigma=0.0),
        Drift(sigma=0.0),
        TimeWarp(sigma=0.0),
    ],
)
def test_no_strength_changes_nothing(augmentation: Augmentation) -> None:
    x = torch.randn(3, 12, 2, generator=generator())
    view = augmentation(whole_window(x), generator=generator(1))
    torch.testing.assert_close(view.values, x)
    torch.testing.assert_close(view.times, whole_window(x).times)


class Broken(Augmentation):
    def __init__(self, result: View) -> None:
        self.result = result

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        return self.result


def test_a_broken_promise_is_an_error_that_says_which() -> None:
    x = torch.zeros(2, 4, 1)
    x[0, 0] = torch.nan
    view = whole_window(x)
    for result in (
        View(values=x[:, :3], times=view.times[:, :3]),
        View(values=x[:, :3], times=view.times),
        View(values=x.expand(2, 4, 2), times=view.times),
        View(values=x.double(), times=view.times),
    ):
        with pytest.raises(ValueError, match="Broken: must keep batch, variates, dtype"):
            Broken(result)(view, generator=generator())
    with pytest.raises(ValueError, match=r"Broken: a missing value \(NaN\) must stay missing"):
        Broken(replace(view, values=torch.zeros(2, 4, 1)))(view, generator=generator())
