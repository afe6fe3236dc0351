"""Gradients of recurrences: against finite differences, in other precisions, without weights or an input to train."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from encoders.operators import gru
from encoders.operators._operator import Operator
from encoders.operators._recurrence import steps_first, streams_first
from encoders.operators.gru import Gru
from encoders.operators.mogrifier_lstm import MogrifierLstm
from encoders.operators.multiplicative_lstm import MultiplicativeLstm
from encoders.operators.state_frequency_memory import StateFrequencyMemory

HIDDEN = 4

pytestmark = pytest.mark.usefixtures("fixed_weights")
RECURRENCES: list[type[Operator]] = [Gru, MultiplicativeLstm, StateFrequencyMemory, MogrifierLstm]


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(
    "build",
    [Gru, MultiplicativeLstm, StateFrequencyMemory, *(partial(MogrifierLstm, rounds=rounds) for rounds in (0, 1, 3))],
)
def test_gradients_are_those_of_finite_differences(build: Callable[..., Operator], rows: int) -> None:
    check_gradients(build, rows=rows)


@pytest.mark.parametrize("together", [1, 2])  # of the five steps
def test_written_out_gradient_of_few_steps_at_once(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gru, "_IN_CACHE", together * 2 * HIDDEN)
    check_gradients(Gru, rows=2)


def check_gradients(build: Callable[..., Operator], *, rows: int) -> None:
    operator = build(HIDDEN, depth=0, dropout=0.0).double()
    if isinstance(operator, StateFrequencyMemory):
        nn.init.normal_(operator.frequency_weight)
    names = [name for name, _ in operator.named_parameters()]
    leaves = [noise(rows, 1, 5, HIDDEN).requires_grad_(), *operator.parameters()]

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        result: Tensor = functional_call(operator, dict(zip(names, weights, strict=True)), (x,))
        return result

    assert torch.autograd.gradcheck(run, leaves)


@pytest.mark.parametrize("build", RECURRENCES)
def test_frozen_weights_and_a_frozen_input_leave_the_other_gradients_as_they_are(build: type[Operator]) -> None:
    operator = build(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(2, 3, 6, HIDDEN).requires_grad_()
    both = torch.autograd.grad(operator(x).square().sum(), [x, *operator.parameters()])
    of_weights = torch.autograd.grad(operator(x.detach()).square().sum(), list(operator.parameters()))
    (of_x,) = torch.autograd.grad(operator.requires_grad_(False)(x).square().sum(), [x])
    for found, expected in zip((of_x, *of_weights), both, strict=True):
        torch.testing.assert_close(found, expected)


def test_gru_is_that_of_torch() -> None:
    operator = Gru(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(2, 3, 7, HIDDEN).requires_grad_()
    y = operator(x)
    torch.testing.assert_close(y, streams_first(operator.recurrence(steps_first(x))[0], like=x))
    with torch.no_grad():
        torch.testing.assert_close(operator(x), y.detach())


@pytest.mark.parametrize("build", RECURRENCES)
def test_recurrences_stay_in_full_precision_under_autocast(build: type[Operator]) -> None:
    operator = build(HIDDEN, depth=0, dropout=0.0)
    x = noise(2, 3, 7, HIDDEN).float().requires_grad_()

    def gradients() -> tuple[Tensor, ...]:
        return torch.autograd.grad(operator(x).square().sum(), [x, *operator.parameters()])

    expected, expected_gradients = operator(x), gradients()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(operator(x), expected)
        for found, exact in zip(gradients(), expected_gradients, strict=True):  # torch rounds those of linear layers
            torch.testing.assert_close(found, exact, rtol=0.05, atol=0.05)
        with torch.no_grad():
            torch.testing.assert_close(operator(x), expected.detach())
        rounded = operator(x.bfloat16())
    assert rounded.dtype is torch.bfloat16
    torch.testing.assert_close(rounded.float(), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("build", RECURRENCES)
def test_an_empty_batch_passes_both_ways(build: type[Operator]) -> None:
    operator = build(HIDDEN, depth=0, dropout=0.0)
    x = torch.zeros(0, 1, 5, HIDDEN, requires_grad=True)
    operator(x).sum().backward()
    assert x.grad is not None and x.grad.shape == x.shape
