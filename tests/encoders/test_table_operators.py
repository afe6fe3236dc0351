"""Operators that take a window for a table of steps and variates, beside plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.operators._attention import AttentionBlock, sinusoids
from encoders.operators.both_axes_attention import BothAxesAttention
from encoders.operators.co_action import WIDTHS, CoAction, of_others

HIDDEN = 5
Array = NDArray[np.float64]

pytestmark = pytest.mark.usefixtures("fixed_weights")


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def weights_of(module: nn.Module) -> dict[str, Array]:
    return {name: value.detach().numpy() for name, value in module.named_parameters()}


def normed(x: Array, weights: dict[str, Array], name: str) -> Array:
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * weights[f"{name}.weight"] + weights[f"{name}.bias"]  # type: ignore[no-any-return]


def mapped(x: Array, weights: dict[str, Array], name: str) -> Array:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def attended(block: AttentionBlock, tokens: Array, positions: Array | float) -> Array:
    """One head of one row of tokens, (tokens, hidden), token by token."""
    weights = weights_of(block)
    read = normed(tokens, weights, "attention_norm") + positions
    query, key, value = np.split(mapped(read, weights, "attention.query_key_value"), 3, axis=1)
    mixed = np.empty_like(query)
    for token in range(len(tokens)):
        powers = np.exp(key @ query[token] / math.sqrt(HIDDEN))
        mixed[token] = powers / powers.sum() @ value
    tokens = tokens + mapped(mixed, weights, "attention.output")
    inner = mapped(normed(tokens, weights, "network_norm"), weights, "network.0")
    inner = inner * 0.5 * (1.0 + np.vectorize(math.erf)(inner / math.sqrt(2.0)))
    return tokens + mapped(inner, weights, "network.2")


def test_attention_over_both_axes_equals_the_plain_loop() -> None:
    operator = BothAxesAttention(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(2, 3, 7, HIDDEN)
    table, expected = x.numpy(), np.empty((2, 3, 7, 2 * HIDDEN))
    places = sinusoids(7, like=x).numpy()
    for window in range(2):
        for step in range(7):
            expected[window, :, step, :HIDDEN] = attended(operator.across.block, table[window, :, step], 0.0)
        for stream in range(3):
            expected[window, stream, :, HIDDEN:] = attended(operator.along.block, table[window, stream], places)
    found = operator(x).detach().numpy()
    np.testing.assert_allclose(found, mapped(expected, weights_of(operator), "join"), atol=1e-6)


def test_a_value_hears_its_row_and_its_column_only() -> None:
    operator = BothAxesAttention(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(1, 4, 6, HIDDEN).requires_grad_()
    operator(x)[0, 1, 2].sum().backward()
    assert x.grad is not None
    heard = x.grad[0].abs().sum(dim=-1) > 1e-12
    expected = torch.zeros(4, 6, dtype=torch.bool)
    expected[1] = expected[:, 2] = True
    assert (heard == expected).all()


def test_both_axes_do_not_know_the_order_of_variates_but_that_of_steps() -> None:
    operator = BothAxesAttention(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(2, 4, 6, HIDDEN)
    order = torch.tensor([3, 0, 2, 1])
    torch.testing.assert_close(operator(x[:, order]), operator(x)[:, order])
    assert (operator(x.flip(2)) - operator(x).flip(2)).abs().max() > 1e-4


@pytest.mark.parametrize("streams", [1, 2, 4])
def test_co_action_equals_the_plain_loop(streams: int) -> None:
    """Other by other: with two variates the network of one is what the other says, as in the paper."""
    operator = CoAction(HIDDEN, depth=0, dropout=0.0).double()
    weights, x = weights_of(operator), noise(2, streams, 6, HIDDEN)
    shown = normed(x.numpy(), weights, "norm")
    expected = np.empty(x.shape)
    for window, stream, step in np.ndindex(2, streams, 6):
        others = [other for other in range(streams) if other != stream] or [stream]
        said = np.mean([mapped(shown[window, other, step], weights, "induce") for other in others], axis=0)
        first = said[: WIDTHS[0] * WIDTHS[1]].reshape(WIDTHS[0], WIDTHS[1]) / math.sqrt(WIDTHS[0])
        second = said[WIDTHS[0] * WIDTHS[1] :].reshape(WIDTHS[1], WIDTHS[2]) / math.sqrt(WIDTHS[1])
        inner = np.tanh(mapped(shown[window, stream, step], weights, "feed") @ first)
        beside = [x.numpy()[window, stream, step], inner, np.tanh(inner @ second)]
        expected[window, stream, step] = mapped(np.concatenate(beside), weights, "join")
    np.testing.assert_allclose(operator(x).detach().numpy(), expected, atol=1e-10)


def test_co_action_does_not_know_the_order_of_variates_and_stays_within_a_step() -> None:
    operator = CoAction(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(2, 4, 6, HIDDEN)
    order = torch.tensor([3, 0, 2, 1])
    torch.testing.assert_close(operator(x[:, order]), operator(x)[:, order])
    other = x.clone()
    other[:, 2, 3] *= -3.0
    changed = (operator(other) - operator(x)).abs().amax(dim=(0, 1, 3)) > 1e-9
    assert changed.tolist() == [False, False, False, True, False, False]
    assert ((operator(other) - operator(x))[:, [0, 1, 3], 3].abs().amax(dim=-1) > 1e-6).all()


def test_the_mean_of_others_leaves_oneself_out() -> None:
    x = torch.tensor([1.0, 2.0, 6.0]).view(1, 3, 1, 1)
    assert of_others(x).flatten().tolist() == [4.0, 3.5, 1.5]
    assert of_others(x[:, :1]).flatten().tolist() == [1.0]
