"""WITRAN and its relatives beside naive loops over the grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.operators._grid_recurrence import PERIOD, GridRecurrence
from encoders.operators.state_frequency_memory import FREQUENCIES
from encoders.operators.witran import Witran
from encoders.operators.witran_conv import TAPS, GateConvolution, WitranConv
from encoders.operators.witran_frequency import WitranFrequency

HIDDEN = 4
KINDS = [Witran, WitranConv, WitranFrequency]
TIMES = [1, 5, PERIOD, PERIOD + 1, 3 * PERIOD + 5, (PERIOD + 2) * PERIOD]

pytestmark = pytest.mark.usefixtures("fixed_weights")


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def built(kind: type[GridRecurrence], hidden: int = HIDDEN) -> GridRecurrence:
    return kind(hidden, depth=0, dropout=0.0).double()


def sigmoid(u: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-u))


def weights_of(module: nn.Module) -> dict[str, NDArray[np.float64]]:
    return {name: value.detach().numpy() for name, value in module.named_parameters()}


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("kind", [Witran, WitranConv])
def test_it_equals_the_double_loop(kind: type[GridRecurrence], time: int) -> None:
    operator = built(kind)
    x = noise(1, 2, time, HIDDEN)
    zero = torch.zeros(2, HIDDEN, dtype=torch.float64)
    horizontal: dict[tuple[int, int], Tensor] = {}
    vertical: dict[tuple[int, int], Tensor] = {}
    expected = []
    for t in range(time):
        row, column = divmod(t, PERIOD)
        across = horizontal.get((row, column - 1), zero)
        down = vertical.get((row - 1, column), zero)
        read = operator.gates(torch.cat([across, down, x[0, :, t]], dim=1))
        u_row, o_row, u_column, o_column, c_row, c_column = read.chunk(6, dim=1)
        across = torch.tanh((1 - u_row.sigmoid()) * across + u_row.sigmoid() * c_row.tanh()) * o_row.sigmoid()
        down = torch.tanh((1 - u_column.sigmoid()) * down + u_column.sigmoid() * c_column.tanh()) * o_column.sigmoid()
        horizontal[row, column], vertical[row, column] = across, down
        expected.append(operator.merge(torch.cat([across, down], dim=1)))
    torch.testing.assert_close(operator(x)[0], torch.stack(expected, dim=1))


@pytest.mark.parametrize("time", TIMES)
def test_the_memory_of_frequencies_equals_the_complex_loop_in_numpy(time: int) -> None:
    operator = WitranFrequency(HIDDEN, depth=0, dropout=0.0).double()
    nn.init.normal_(operator.frequency_weight)
    weights, x = weights_of(operator), noise(1, 1, time, HIDDEN)
    omega = np.pi * np.arange(FREQUENCIES) / FREQUENCIES
    nothing = (np.zeros(HIDDEN), np.zeros((FREQUENCIES, HIDDEN), dtype=complex))
    rows: dict[tuple[int, int], tuple[NDArray[np.float64], NDArray[np.complex128]]] = {}
    columns: dict[tuple[int, int], tuple[NDArray[np.float64], NDArray[np.complex128]]] = {}
    expected = []
    for t in range(time):
        row, column = divmod(t, PERIOD)
        before = rows.get((row, column - 1), nothing), columns.get((row - 1, column), nothing)
        read = np.concatenate([before[0][0], before[1][0], x[0, 0, t].numpy()])
        read = weights["gates.weight"] @ read + weights["gates.bias"]
        u_row, o_row, u_column, o_column, c_row, c_column = read[: 6 * HIDDEN].reshape(6, HIDDEN)
        factors = read[6 * HIDDEN :].reshape(2, FREQUENCIES)
        after = []
        for place, (u, o, c, count) in enumerate(
            [(u_row, o_row, c_row, column + 1), (u_column, o_column, c_column, row + 1)]
        ):
            state, memory = before[place]
            written = sigmoid(u) * np.tanh(c)
            memory = np.outer(sigmoid(factors[place]), 1 - sigmoid(u)) * memory
            memory = memory + np.outer(np.exp(1j * omega * count), written)
            power = weights["frequency_weight"][place] @ np.abs(memory) ** 2
            after.append((np.tanh((1 - sigmoid(u)) * state + written + power) * sigmoid(o), memory))
        rows[row, column], columns[row, column] = after
        expected.append(weights["merge.weight"] @ np.concatenate([after[0][0], after[1][0]]) + weights["merge.bias"])
    np.testing.assert_allclose(operator(x)[0, 0].detach().numpy(), np.stack(expected), atol=1e-10)


def test_without_weights_of_frequencies_it_is_witran() -> None:
    operator, plain = WitranFrequency(HIDDEN, depth=0, dropout=0.0).double(), built(Witran)
    nn.init.zeros_(operator.frequency_weight)
    shared = {name: value for name, value in operator.state_dict().items() if name != "frequency_weight"}
    own = {name: value[: 6 * HIDDEN] if name.startswith("gates") else value for name, value in shared.items()}
    plain.load_state_dict(own)
    x = noise(2, 3, 3 * PERIOD + 5, HIDDEN)
    torch.testing.assert_close(operator(x), plain(x))


def test_a_wave_fills_the_memory_of_its_frequency() -> None:
    """With open gates the power at frequency k of a wave of that frequency is the greatest along a row."""
    operator = built(WitranFrequency, hidden=1)
    weight, bias = (dict(operator.gates.named_parameters())[name] for name in ("weight", "bias"))
    with torch.no_grad():
        for parameter in operator.parameters():
            parameter.zero_()
        bias[[1, 3]] = 50.0  # everything is let out
        bias[6:] = 50.0  # nothing is forgotten but by 1 - u
        bias[0] = -3.0  # a little enters the row
        weight[4, 2] = 1.0  # the row's candidate is the input
    steps = torch.arange(1, PERIOD + 1, dtype=torch.float64)
    for wave in range(1, FREQUENCIES):
        x = torch.cos(math.pi * wave * steps / FREQUENCIES).view(1, 1, PERIOD, 1)
        carried = operator._carried(x[0, 0, :1].unsqueeze(0))
        for t in range(PERIOD):
            carried, _ = operator._step(carried, operator._carried(x[0, 0, :1].unsqueeze(0)), x[:, 0, t : t + 1])
        real, imaginary = carried[0, 0, 1:, 0].chunk(2)
        assert int((real**2 + imaginary**2).argmax()) == wave


def test_a_gate_is_a_filter_over_features() -> None:
    gates = GateConvolution().double()
    read = noise(3, 2, 3 * 11)
    expected = np.empty((3, 2, 6, 11))
    weight, bias, x = gates.weight.detach().numpy(), gates.bias, read.view(3, 2, 3, 11).numpy()
    assert bias is not None
    for gate in range(6):
        for place in range(11):
            total = np.full((3, 2), float(bias[gate].detach()))
            for tap in range(TAPS):
                source = place + tap - TAPS // 2
                if 0 <= source < 11:
                    total += x[..., source] @ weight[gate, :, tap]
            expected[:, :, gate, place] = total
    np.testing.assert_allclose(gates(read).detach().numpy(), expected.reshape(3, 2, -1), atol=1e-12)


def test_convolutions_leave_a_tenth_of_the_weights() -> None:
    sizes = [sum(weight.numel() for weight in built(kind, hidden=64).parameters()) for kind in (WitranConv, Witran)]
    assert 0.09 < sizes[0] / sizes[1] < 0.11


@pytest.mark.parametrize("kind", KINDS)
def test_it_hears_from_the_rows_above_and_the_left_only(kind: type[GridRecurrence]) -> None:
    operator = built(kind)
    x = noise(1, 1, 3 * PERIOD, HIDDEN).requires_grad_()
    row, column = 2, 3
    operator(x)[0, 0, row * PERIOD + column].sum().backward()
    assert x.grad is not None
    heard = x.grad[0, 0].abs().sum(dim=1).view(3, PERIOD) > 0
    expected = torch.zeros_like(heard)
    expected[: row + 1, : column + 1] = True
    assert (heard == expected).all()
