"""What labels of one kind of task say, and the linear head that answers them best; one class for each kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.probes.linear import Standardizer
from downstream.scores import Scores
from downstream.windows import Windows
from encoders.combined import AnyEncoder
from nas.labels.heads import LinearHead
from nas.representer import Representer

Floats = NDArray[np.floating]
Predict = Callable[[Windows], Floats]


@dataclass(frozen=True)
class SolvedHead:
    """A linear head that was solved for, and its errors on what is held out, where it was best.

    Args:
        head: On the device of its supervision.
        setting: How it was fitted, in words.
        errors: See `Supervision.errors`.
        penalty: The one that was chosen, where a single one was.
    """

    head: LinearHead
    setting: str
    errors: tuple[float, ...]
    penalty: float | None = None


class Supervision(ABC):
    """Windows with targets, a part of them held out; the test part has no place here.

    Args:
        task: A task of its kind.
        rng_seed: Of what is held out, where that is drawn.
        device: Where targets of the fitted windows are kept, and heads that are solved for.

    Attributes:
        kind: Of the tasks.
        head: The heads of this kind.
        fitted: Windows that are fitted on.
        held_out: Windows that penalties and points of a curve are chosen on.
    """

    kind: ClassVar[str]
    head: ClassVar[type[LinearHead]]
    device: torch.device
    fitted: Windows
    held_out: Windows

    @abstractmethod
    def __init__(self, task: Any, *, rng_seed: int, device: torch.device) -> None:
        """Cut a task's training data into what is fitted and what is held out."""

    @abstractmethod
    def loss(self, outputs: Tensor, index: Tensor) -> Tensor:
        """Return the loss of a model's outputs for some of the fitted windows, a scalar."""

    @abstractmethod
    def errors(self, outputs: Floats) -> tuple[float, ...]:
        """Return the errors on all held-out windows, compared in this order; lower is better."""

    @abstractmethod
    def solve(self, encoder: AnyEncoder, *, least_penalty: float = 0.0) -> SolvedHead:
        """Fit a linear head to the representations of the fitted windows; its setting is best on those held out.

        Args:
            encoder: On the device; not changed.
            least_penalty: Penalties below this times the number of rows are left out. A ridge penalty of s^2 per row
                is what noise of deviation s on the (standardised) features would add to the squared error (Bishop
                1995).

        Raises:
            DivergedError: If a representation is not finite.
        """

    def handed_over(self, encoder: AnyEncoder, solved: SolvedHead) -> tuple[LinearHead, str]:
        """Return the head that is handed over once all is chosen, and how it was made."""
        return solved.head, solved.setting

    @abstractmethod
    def head_facts(self) -> dict[str, object]:
        """Return what a head's outputs mean, as JSON values for its file."""

    @abstractmethod
    def held_out_score(self, error: float) -> float:
        """Return the task's metric for the first of `errors`."""

    @abstractmethod
    def probe_metrics(self, probe: Scores) -> dict[str, float]:
        """Return, of the test figures of all probes, those that a linear head is comparable with."""

    @abstractmethod
    def metrics_on_test(self, predict: Predict, opened: Any) -> dict[str, float]:
        """Return the figures of a model's outputs on the opened test part."""

    def _held_out_inputs(self, represent: Representer) -> tuple[Tensor, Tensor]:
        """Return what a head is judged on: the held-out windows and their representations."""
        return torch.as_tensor(self.held_out.gather()), torch.as_tensor(represent(self.held_out))


def strong_enough(grid: Sequence[float], strength: Callable[[float], float], *, least: float) -> Sequence[float]:
    """Return the settings, the strongest first, whose strength is enough; the strongest where none is."""
    return [setting for setting in grid if strength(setting) >= least] or grid[:1]


def scales(standardize: Standardizer) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of features as a head keeps them."""
    return (
        torch.as_tensor(standardize.mean, dtype=torch.float32),
        torch.as_tensor(standardize.deviation, dtype=torch.float32),
    )
