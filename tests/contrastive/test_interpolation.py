"""Interpolation agrees with numpy's, row by row."""

from __future__ import annotations

import numpy as np
import torch

from contrastive.interpolation import fill_missing, fractional_index, take_linear


def test_fractional_index_inverts_an_increasing_time_map() -> None:
    times = torch.rand(6, 20, generator=torch.Generator().manual_seed(0)).add(0.1).cumsum(dim=1)
    positions = torch.linspace(-1.0, 15.0, 50).expand(6, 50)
    index = fractional_index(times, positions=positions)
    for row in range(6):
        expected = np.interp(positions[row].numpy(), times[row].numpy(), np.arange(20.0))
        np.testing.assert_allclose(index[row].numpy(), expected, atol=1e-4)


def test_fractional_index_takes_the_last_of_equal_times_and_stays_inside() -> None:
    times = torch.tensor([[0.0, 0.0, 0.0, 2.0, 4.0, 4.0]])
    index = fractional_index(times, positions=torch.tensor([[-5.0, 0.0, 1.0, 3.0, 4.0, 9.0]]))
    torch.testing.assert_close(index, torch.tensor([[0.0, 2.0, 2.5, 3.5, 5.0, 5.0]]))


def test_take_linear_agrees_with_numpy() -> None:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(3, 9, 2, generator=generator, dtype=torch.float64)
    index = torch.rand(3, 15, generator=generator, dtype=torch.float64) * 8
    taken = take_linear(values, index=index)
    for row in range(3):
        for channel in range(2):
            expected = np.interp(index[row].numpy(), np.arange(9.0), values[row, :, channel].numpy())
            np.testing.assert_allclose(taken[row, :, channel].numpy(), expected)


def test_fill_missing_agrees_with_numpy_and_keeps_what_is_known() -> None:
    generator = torch.Generator().manual_seed(2)
    values = torch.randn(5, 30, 3, generator=generator, dtype=torch.float64)
    values[torch.rand(5, 30, 3, generator=generator) < 0.6] = torch.nan
    values[0, :, 0] = torch.nan
    filled = fill_missing(values)
    for row in range(5):
        for variate in range(3):
            series = values[row, :, variate].numpy()
            known = np.flatnonzero(~np.isnan(series))
            expected = np.interp(np.arange(30.0), known, series[known]) if len(known) else np.zeros(30)
            np.testing.assert_allclose(filled[row, :, variate].numpy(), expected)
