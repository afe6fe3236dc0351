"""The state space operator beside its recurrence."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from encoders.operators.state_space import StateSpace


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def built(hidden: int) -> StateSpace:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return StateSpace(hidden, depth=0, dropout=0.0).double()


@pytest.mark.parametrize("time", [1, 2, 37, 150])
def test_state_space_equals_the_recurrence(time: int) -> None:
    operator = built(3)
    log_transition, drive, read_out = operator.discretized()
    x = noise(2, 2, time, 3)
    state = torch.zeros(2, 2, *drive.shape, dtype=torch.complex128)
    for t in range(time):
        now = x[:, :, t, :]
        state = log_transition.exp() * state + drive * now.unsqueeze(-1)
        y = 2.0 * (read_out * state).sum(dim=-1).real + operator.direct * now
        expected = now + F.glu(operator.mix(F.gelu(y)), dim=-1)
        torch.testing.assert_close(operator(x)[:, :, t], expected)


def test_input_is_held_within_a_step() -> None:
    """A constant input moves the continuous state along its exact solution, whatever the step."""
    operator = built(2)
    log_transition, drive, _ = operator.discretized()
    rate = log_transition / operator.log_step.exp()
    state = torch.zeros_like(drive)
    for _ in range(9):
        state = log_transition.exp() * state + drive
    elapsed = 9 * operator.log_step.exp()
    torch.testing.assert_close(state, ((rate * elapsed).exp() - 1.0) / rate)


def test_every_mode_decays_for_any_weights() -> None:
    operator = built(4)
    with torch.no_grad():
        for parameter in operator.parameters():
            parameter.normal_(std=3.0)
    assert (operator.discretized()[0].real < 0).all()
