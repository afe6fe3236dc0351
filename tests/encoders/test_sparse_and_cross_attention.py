"""Attention of a few steps to all, and of one token per variate to the variates."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from encoders.operators._attention import FEW_KEYS, SelfAttention, attend
from encoders.operators.cross_variate_attention import CrossAttention, CrossVariateAttention
from encoders.operators.patch_attention import PATCH
from encoders.operators.prob_sparse_attention import ProbSparseAttention, ProbSparseSelfAttention, _sample_size
from encoders.operators.temporal_attention import TemporalAttention


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed))


@pytest.fixture(autouse=True)
def _fixed_weights() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("keys", [1, 7, FEW_KEYS, FEW_KEYS + 1])
def test_few_keys_and_many_are_attended_to_alike(keys: int, masked: bool) -> None:
    query, key, value = noise(3, 2, 5, 8), noise(3, 2, keys, 8, rng_seed=1), noise(3, 2, keys, 8, rng_seed=2)
    allowed = noise(3, 1, 1, keys, rng_seed=4) > 0
    allowed[..., 0] = True
    mask = allowed if masked else None
    expected = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(attend(query, key, value, allowed=mask), expected)


def zero_parameters(module: nn.Module) -> None:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)


def test_sample_sizes_are_those_of_the_paper() -> None:
    assert [_sample_size(n) for n in (1, 2, 10, 13, 15, 16, 96, 4000)] == [1, 2, 10, 13, 15, 15, 25, 45]


@pytest.mark.parametrize("length", [1, 2, 7, 15])
def test_sparse_attention_that_keeps_all_queries_is_full_attention(length: int) -> None:
    """Also beside a longer row, which makes the others take the sparse path."""
    sparse, full = ProbSparseAttention(32, depth=0, dropout=0.0), TemporalAttention(32, depth=0, dropout=0.0)
    full.load_state_dict(sparse.state_dict())
    x = noise(2, 2, 40, 32)
    span = torch.ones(2, 40, dtype=torch.bool)
    span[0, length:] = False
    x[0, :, length:] = 0.0
    expected = full(x[:1, :, :length])
    torch.testing.assert_close(sparse(x[:1, :, :length]), expected)
    torch.testing.assert_close(sparse(x, span)[:1, :, :length], expected, atol=1e-5, rtol=1e-5)
    assert (sparse(x, span)[1] - full(x, span)[1]).abs().max() > 1e-4


def naive_sparse_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """One head of one row; (tokens, width)."""
    length = len(query)
    size = min(length, 5 * math.ceil(math.log(length)))
    sample = [turn * length // size for turn in range(size)]
    measure = []
    for asking in query:
        scores = [float(asking @ key[place]) for place in sample]
        measure.append(max(scores) - sum(scores) / size)
    ranked = sorted(range(length), key=lambda step: -measure[step])
    result = value.mean(dim=0).repeat(length, 1)
    for step in ranked[:size]:
        weights = torch.softmax(key @ query[step] / math.sqrt(query.shape[1]), dim=0)
        result[step] = weights @ value
    return result


@pytest.mark.parametrize("extent", [None, (0, 33), (8, 36)])
def test_sparse_attention_equals_the_naive_loop(extent: tuple[int, int] | None) -> None:
    attention = ProbSparseSelfAttention(32).double()
    tokens = noise(2, 40, 32).double()
    keys = None
    start, stop = extent or (0, 40)
    if extent is not None:
        keys = torch.ones(2, 40, dtype=torch.bool)
        keys[1, :start] = keys[1, stop:] = False
    projected = attention.query_key_value(tokens[1, start:stop]).detach().view(stop - start, 3, 2, 16)
    heads = [naive_sparse_attention(*projected[:, :, head].unbind(1)) for head in range(2)]
    expected = attention.output(torch.cat(heads, dim=1))
    torch.testing.assert_close(attention(tokens, keys=keys)[1, start:stop], expected)


def test_sparse_attention_draws_nothing_at_random_in_training() -> None:
    operator = ProbSparseAttention(16, depth=0, dropout=0.0).train()
    x = noise(2, 1, 60, 16)
    torch.testing.assert_close(operator(x), operator(x), rtol=0.0, atol=0.0)


def test_a_sparse_row_without_allowed_keys_looks_at_all() -> None:
    attention = ProbSparseSelfAttention(16)
    tokens = noise(2, 40, 16)
    keys = torch.zeros(2, 40, dtype=torch.bool)
    torch.testing.assert_close(attention(tokens, keys=keys), attention(tokens, keys=None), atol=1e-6, rtol=1e-5)
    assert isinstance(attention, SelfAttention)


def test_cross_attention_equals_torchs_module() -> None:
    attention = CrossAttention(32)
    oracle = nn.MultiheadAttention(32, attention.heads, batch_first=True)
    oracle.load_state_dict(
        {
            "in_proj_weight": torch.cat([attention.query.weight, attention.key_value.weight]),
            "in_proj_bias": torch.cat([attention.query.bias, attention.key_value.bias]),
            "out_proj.weight": attention.output.weight,
            "out_proj.bias": attention.output.bias,
        }
    )
    tokens, others = noise(3, 4, 32), noise(3, 7, 32, rng_seed=1)
    expected = oracle(tokens, others, others)[0]
    torch.testing.assert_close(attention(tokens, others), expected, atol=1e-6, rtol=1e-5)


def test_cross_variate_attention_does_not_know_the_order_of_streams() -> None:
    operator = CrossVariateAttention(16, depth=0, dropout=0.0)
    x = noise(2, 5, 19, 16)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(operator(x[:, order]), operator(x)[:, order], atol=1e-6, rtol=1e-5)


def test_another_variate_reaches_every_step_through_the_cross_attention_only() -> None:
    operator = CrossVariateAttention(16, depth=0, dropout=0.0)
    x = noise(1, 3, 3 * PATCH, 16)
    other = x.clone()
    other[:, 2, -1] *= -5.0
    steps = (operator(other) - operator(x))[:, :2].abs().amax(dim=-1)
    assert (steps > 1e-6).all()
    zero_parameters(operator.cross.output)
    torch.testing.assert_close(operator(other)[:, :2], operator(x)[:, :2])


def test_a_single_stream_asks_itself() -> None:
    operator = CrossVariateAttention(16, depth=0, dropout=0.0)
    x = noise(2, 1, 13, 16)
    twice = operator(x.expand(2, 2, 13, 16))  # two equal streams: any weights average equal values
    torch.testing.assert_close(operator(x).expand_as(twice), twice, atol=1e-6, rtol=1e-5)


def test_without_attention_patches_and_the_global_token_come_back_as_steps() -> None:
    operator = CrossVariateAttention(16, depth=0, dropout=0.0)
    for module in (operator.block.attention.output, operator.block.network, operator.cross.output):
        zero_parameters(module)
    x = noise(1, 2, 3 * PATCH, 16)
    patches = operator.embed(x.view(1, 2, 3, PATCH * 16))
    expected = x + operator.spread(patches + operator.global_token).view(x.shape)
    torch.testing.assert_close(operator(x), expected)
