"""Input normalisation against numpy and its invariances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from encoders.input_normalization import NORMALIZATIONS, normalize_input

NAN = float("nan")


def windows() -> Tensor:
    x = torch.randn(3, 20, 2, generator=torch.Generator().manual_seed(0)) * 4.0 + 7.0
    x[0, 15:] = NAN
    x[1, ::3, 1] = NAN
    return x


def test_instance_equals_numpys_statistics() -> None:
    x = windows()
    values, statistics = normalize_input(x, normalization="instance")
    table = x.double().numpy()
    mean, std = np.nanmean(table, axis=1), np.sqrt(np.nanvar(table, axis=1) + 1e-5)
    np.testing.assert_allclose(statistics[..., 0], mean, rtol=1e-5)
    np.testing.assert_allclose(statistics[..., 1], np.log(std), rtol=1e-5)
    np.testing.assert_allclose(values, (table - mean[:, None]) / std[:, None], rtol=1e-4, atol=1e-5)


def test_instance_does_not_see_level_and_scale() -> None:
    x = windows()
    values = normalize_input(x, normalization="instance").values
    moved = normalize_input(3.0 * x - 50.0, normalization="instance").values
    torch.testing.assert_close(values, moved, equal_nan=True, atol=1e-4, rtol=1e-4)


def test_a_constant_window_becomes_zeros() -> None:
    values, statistics = normalize_input(torch.full((1, 8, 1), 1234.5), normalization="instance")
    assert values.abs().max() < 1e-3
    torch.testing.assert_close(statistics, torch.tensor([[[1234.5, -5.756463]]]))


def test_last_subtracts_the_last_observed_value() -> None:
    x = torch.tensor([[1.0, NAN], [4.0, 2.0], [NAN, 6.0], [NAN, NAN]])[None]
    values, statistics = normalize_input(x, normalization="last")
    expected = torch.tensor([[-3.0, NAN], [0.0, -4.0], [NAN, 0.0], [NAN, NAN]])[None]
    torch.testing.assert_close(values, expected, equal_nan=True)
    assert statistics.tolist() == [[[4.0], [6.0]]]


def test_none_changes_nothing() -> None:
    x = windows()
    values, statistics = normalize_input(x, normalization="none")
    torch.testing.assert_close(values, x, equal_nan=True)
    assert statistics.shape == (3, 2, 0)


@pytest.mark.parametrize("name", sorted(NORMALIZATIONS))
def test_an_unobserved_variate_has_zero_statistics_and_missing_stays_missing(name: str) -> None:
    x = windows()
    x[2, :, 0] = NAN
    kept = x.clone()
    values, statistics = normalize_input(x, normalization=name)
    assert (statistics[2, 0] == 0).all()
    assert statistics.shape == (3, 2, NORMALIZATIONS[name])
    assert torch.equal(values.isnan(), kept.isnan())
    torch.testing.assert_close(x, kept, equal_nan=True)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown normalization 'instanse'; did you mean 'instance'"):
        normalize_input(windows(), normalization="instanse")
