"""The distribution of the frozen kernels, and that they filter as a padded convolution does."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators.random_convolution import LENGTHS, REFERENCE_STEPS, RandomConvolution

MANY = 3000


def built(hidden: int, *, rng_seed: int = 3) -> RandomConvolution:
    with torch.random.fork_rng():
        torch.manual_seed(rng_seed)
        return RandomConvolution(hidden, depth=0, dropout=0.0)


@pytest.fixture(scope="module")
def kernels() -> list[tuple[int, int, Tensor]]:
    """Length, dilation and weights of many kernels, read off their taps."""
    drawn = []
    for kernel in built(MANY).kernels.unbind(1):
        taps = kernel.nonzero()[:, 0]
        assert taps[0] + taps[-1] == len(kernel) - 1  # centred
        gaps = taps.diff().unique()
        assert len(gaps) == 1
        drawn.append((len(taps), int(gaps[0]), kernel[taps]))
    return drawn


def test_lengths_are_drawn_evenly(kernels: list[tuple[int, int, Tensor]]) -> None:
    for length in LENGTHS:
        share = sum(drawn == length for drawn, _, _ in kernels) / MANY
        assert abs(share - 1 / 3) < 4 * math.sqrt(2 / 9 / MANY)


def test_weights_are_normal_minus_their_mean(kernels: list[tuple[int, int, Tensor]]) -> None:
    for length in LENGTHS:
        weights = torch.stack([w for drawn, _, w in kernels if drawn == length])
        assert weights.sum(dim=1).abs().max() < 1e-5
        square = weights.square().sum(dim=1).mean()  # chi-squared with length - 1 degrees of freedom
        assert abs(float(square) - (length - 1)) < 4 * math.sqrt(2 * (length - 1) / len(weights))


def test_dilations_grow_exponentially_up_to_the_reference(kernels: list[tuple[int, int, Tensor]]) -> None:
    """log2 of the dilation before rounding is uniform: P(dilation >= 2^j) = 1 - j / largest exponent."""
    for length in LENGTHS:
        dilations = [dilation for drawn, dilation, _ in kernels if drawn == length]
        assert max(dilations) * (length - 1) < REFERENCE_STEPS
        largest = math.log2((REFERENCE_STEPS - 1) / (length - 1))
        for exponent in range(int(largest) + 1):
            share = sum(dilation >= 2**exponent for dilation in dilations) / len(dilations)
            expected = 1 - exponent / largest
            assert abs(share - expected) <= 4 * math.sqrt(0.25 / len(dilations))
        assert min(dilations) == 1


def test_biases_are_uniform_between_minus_one_and_one() -> None:
    biases = built(MANY).biases.sort().values
    expected = (torch.arange(MANY) + 0.5) / MANY * 2.0 - 1.0
    assert (biases - expected).abs().max() < 2 * 1.95 / math.sqrt(MANY)  # Kolmogorov, 0.1 %


def test_kernels_never_learn_but_are_saved() -> None:
    operator, other = built(6), built(6, rng_seed=4)
    assert [name for name, _ in operator.named_parameters()] == ["combine.weight"]
    x = torch.randn(2, 2, 40, 6, generator=torch.Generator().manual_seed(0))
    assert (other(x) - operator(x)).abs().max() > 1e-3
    other.load_state_dict(operator.state_dict())
    torch.testing.assert_close(other(x), operator(x), rtol=0.0, atol=0.0)
    torch.testing.assert_close(built(6)(x), operator(x), rtol=0.0, atol=0.0)


@pytest.mark.parametrize("time", [1, 9, 63, 64, 65, 200])
def test_filter_is_a_padded_convolution(time: int) -> None:
    operator = built(5).double()
    nn.init.eye_(operator.combine.weight)
    x = torch.randn(2, 3, time, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weight = operator.kernels.flip(0).T.unsqueeze(1)  # torch correlates; depthwise: (hidden, 1, taps)
    rows = x.flatten(0, 1).transpose(1, 2)
    filtered = F.conv1d(rows, weight, operator.biases, padding=weight.shape[2] // 2, groups=5)
    torch.testing.assert_close(operator(x).flatten(0, 1), F.gelu(filtered).transpose(1, 2))
