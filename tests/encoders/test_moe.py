"""Closed forms of the mixture of experts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators import moe
from encoders.operators.moe import EXPERTS, Moe

HIDDEN = 5


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def built() -> Moe:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Moe(HIDDEN, depth=0, dropout=0.0).double()


def expert(operator: Moe, number: int, read: Tensor) -> Tensor:
    rows = slice(number * HIDDEN, (number + 1) * HIDDEN)
    inner = F.gelu(F.linear(read, operator.first.weight[rows], operator.first.bias[rows]))
    return inner @ operator.second[number] + operator.second_bias[number]


def test_one_expert_is_the_plain_feed_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moe, "EXPERTS", 1)
    operator = built()
    network = nn.Sequential(nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN))
    network.double().load_state_dict(
        {
            "0.weight": operator.norm.weight,
            "0.bias": operator.norm.bias,
            "1.weight": operator.first.weight,
            "1.bias": operator.first.bias,
            "3.weight": operator.second[0].T,
            "3.bias": operator.second_bias[0],
        }
    )
    x = noise(2, 3, 6, HIDDEN)
    torch.testing.assert_close(operator(x), x + network(x))


def test_mixture_is_the_weighed_sum_of_its_experts() -> None:
    operator = built()
    x = noise(2, 3, 6, HIDDEN)
    read = operator.norm(x)
    weights = operator.router(read).softmax(dim=-1)
    added = sum(weights[..., i : i + 1] * expert(operator, i, read) for i in range(EXPERTS))
    torch.testing.assert_close(operator(x), x + added)


def test_a_sure_router_leaves_one_expert() -> None:
    operator = built()
    with torch.no_grad():
        operator.router.bias[2] = 1000.0
    x = noise(2, 3, 6, HIDDEN)
    torch.testing.assert_close(operator(x), x + expert(operator, 2, operator.norm(x)))
