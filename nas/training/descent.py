"""Optimiser steps, as everything is trained here: AdamW with a limit on the gradient's norm."""

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from nas.training.divergence import DivergedError

GRADIENT_NORM_LIMIT = 10.0
WEIGHT_DECAY = 0.01


class Descent:
    """Moves parameters down the gradient of a loss; steps are counted.

    Args:
        parameters: Those that need no gradient are left alone.
        learning_rate: The largest.
        schedule: Gives the share of it that a step takes, steps counted from 0; None for all of it.
        name: Of the loss, for messages.
        decay: Whether weights decay, by `WEIGHT_DECAY` of the learning rate per step.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        learning_rate: float,
        schedule: Callable[[int], float] | None = None,
        name: str = "training loss",
        decay: bool = True,
    ) -> None:
        self.iteration = 0
        self._parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self._learning_rate, self._schedule, self._name = learning_rate, schedule, name
        # the optimiser refuses to have nothing to do
        moved, weight_decay = self._parameters or [torch.zeros(())], WEIGHT_DECAY if decay else 0.0
        self._optimizer = torch.optim.AdamW(moved, lr=learning_rate, weight_decay=weight_decay)

    def step(self, loss: Tensor) -> float:
        """Take a step and return the loss; one that depends on no parameter changes nothing.

        Raises:
            DivergedError: If the loss is not finite.
        """
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(f"{self._name} became {value} at iteration {self.iteration + 1}")
        if loss.requires_grad:
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.update()
        self.iteration += 1
        return value

    def update(self) -> None:
        """Change the parameters by the gradients that they have."""
        if self._schedule is not None:
            self._optimizer.param_groups[0]["lr"] = self._learning_rate * self._schedule(self.iteration)
        torch.nn.utils.clip_grad_norm_(self._parameters, GRADIENT_NORM_LIMIT)
        self._optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """Return what the optimiser remembers of earlier steps, a tensor per parameter and fact."""
        known = self._optimizer.state_dict()["state"]
        return {f"{at}.{name}": value for at, facts in known.items() for name, value in facts.items()}

    def load_state(self, state: Mapping[str, Tensor], *, iteration: int) -> None:
        """Go on behind so many steps, after which `state` was what it is."""
        known: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            at, _, name = key.partition(".")
            known.setdefault(int(at), {})[name] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": known, "param_groups": groups})
        self.iteration = iteration
