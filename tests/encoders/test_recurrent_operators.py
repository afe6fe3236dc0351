"""Recurrent operators beside naive loops and beside torch's own layers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from encoders.operators._recurrence import lstm_step, soft_sign, steps_first, streams_first
from encoders.operators.lstm import Lstm
from encoders.operators.mogrifier_lstm import MogrifierLstm
from encoders.operators.multiplicative_lstm import MultiplicativeLstm
from encoders.operators.state_frequency_memory import FREQUENCIES, StateFrequencyMemory, rotations

HIDDEN = 4

pytestmark = pytest.mark.usefixtures("fixed_weights")


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def by_torch(recurrence: nn.LSTM, *, weight_x: Tensor, weight_h: Tensor, bias: Tensor) -> nn.LSTM:
    """Load weights whose blocks are input, forget, output gate, candidate; torch has the candidate third."""
    order = [0, 1, 3, 2]
    ours = (weight_x, weight_h, bias, torch.zeros_like(bias))
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    blocks = [torch.cat([weight.chunk(4)[i] for i in order]) for weight in ours]
    recurrence.load_state_dict(dict(zip(names, blocks, strict=True)))
    return recurrence


def along(recurrence: nn.LSTM, x: Tensor) -> Tensor:
    return streams_first(recurrence(steps_first(x))[0], like=x)


def test_steps_first_and_back() -> None:
    x = noise(2, 3, 5, HIDDEN)
    steps = steps_first(x)
    torch.testing.assert_close(steps[4, 1 * 3 + 2], x[1, 2, 4])
    torch.testing.assert_close(streams_first(steps, like=x), x)


def test_soft_sign_is_tanh() -> None:
    u = torch.linspace(-9.0, 9.0, 101, dtype=torch.float64)
    torch.testing.assert_close(soft_sign(u), u.tanh())


def test_lstm_step_keeps_and_writes() -> None:
    wide_open, shut = torch.full((2, 3), 50.0).double(), torch.full((2, 3), -50.0).double()
    candidate, nothing = noise(2, 3, rng_seed=1), torch.zeros(2, 3, dtype=torch.float64)
    state, memory = lstm_step(torch.cat([wide_open, shut, wide_open, candidate], dim=1), nothing)
    torch.testing.assert_close(memory, candidate.tanh())
    torch.testing.assert_close(state, candidate.tanh().tanh())
    state, memory = lstm_step(torch.cat([shut, wide_open, shut, -candidate], dim=1), memory)
    torch.testing.assert_close(memory, candidate.tanh())
    torch.testing.assert_close(state, nothing)


def test_lstm_runs_each_stream_alone_from_zero() -> None:
    operator = Lstm(HIDDEN, depth=0, dropout=0.0).double()
    cell = nn.LSTMCell(HIDDEN, HIDDEN).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in operator.recurrence.state_dict().items()})
    x = noise(2, 3, 6, HIDDEN)
    state = None
    for step in range(6):
        state = cell(x[:, :, step].reshape(6, HIDDEN), state)
    assert state is not None
    torch.testing.assert_close(operator(x)[:, :, -1].reshape(6, HIDDEN), state[0])


def test_mogrifier_lstm_with_zero_matrices_is_the_lstm() -> None:
    """2 sigmoid(0) = 1: the rounds start near the identity."""
    operator = MogrifierLstm(HIDDEN, depth=0, dropout=0.0).double()
    oracle = by_torch(
        nn.LSTM(HIDDEN, HIDDEN).double(),
        weight_x=operator.input_to_gates.weight,
        weight_h=operator.state_to_gates.weight,
        bias=operator.input_to_gates.bias,
    )
    x = noise(2, 3, 7, HIDDEN)
    assert (operator(x) - along(oracle, x)).abs().max() > 1e-4
    nn.init.zeros_(operator.mutual[0].weight)
    nn.init.zeros_(operator.mutual[1].weight)
    torch.testing.assert_close(operator(x), along(oracle, x))


def test_mogrifier_lstm_equals_the_formulas() -> None:
    operator = MogrifierLstm(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(1, 2, 5, HIDDEN)
    h = c = torch.zeros(2, HIDDEN, dtype=torch.float64)
    for t in range(5):
        gated_x = 2 * torch.sigmoid(h @ operator.mutual[0].weight.T) * x[0, :, t]
        gated_h = 2 * torch.sigmoid(gated_x @ operator.mutual[1].weight.T) * h
        read = operator.input_to_gates(gated_x) + operator.state_to_gates(gated_h)
        i_gate, f_gate, o_gate, candidate = read.chunk(4, dim=1)
        c = f_gate.sigmoid() * c + i_gate.sigmoid() * candidate.tanh()
        h = o_gate.sigmoid() * c.tanh()
        torch.testing.assert_close(operator(x)[0, :, t], h)


def test_multiplicative_lstm_with_factor_one_is_the_lstm() -> None:
    operator = MultiplicativeLstm(HIDDEN, depth=0, dropout=0.0).double()
    with torch.no_grad():  # the first feature is 1 and every factor reads it alone
        operator.input_to_factor.weight.zero_()
        operator.input_to_factor.weight[:, 0] = 1.0
        operator.state_to_factor.weight.copy_(torch.eye(HIDDEN))
    oracle = by_torch(
        nn.LSTM(HIDDEN, HIDDEN).double(),
        weight_x=operator.input_to_gates.weight,
        weight_h=operator.factor_to_gates.weight,
        bias=operator.input_to_gates.bias,
    )
    x = noise(2, 3, 7, HIDDEN)
    x[..., 0] = 1.0
    torch.testing.assert_close(operator(x), along(oracle, x))


def test_multiplicative_lstm_has_one_transition_per_input() -> None:
    operator = MultiplicativeLstm(HIDDEN, depth=0, dropout=0.0).double()
    x = noise(1, 1, 4, HIDDEN)
    h = c = torch.zeros(HIDDEN, dtype=torch.float64)
    for t in range(4):
        factor = operator.input_to_factor.weight @ x[0, 0, t]
        transition = operator.factor_to_gates.weight @ torch.diag(factor) @ operator.state_to_factor.weight
        i_gate, f_gate, o_gate, candidate = (operator.input_to_gates(x[0, 0, t]) + transition @ h).chunk(4)
        c = f_gate.sigmoid() * c + i_gate.sigmoid() * candidate.tanh()
        h = o_gate.sigmoid() * c.tanh()
        torch.testing.assert_close(operator(x)[0, 0, t], h)


def test_state_frequency_memory_equals_the_complex_loop() -> None:
    operator = StateFrequencyMemory(HIDDEN, depth=0, dropout=0.0).double()
    nn.init.normal_(operator.frequency_weight)
    x = noise(1, 1, 9, HIDDEN)
    h = torch.zeros(HIDDEN, dtype=torch.float64)
    memory = torch.zeros(HIDDEN, FREQUENCIES, dtype=torch.complex128)
    omega = math.pi * torch.arange(FREQUENCIES, dtype=torch.float64) / FREQUENCIES
    for t in range(9):
        read = operator.input_to_gates(x[0, 0, t]) + operator.state_to_gates(h)
        i, s, o, g, candidate = read.split([HIDDEN, HIDDEN, HIDDEN, FREQUENCIES, HIDDEN])
        forget = torch.outer(s.sigmoid(), g.sigmoid())
        written = torch.outer((i.sigmoid() * candidate.tanh()).to(memory.dtype), torch.exp(1j * omega * (t + 1)))
        memory = forget * memory + written
        power = (memory.abs() ** 2) @ operator.frequency_weight + operator.output_bias
        h = o.sigmoid() * power.tanh()
        torch.testing.assert_close(operator(x)[0, 0, t], h)


def test_rotations_repeat_exactly() -> None:
    table = rotations(4000, like=torch.zeros(1))
    turn = 2 * FREQUENCIES
    torch.testing.assert_close(table[turn:], table[:-turn], rtol=0.0, atol=0.0)
    torch.testing.assert_close(table.square().sum(dim=1), torch.ones(4000, FREQUENCIES, 1, 1))


def test_memory_answers_the_frequency_it_stands_for() -> None:
    """With open gates a wave of frequency k fills component k and leaves the others near zero."""
    time = 4 * 2 * FREQUENCIES
    table = rotations(time, like=torch.zeros(1, dtype=torch.float64)).flatten(2)
    for k in range(1, FREQUENCIES):
        wave = table[:, 0, k]
        power = (wave[:, None, None] * table).sum(dim=0).square().sum(dim=0)
        expected = torch.zeros_like(power)
        expected[k] = (time / 2) ** 2
        torch.testing.assert_close(power, expected)
