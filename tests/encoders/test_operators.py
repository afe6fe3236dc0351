"""Closed forms of the operators."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._attention import AttentionBlock, SelfAttention, sinusoids
from encoders.operators._causal_filter import causal_filter, fast_size
from encoders.operators._convolution import TimeConvolution
from encoders.operators._operator import Operator, within_span
from encoders.operators.conv1d import Conv1d
from encoders.operators.decomposition_linear import AVERAGED_STEPS, DecompositionLinear
from encoders.operators.dilated_conv import DilatedConv
from encoders.operators.gated_dilated_conv import GatedDilatedConv
from encoders.operators.gru import Gru
from encoders.operators.identity import Identity
from encoders.operators.patch_attention import PATCH, PatchAttention
from encoders.operators.temporal_attention import TemporalAttention
from encoders.operators.variate_attention import VariateAttention


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


def test_identity_is_the_identity() -> None:
    x = noise(2, 3, 5, 4)
    assert Identity(4, depth=0, dropout=0.0)(x) is x


def test_operator_base_has_no_forward() -> None:
    with pytest.raises(NotImplementedError, match="must implement forward"):
        Operator(4, depth=0, dropout=0.0)(noise(1, 1, 1, 4))


def test_within_span_zeroes_the_rest_for_all_streams() -> None:
    x = noise(2, 3, 4, 5)
    span = torch.tensor([[True, True, False, False], [True, True, True, True]])
    cut = within_span(x, span)
    assert (cut[0, :, 2:] == 0).all()
    torch.testing.assert_close(cut[0, :, :2], x[0, :, :2])
    torch.testing.assert_close(cut[1], x[1])
    assert within_span(x, None) is x


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("taps", "dilation"), [(3, 1), (3, 4), (3, 16), (1, 1), (5, 3)])
@pytest.mark.parametrize("time", [1, 2, 9, 40])
def test_time_convolution_is_a_padded_conv1d(*, causal: bool, taps: int, dilation: int, time: int) -> None:
    convolution = TimeConvolution(4, 6, taps=taps, dilation_in_time=dilation, causal=causal).double()
    x = noise(2, 3, time, 4).double()
    reach = (taps - 1) * dilation
    pads = (reach, 0) if causal else (reach // 2, reach // 2)
    rows = F.pad(x.flatten(0, 1).transpose(1, 2), pads)
    expected = F.conv1d(rows, convolution.weight[:, :, 0], convolution.bias, dilation=dilation)
    torch.testing.assert_close(convolution(x).flatten(0, 1), expected.transpose(1, 2))


def test_conv1d_with_a_centred_delta_is_gelu() -> None:
    operator = Conv1d(4, depth=5, dropout=0.0)
    zero_parameters(operator)
    with torch.no_grad():
        operator.convolution.weight[:, :, 0, 1] = torch.eye(4)
    x = noise(2, 2, 6, 4)
    torch.testing.assert_close(operator(x), F.gelu(x))


def receptive_field(operator: nn.Module, *, time: int, hidden: int) -> list[int]:
    """Return the steps, relative to the middle one, that the middle output depends on."""
    x = noise(1, 1, time, hidden).double().requires_grad_()
    middle = time // 2
    operator.double()(x)[0, 0, middle].sum().backward()
    assert x.grad is not None
    return [int(step) - middle for step in x.grad.abs().sum(dim=(0, 1, 3)).nonzero()]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_dilated_conv_sees_five_steps_one_dilation_apart(depth: int) -> None:
    dilation = 2**depth
    field = receptive_field(DilatedConv(4, depth=depth, dropout=0.0), time=8 * dilation + 1, hidden=4)
    assert field == [k * dilation for k in (-2, -1, 0, 1, 2)]
    assert field[-1] - field[0] + 1 == 1 + 4 * dilation


def test_dilation_stops_growing_at_512() -> None:
    assert [DilatedConv(1, depth=depth, dropout=0.0).dilation for depth in (8, 9, 10, 23)] == [256, 512, 512, 512]


def test_dilated_conv_with_zero_weights_is_the_identity() -> None:
    operator = DilatedConv(4, depth=1, dropout=0.0)
    zero_parameters(operator)
    x = noise(2, 1, 9, 4)
    torch.testing.assert_close(operator(x), x)


def test_gated_conv_sees_now_and_one_dilation_ago() -> None:
    assert receptive_field(GatedDilatedConv(4, depth=2, dropout=0.0), time=17, hidden=4) == [-4, 0]


def test_gated_conv_with_zero_weights_adds_its_gated_bias() -> None:
    operator = GatedDilatedConv(2, depth=0, dropout=0.0)
    zero_parameters(operator)
    x = noise(1, 2, 5, 2)
    torch.testing.assert_close(operator(x), x)
    with torch.no_grad():
        assert operator.filter_and_gate.bias is not None
        operator.filter_and_gate.bias.copy_(torch.tensor([0.3, -2.0, 0.5, 1.0]))
    added = torch.tanh(torch.tensor([0.3, -2.0])) * torch.sigmoid(torch.tensor([0.5, 1.0]))
    torch.testing.assert_close(operator(x) - x, added.expand_as(x))


@pytest.mark.parametrize("time", [1, 6, 70, 130])
def test_decomposition_linear_equals_the_naive_loop(time: int) -> None:
    operator = DecompositionLinear(2, depth=0, dropout=0.0).double()
    x = noise(1, 1, time, 2).double()
    trend = torch.stack(
        [x[:, :, max(0, t - AVERAGED_STEPS + 1) : t + 1].sum(dim=2) / AVERAGED_STEPS for t in range(time)], dim=2
    )
    expected = operator.bias.expand_as(x).clone()
    for part, weights in ((trend, operator.trend_filter), (x - trend, operator.remainder_filter)):
        for t in range(time):
            for lag in range(min(len(weights), t + 1)):
                expected[:, :, t] += weights[lag] * part[:, :, t - lag]
    torch.testing.assert_close(operator(x), expected)


def test_trend_and_remainder_add_up_to_the_input() -> None:
    operator = DecompositionLinear(3, depth=0, dropout=0.0)
    zero_parameters(operator)
    with torch.no_grad():
        operator.trend_filter[0] = 1.0
    x = noise(2, 2, 90, 3)
    trend = operator(x)
    with torch.no_grad():
        operator.trend_filter[0] = 0.0
        operator.remainder_filter[0] = 1.0
    torch.testing.assert_close(trend + operator(x), x, atol=1e-5, rtol=1e-5)
    assert trend.std() < 0.5 * x.std()


def test_gradients_of_the_filter_are_those_of_finite_differences() -> None:
    x = noise(2, 2, 7, 3).double().requires_grad_()
    weights = noise(4, 3, rng_seed=1).double().requires_grad_()
    assert torch.autograd.gradcheck(causal_filter, (x, weights))


def test_fast_sizes_have_small_factors() -> None:
    for least in range(1, 3000):
        size = fast_size(least)
        assert least <= size <= least * 1.25 + 1
        for factor in (2, 3, 5, 7):
            while size % factor == 0:
                size //= factor
        assert size == 1


def test_gru_runs_each_stream_alone_from_zero() -> None:
    operator = Gru(4, depth=0, dropout=0.0)
    x = noise(2, 3, 6, 4)
    cell = nn.GRUCell(4, 4)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in operator.recurrence.state_dict().items()})
    state = torch.zeros(6, 4)
    for step in range(6):
        state = cell(x[:, :, step].reshape(6, 4), state)
    torch.testing.assert_close(operator(x)[:, :, -1].reshape(6, 4), state)


def test_self_attention_equals_torchs_module() -> None:
    attention = SelfAttention(32)
    oracle = nn.MultiheadAttention(32, attention.heads, batch_first=True)
    oracle.load_state_dict(
        {
            "in_proj_weight": attention.query_key_value.weight,
            "in_proj_bias": attention.query_key_value.bias,
            "out_proj.weight": attention.output.weight,
            "out_proj.bias": attention.output.bias,
        }
    )
    tokens = noise(3, 7, 32)
    keys = torch.ones(3, 7, dtype=torch.bool)
    keys[1, 4:] = False
    expected = oracle(tokens, tokens, tokens, key_padding_mask=~keys)[0]
    torch.testing.assert_close(attention(tokens, keys=keys), expected, atol=1e-6, rtol=1e-5)
    single = oracle(tokens[:, :1], tokens[:, :1], tokens[:, :1])[0]
    torch.testing.assert_close(attention(tokens[:, :1], keys=None), single, atol=1e-6, rtol=1e-5)
    assert attention.heads == 2


def test_attention_block_with_zero_outputs_is_the_identity() -> None:
    block = AttentionBlock(16, dropout=0.0)
    zero_parameters(block.attention.output)
    zero_parameters(block.network)
    tokens = noise(2, 5, 16)
    torch.testing.assert_close(block(tokens), tokens)


def test_temporal_attention_knows_the_order_of_steps() -> None:
    operator = TemporalAttention(16, depth=0, dropout=0.0)
    x = noise(1, 1, 12, 16)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    assert (operator(x[:, :, order]) - operator(x)[:, :, order]).abs().max() > 1e-3


def test_variate_attention_does_not_know_the_order_of_streams() -> None:
    operator = VariateAttention(16, depth=0, dropout=0.0)
    x = noise(2, 5, 6, 16)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(operator(x[:, order]), operator(x)[:, order])
    other = x.clone()
    other[:, 4] *= -2.0
    assert (operator(other) - operator(x))[:, :4].abs().max() > 1e-4


def test_variate_attention_with_one_stream_attends_to_its_own_value() -> None:
    operator = VariateAttention(16, depth=0, dropout=0.0)
    x = noise(2, 1, 6, 16)
    twice = operator(x.expand(2, 2, 6, 16))  # two equal streams: any weights average equal values
    torch.testing.assert_close(operator(x).expand_as(twice), twice, atol=1e-6, rtol=1e-5)


def test_patch_attention_moves_whole_patches() -> None:
    operator = PatchAttention(16, depth=0, dropout=0.0)
    zero_parameters(operator.block.attention.output)
    zero_parameters(operator.block.network)
    x = noise(1, 1, 3 * PATCH, 16)
    patches = x.view(1, 3, PATCH * 16)
    expected = x + operator.spread(operator.embed(patches)).view(x.shape)
    torch.testing.assert_close(operator(x), expected)


def test_sinusoids_are_those_of_the_paper() -> None:
    table = sinusoids(5, like=torch.zeros(8))
    for place in range(5):
        for i in range(4):
            angle = torch.tensor(place / 10_000 ** (2 * i / 8))
            torch.testing.assert_close(table[place, [i, i + 4]], torch.stack([angle.sin(), angle.cos()]))
    assert sinusoids(3, like=torch.zeros(5)).shape == (3, 5)


@pytest.mark.parametrize("kind", [TemporalAttention, DecompositionLinear])
def test_long_windows_are_affordable(kind: type[Operator]) -> None:
    """No single allocation comes near the square of the steps."""
    operator = kind(16, depth=0, dropout=0.1).eval()
    x = noise(1, 2, 4000, 16)
    span = torch.ones(1, 4000, dtype=torch.bool)
    span[:, 3000:] = False
    with torch.no_grad(), torch.profiler.profile(profile_memory=True) as profile:
        assert operator(x, span).isfinite().all()
    largest_bytes = max(event.cpu_memory_usage for event in profile.events() or [])
    assert 0 < largest_bytes < 4000 * 4000
