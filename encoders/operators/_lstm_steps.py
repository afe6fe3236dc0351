"""The steps of an LSTM behind any kind of gates, and the way back."""

from __future__ import annotations

import torch
from torch import Tensor

from encoders.operators._recurrence import open_gates, room_for_steps, squash, steps_in_cache


class LstmSteps:
    """The memory and the states of an LSTM, step by step; both are zero before the first.

    Args:
        time: Number of steps.
        rows: Streams that run side by side.
        hidden: Width of state and memory.
        like: Gives device and dtype.
        keep: Whether there will be a way back.

    Attributes:
        states: Of all steps, after the zeros before the first; (time + 1, rows, hidden).
        gates: Input, forget and output gate and candidate of a step; (time or 1, rows, 4 * hidden).
        memory: (time + 1 or 1, rows, hidden).
        squashed: tanh of the memory after a step; (time or 1, rows, hidden).
    """

    def __init__(self, time: int, rows: int, hidden: int, *, like: Tensor, keep: bool) -> None:
        self.states, self._states = room_for_steps(time + 1, rows, hidden, like=like, keep=True)
        self.gates, self._gates = room_for_steps(time, rows, 4 * hidden, like=like, keep=keep)
        self.memory, self._memory = room_for_steps(time + 1, rows, hidden, like=like, keep=keep)
        self.squashed, self._squashed = room_for_steps(time, rows, hidden, like=like, keep=keep)
        self._states[0].zero_()
        self._memory[0].zero_()

    def before(self, step: int) -> Tensor:
        """Return the state before a step; (rows, hidden)."""
        return self._states[step]

    def room_for_gates(self, step: int) -> Tensor:
        """Return where to write what a step's gates read; (rows, 4 * hidden)."""
        return self._gates[step]

    def take(self, step: int) -> None:
        """Take a step, once it is written what its gates read."""
        gates = self._gates[step]
        open_gates(gates, hidden=gates.shape[1] // 4)
        let_in, keep, let_out, candidate = gates.chunk(4, dim=1)
        memory = torch.mul(keep, self._memory[step], out=self._memory[step + 1]).addcmul_(let_in, candidate)
        squashed = squash(torch.mul(memory, 2.0, out=self._squashed[step]))
        torch.mul(let_out, squashed, out=self._states[step + 1])


class LstmSlopes:
    """The way back through `LstmSteps`, from the last step to the first.

    Args:
        gates: As kept by the steps; (time, rows, 4 * hidden).
        memory: As kept by the steps; (time + 1, rows, hidden).
        squashed: As kept by the steps; (time, rows, hidden).

    Attributes:
        of_gates: Gradients by what the gates read, of the steps that were taken back; (time, rows, 4 * hidden).
    """

    def __init__(self, gates: Tensor, memory: Tensor, squashed: Tensor) -> None:
        time, rows, hidden = squashed.shape
        self._kept = gates.view(time, rows, 4, hidden), memory, squashed
        self.of_gates = torch.empty_like(gates)
        self._of_gates = self.of_gates.view(time, rows, 4, hidden).unbind(0)
        self._of_memory = squashed.new_zeros(rows, hidden)
        self._stretches = steps_in_cache(time, rows * hidden)
        self._first = time  # of the steps whose slopes are known

    def back(self, step: int, of_state: Tensor) -> Tensor:
        """Return the gradient by what a step's gates read; (rows, 4 * hidden).

        Args:
            step: The one before the step of the last call.
            of_state: Gradient by the state after it; (rows, hidden).
        """
        if step < self._first:
            self._prepare(next(self._stretches))
        place = step - self._first
        of_memory = torch.addcmul(self._of_memory, of_state, self._state_by_memory[place])
        by_gates, of_gates = self._by_gates[place], self._of_gates[step]
        torch.mul(by_gates, of_memory.unsqueeze(1), out=of_gates)
        torch.mul(by_gates[:, 2], of_state, out=of_gates[:, 2])
        self._of_memory = of_memory.mul_(self._keep[place])
        return of_gates.flatten(1)

    def _prepare(self, stretch: slice) -> None:
        """Compute what does not wait for a gradient, for some steps at once."""
        self._first = stretch.start
        gates, memory, squashed = (kept[stretch] for kept in self._kept)
        let_in, keep, let_out, candidate = gates.unbind(2)
        self._keep = keep.unbind(0)
        self._state_by_memory = (let_out * (1.0 - squashed.square())).unbind(0)
        # By the memory after the step, but for the output gate, whose gradient comes from the state.
        by_gates = [
            candidate * let_in * (1.0 - let_in),
            memory * keep * (1.0 - keep),
            squashed * let_out * (1.0 - let_out),
            let_in * (1.0 - candidate.square()),
        ]
        self._by_gates = torch.stack(by_gates, dim=2).unbind(0)
