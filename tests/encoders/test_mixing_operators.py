"""Operators of filters and small networks: `depthwise_conv`, `mixer` and `factorized_mixer`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._mixing import REACH, StreamMixing, TimeFilter
from encoders.operators._operator import Operator
from encoders.operators.depthwise_conv import LARGE_TAPS, DepthwiseConv
from encoders.operators.factorized_mixer import NARROWING, PARTS, FactorizedMixer
from encoders.operators.mixer import Mixer


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed))


@pytest.fixture(autouse=True)
def _fixed_weights() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def zero_parameters(module: nn.Module) -> None:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)


@pytest.mark.parametrize("time", [1, 5, 63, 64, 65, 128, 130, 300])
def test_time_filter_is_one_convolution_for_all_features(time: int) -> None:
    over_time = TimeFilter().double()
    x = noise(2, 3, time, 4).double()
    rows = x.transpose(2, 3).reshape(-1, 1, time)
    expected = F.conv1d(rows, over_time.weight.flip(0).view(1, 1, -1), over_time.bias, padding=REACH)
    torch.testing.assert_close(over_time(x), expected.view(2, 3, 4, time).transpose(2, 3))


def test_a_weight_belongs_to_a_lag() -> None:
    over_time = TimeFilter()
    zero_parameters(over_time)
    with torch.no_grad():
        over_time.weight[REACH + 3] = 1.0
    x = noise(1, 2, 150, 4)
    torch.testing.assert_close(over_time(x)[:, :, 3:], x[:, :, :-3])


def test_stream_mixing_reads_the_mean_of_all_streams() -> None:
    mixing = StreamMixing(6, 9, dropout=0.0)
    x = noise(2, 4, 5, 6)
    weight = torch.cat([mixing.own.weight, mixing.shared.weight], dim=1)
    both = torch.cat([x, x.mean(dim=1, keepdim=True).expand_as(x)], dim=-1)
    expected = mixing.output(F.gelu(F.linear(both, weight, mixing.own.bias)))
    torch.testing.assert_close(mixing(x), expected)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(mixing(x[:, order]), mixing(x)[:, order])


def test_mixer_adds_a_rectified_linear_map_over_time() -> None:
    operator = Mixer(4, depth=0, dropout=0.0)
    zero_parameters(operator.over_features)
    x = noise(2, 3, 30, 4)
    steps = torch.arange(30)
    matrix = operator.over_time.weight[steps[:, None] - steps + REACH]  # equal along diagonals
    expected = x + F.relu(matrix @ F.layer_norm(x, (4,)) + operator.over_time.bias)
    torch.testing.assert_close(operator(x), expected, atol=1e-5, rtol=1e-5)


def test_mixer_mixes_the_features_of_each_step_after_that() -> None:
    operator = Mixer(4, depth=0, dropout=0.0)
    zero_parameters(operator.over_time)
    x = noise(2, 3, 30, 4)
    torch.testing.assert_close(operator(x), x + operator.over_features(F.layer_norm(x, (4,))))


def test_factorized_mixer_sends_every_part_through_its_own_network() -> None:
    operator = FactorizedMixer(4, depth=0, dropout=0.0).double()
    zero_parameters(operator.over_features)
    x = noise(2, 3, 41, 4).double()
    result = operator(x)
    for part in range(PARTS):
        own = F.layer_norm(x, (4,))[:, :, part::PARTS]
        expected = operator.second[part](F.gelu(operator.first[part](own)))
        torch.testing.assert_close(result[:, :, part::PARTS], x[:, :, part::PARTS] + expected)
    changed = x.clone()
    changed[:, :, 1::PARTS] *= -3.0  # the other part does not notice
    torch.testing.assert_close(operator(changed)[:, :, ::PARTS], result[:, :, ::PARTS])


def test_factorized_mixing_of_features_has_low_rank() -> None:
    operator = FactorizedMixer(16, depth=0, dropout=0.0).double()
    for maps in (operator.first, operator.second):
        zero_parameters(maps)
    x = noise(4, 5, 20, 16).double()
    added = (operator(x) - x).flatten(0, 2)
    assert torch.linalg.matrix_rank(added - added.mean(dim=0)) == 16 // NARROWING


def test_depthwise_conv_sees_25_steps_to_either_side() -> None:
    operator = DepthwiseConv(3, depth=4, dropout=0.0).double()
    x = noise(1, 1, 101, 3).double().requires_grad_()
    operator(x)[0, 0, 50].square().sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten() - 50
    assert seen.tolist() == list(range(-(LARGE_TAPS // 2), LARGE_TAPS // 2 + 1))


def test_depthwise_conv_filters_every_feature_alone() -> None:
    operator = DepthwiseConv(3, depth=0, dropout=0.0).double()
    x = noise(2, 2, 70, 3).double()
    kernel = operator.large.weight[:, :, 0] + F.pad(operator.small.weight[:, :, 0], (23, 23))
    assert operator.large.bias is not None and operator.small.bias is not None
    bias = operator.large.bias + operator.small.bias
    rows = x.flatten(0, 1).transpose(1, 2)
    filtered = F.conv1d(rows, kernel, bias, padding=25, groups=3).transpose(1, 2).view(x.shape)
    torch.testing.assert_close(operator(x), x + operator.network(F.layer_norm(filtered, (3,))))


@pytest.mark.parametrize("kind", [Mixer, FactorizedMixer])
def test_a_trained_norm_does_not_write_into_the_padding(kind: type[Operator]) -> None:
    """The bias of a norm starts at zero, where a missing mask would not show."""
    operator = kind(4, depth=0, dropout=0.0)
    with torch.no_grad():
        for norm in (module for module in operator.modules() if isinstance(module, nn.LayerNorm)):
            norm.bias.fill_(0.7)
    x = noise(1, 2, 40, 4)
    x[:, :, 25:] = 0.0
    span = torch.arange(40)[None] < 25
    torch.testing.assert_close(operator(x, span)[:, :, :25], operator(x[:, :, :25]), atol=1e-5, rtol=1e-5)
