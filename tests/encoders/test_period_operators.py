"""Operators that think in periods and frequencies: `times_block` and `frequency_linear`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators.frequency_linear import LOW_FREQUENCIES, FrequencyLinear, low_waves
from encoders.operators.times_block import InceptionConvolution, TimesBlock, _tap_index, strongest_periods


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed))


@pytest.fixture(autouse=True)
def _fixed_weights() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def wave(period: float, *, time: int, features: int = 4) -> Tensor:
    """A sine of another phase in every feature; (time, features)."""
    return torch.sin(2 * math.pi * torch.arange(time)[:, None] / period + torch.arange(features))


def everywhere(rows: Tensor) -> Tensor:
    return torch.ones(rows.shape[:2], dtype=torch.bool)


def test_every_row_finds_its_own_planted_period() -> None:
    planted = [4, 6, 8, 12, 16, 24, 32, 48]
    rows = torch.stack([wave(period, time=96) for period in planted]) + 0.3 * noise(8, 96, 4)
    found = strongest_periods(rows, everywhere(rows))
    assert found.periods[:, 0].tolist() == planted
    assert (found.weights[:, 0] > found.weights[:, 1]).all()
    torch.testing.assert_close(found.weights.sum(dim=1), torch.ones(8))


def test_two_planted_periods_come_in_the_order_of_their_amplitudes() -> None:
    rows = torch.stack([wave(24, time=96) + 2 * wave(8, time=96), 2 * wave(24, time=96) + wave(8, time=96)])
    found = strongest_periods(rows, everywhere(rows))
    assert found.periods.tolist() == [[8, 24], [24, 8]]
    # Amplitude a of n steps is a sqrt(n) / 2: the softmax knows the difference of 1.
    torch.testing.assert_close(found.weights[:, 0], torch.sigmoid(torch.tensor(math.sqrt(96) / 2)).expand(2))


def test_a_period_is_that_of_the_observed_span() -> None:
    rows = torch.zeros(3, 110, 4)
    inside = torch.zeros(3, 110, dtype=torch.bool)
    for row, (start, stop) in enumerate([(0, 60), (50, 110), (0, 110)]):
        rows[row, start:stop] = wave(20 if row < 2 else 22, time=stop - start)
        inside[row, start:stop] = True
    assert strongest_periods(rows, inside).periods[:, 0].tolist() == [20, 20, 22]


@pytest.mark.parametrize("time", [4, 5, 20, 97])
def test_equal_amplitudes_go_to_the_longest_periods(time: int) -> None:
    impulse = torch.zeros(1, time, 4)
    impulse[:, time // 3] = 1.0
    for rows in (impulse, torch.ones(1, time, 4), torch.zeros(1, time, 4)):
        assert strongest_periods(rows, everywhere(rows)).periods.tolist() == [[time, -(-time // 2)]]


@pytest.mark.parametrize(("time", "periods"), [(1, [1, 1]), (2, [2, 1]), (3, [3, 1])])
def test_short_windows_have_one_period(time: int, periods: list[int]) -> None:
    rows = noise(2, time, 4)
    found = strongest_periods(rows, everywhere(rows))
    assert found.periods.tolist() == [periods, periods]
    assert found.weights.tolist() == [[1.0, 0.0], [1.0, 0.0]]


def taps_only(hidden: int) -> tuple[InceptionConvolution, Tensor]:
    """A convolution without its map over features, and its merged kernel (hidden, 5, 5)."""
    convolution = InceptionConvolution(hidden).double()
    nn.init.eye_(convolution.over_features.weight)
    nn.init.zeros_(convolution.over_features.bias)
    one, three, five = (kernel[:, 0] for kernel in convolution.kernels)
    return convolution, (F.pad(one, (2, 2, 2, 2)) + F.pad(three, (1, 1, 1, 1)) + five) / 3


def test_convolution_reads_neighbouring_steps_of_neighbouring_cycles() -> None:
    convolution, kernel = taps_only(3)
    rows = noise(2, 17, 3).double()
    periods = [4, 7]
    inside = everywhere(rows)
    inside[1, 13:] = False
    expected = torch.zeros_like(rows)
    for row, period in enumerate(periods):
        for t in range(17):
            for i in range(-2, 3):
                for j in range(-2, 3):
                    read = t + i * period + j
                    if 0 <= read < 17 and inside[row, read]:
                        expected[row, t] += kernel[:, i + 2, j + 2] * rows[row, read]
    torch.testing.assert_close(convolution(rows, _tap_index(torch.tensor(periods), inside)), expected)


def test_away_from_the_borders_it_is_a_convolution_of_the_folded_window() -> None:
    convolution, kernel = taps_only(3)
    rows = noise(2, 5 * 9, 3).double()
    grids = rows.view(2, 5, 9, 3).permute(0, 3, 1, 2)  # (rows, hidden, cycles, period)
    expected = F.conv2d(grids, kernel.unsqueeze(1), padding=2, groups=3).permute(0, 2, 3, 1)
    result = convolution(rows, _tap_index(torch.tensor([9, 9]), everywhere(rows))).view(2, 5, 9, 3)
    torch.testing.assert_close(result[:, :, 2:-2], expected[:, :, 2:-2])


def test_times_block_weighs_its_grids() -> None:
    operator = TimesBlock(4, depth=0, dropout=0.0)
    x = wave(6, time=36).expand(1, 1, 36, 4) + 0.2 * noise(1, 1, 36, 4)
    found = strongest_periods(x[0], everywhere(x[0]))
    expected = x[0]
    for period, weight in zip(found.periods[0], found.weights[0], strict=True):
        taps = _tap_index(period[None], everywhere(x[0]))
        expected = expected + weight * operator.second(F.gelu(operator.first(x[0], taps)), taps)
    torch.testing.assert_close(operator(x)[0], expected)


@pytest.mark.parametrize("time", [1, 2, 7, 20, 61])
def test_waves_are_the_fourier_transform_and_back(time: int) -> None:
    x = noise(time, 3).double()
    low = time // 2 + 1
    waves = low_waves(torch.ones(1, time, dtype=torch.bool), low, like=x)
    spectrum = torch.fft.rfft(x, dim=0, norm="ortho")
    torch.testing.assert_close(waves.forward[0] @ x, torch.cat([spectrum.real, spectrum.imag]))
    torch.testing.assert_close(waves.inverse[0].T @ (waves.forward[0] @ x), x)


@pytest.mark.parametrize("time", [1, 2, 7, 62, 63, 96, 201])
def test_frequency_linear_is_a_complex_map_between_transforms(time: int) -> None:
    operator = FrequencyLinear(5, depth=0, dropout=0.0).double()
    x = noise(2, 3, time, 5).double()
    low = min(LOW_FREQUENCIES, time // 2 + 1)
    matrix = torch.complex(operator.real, operator.imaginary)[:low, :low]
    spectrum = torch.fft.rfft(x, dim=2)[:, :, :low]
    expected = torch.fft.irfft(matrix @ spectrum, n=time, dim=2)
    torch.testing.assert_close(operator(x), expected)


def test_frequency_linear_drops_the_high_frequencies() -> None:
    operator = FrequencyLinear(4, depth=0, dropout=0.0)
    slow, fast = wave(96 / 31, time=96)[None, None], wave(96 / 32, time=96)[None, None]
    assert operator(fast).abs().max() < 1e-5
    with torch.no_grad():
        operator.real.copy_(torch.eye(LOW_FREQUENCIES))
        operator.imaginary.zero_()
    torch.testing.assert_close(operator(slow + fast), slow, atol=1e-5, rtol=1e-5)


def test_frequency_linear_counts_from_the_first_observed_step() -> None:
    operator = FrequencyLinear(4, depth=0, dropout=0.0)
    x = torch.zeros(2, 2, 40, 4)
    span = torch.zeros(2, 40, dtype=torch.bool)
    x[0, :, 9:30], x[1, :, 3:28] = noise(2, 21, 4), noise(2, 25, 4, rng_seed=1)
    span[0, 9:30] = span[1, 3:28] = True
    result = operator(x, span)
    torch.testing.assert_close(result[:1, :, 9:30], operator(x[:1, :, 9:30]), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(result[1:, :, 3:28], operator(x[1:, :, 3:28]), atol=1e-6, rtol=1e-5)
