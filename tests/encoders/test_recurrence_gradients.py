"""Recurrences whose gradients are written out: against finite differences, in other precisions, without gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from encoders.operators import _recurrence
from encoders.operators._operator import Operator
from encoders.operators._recurrence import recur, steps_first, steps_in_cache, streams_first
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
@pytest.mark.parametrize("together", [1, 2, 5])  # of the five steps
@pytest.mark.parametrize(
    "build", [*RECURRENCES[:3], *(partial(MogrifierLstm, rounds=rounds) for rounds in (0, 1, 2, 3))]
)
def test_written_out_gradients_are_those_of_finite_differences(
    build: Callable[..., Operator], together: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_recurrence, "_IN_CACHE", together * rows * HIDDEN)
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


def test_nothing_is_kept_where_no_gradient_will_be_asked_for() -> None:
    asked = []

    class Spy(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            asked.append(any(ctx.needs_input_grad))
            return x.clone()

        @staticmethod
        def backward(ctx: Any, of_y: Tensor) -> Tensor:
            return of_y

    weight = nn.Parameter(torch.ones(2))
    recur(Spy, weight).sum().backward()
    with torch.no_grad():
        recur(Spy, weight)
    with torch.inference_mode():
        recur(Spy, weight)
    assert asked == [True, False, False] and weight.grad is not None


def test_stretches_cover_all_steps_from_the_end() -> None:
    for time, size in ((1, 1), (5, 2**14), (7, 2**20), (1000, 100), (4, 0)):
        steps = [step for part in steps_in_cache(time, size) for step in reversed(range(part.start, part.stop))]
        assert steps == list(reversed(range(time)))


@pytest.mark.parametrize("build", RECURRENCES)
def test_an_empty_batch_passes_both_ways(build: type[Operator]) -> None:
    operator = build(HIDDEN, depth=0, dropout=0.0)
    x = torch.zeros(0, 1, 5, HIDDEN, requires_grad=True)
    operator(x).sum().backward()
    assert x.grad is not None and x.grad.shape == x.shape
