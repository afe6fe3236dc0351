"""What scoring gives back: one value to choose by, or every row of a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from downstream.task import TaskSpec

STOPPED = ".stopped"
"""How the setting ends that says where a fit was stopped before its end."""


@dataclass(frozen=True)
class Score:
    """One validation value with a known direction.

    Args:
        value: The value to choose by.
        metric: Its name.
        higher_is_better: Its direction.
        details: Further figures by name; `noise` is the standard error of the value, where that is known.
        held_out: What the probe said of each case while it had not seen it, mean over repeats, (n, outputs); None where
            there are no folds.
    """

    value: float
    metric: str
    higher_is_better: bool
    details: dict[str, float] = field(default_factory=dict)
    held_out: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls, spec: TaskSpec, value: float, details: dict[str, float], *, held_out: NDArray[np.float32] | None = None
    ) -> Self:
        """Return a value of a task's own metric."""
        return cls(value, spec.metric, spec.higher_is_better, details, held_out)


@dataclass(frozen=True)
class Scores:
    """The rows of one method in a report of the test part.

    Args:
        value: The headline value.
        metric: Its name.
        higher_is_better: Its direction.
        metrics: All figures by name, such as `mse/96`.
        settings: What was chosen on training and validation rows.
        protocol: Facts that belong beside the figures: counts, splits, lookbacks, scaler rows.
        interval: Where the value lies with 95 % (`downstream.metrics`); None where that cannot be told.
        validation: The same method's value on validation, where that is known: of the rows of one report by one rule.
    """

    value: float
    metric: str
    higher_is_better: bool
    metrics: dict[str, float] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    protocol: dict[str, str | int | float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    validation: float | None = None

    @classmethod
    def of(
        cls,
        spec: TaskSpec,
        metrics: dict[str, float],
        *,
        headline: str | None = None,
        settings: dict[str, str],
        protocol: dict[str, str | int | float],
        interval: tuple[float, float] | None = None,
        validation: float | None = None,
    ) -> Self:
        """Return figures of a task; `headline` names the one that counts, the task's metric itself by default.

        The value is NaN where that figure is not there: nothing could be judged.
        """
        value = metrics.get(headline or spec.metric, float("nan"))
        return cls(value, spec.metric, spec.higher_is_better, metrics, settings, protocol, interval, validation)
