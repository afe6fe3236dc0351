"""Closed forms of the mixtures of experts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators import moe
from encoders.operators.mmoe import Mmoe, mean_so_far
from encoders.operators.moe import EXPERTS, Moe

HIDDEN = 5


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def built(kind: type[Moe] = Moe) -> Moe:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return kind(HIDDEN, depth=0, dropout=0.0).double()


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


def test_gates_of_variates_equal_the_plain_loop() -> None:
    operator = built(Mmoe)
    x = noise(2, 3, 6, HIDDEN)
    read = operator.norm(x)
    outputs = torch.stack([expert(operator, i, read) for i in range(EXPERTS)]).detach().numpy()
    router, bias = (tensor.detach().numpy() for tensor in (operator.router.weight, operator.router.bias))
    made = dict(operator.named_parameters())["of_history.weight"].detach().numpy().reshape(EXPERTS, HIDDEN, HIDDEN)
    shown = read.detach().numpy()
    expected = x.numpy().copy()
    for window, stream, step in np.ndindex(2, 3, 6):
        now = shown[window, stream, step]
        mean = shown[window, stream, : step + 1].mean(axis=0)
        gate = router + np.einsum("eij,j->ei", made, mean) / np.sqrt(HIDDEN)
        powers = np.exp(gate @ now + bias)
        for i in range(EXPERTS):
            expected[window, stream, step] += powers[i] / powers.sum() * outputs[i, window, stream, step]
    np.testing.assert_allclose(operator(x).detach().numpy(), expected, atol=1e-10)


def test_one_gate_for_all_variates_is_the_mixture() -> None:
    operator, plain = built(Mmoe), built()
    plain.load_state_dict({name: value for name, value in operator.state_dict().items() if name != "of_history.weight"})
    x = noise(2, 3, 6, HIDDEN)
    assert (operator(x) - plain(x)).abs().max() > 1e-4
    nn.init.zeros_(dict(operator.named_parameters())["of_history.weight"])
    torch.testing.assert_close(operator(x), plain(x))


def test_a_variate_has_a_gate_of_its_own_made_of_its_past() -> None:
    operator = built(Mmoe)
    x = noise(1, 3, 6, HIDDEN)
    x[:, :, -1] = x[:, :1, -1].clone()  # all show the same at the last step
    y = operator(x)[0, :, -1]
    assert (y[0] - y[1]).abs().max() > 1e-5  # their pasts differ, and so do their gates
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(operator(x[:, order]), operator(x)[:, order])
    assert (built()(x)[0, 0, -1] - built()(x)[0, 1, -1]).abs().max() < 1e-12  # where one gate is for all


def test_the_mean_counts_steps_of_the_span_only() -> None:
    x = noise(1, 2, 5, HIDDEN)
    span = torch.tensor([[False, True, True, True, False]])
    mean = mean_so_far(x, span)
    torch.testing.assert_close(mean[:, :, 3], x[:, :, 1:4].mean(dim=2))
    torch.testing.assert_close(mean[:, :, 4], x[:, :, 1:4].mean(dim=2))
    torch.testing.assert_close(mean_so_far(x, None)[:, :, 2], x[:, :, :3].mean(dim=2))
    assert (mean[:, :, 0] == 0).all()
