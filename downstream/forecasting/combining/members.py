"""Which plain forecasters are combined: what each looks at, what it is relative to, and what it shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from downstream.forecasting.combining.linear import Linear
from downstream.forecasting.combining.sums import Apart, Sharing

Inputs = Literal["raw lags", "representation", "both"]
LOOKBACKS = (96, 192, 336, 720)
LONGEST_SHARE = 8
"""A lookback takes at most one in so many training rows."""
_NO_PERIOD = 8


@dataclass(frozen=True)
class RidgeMember:
    """A ridge to the changes from the recent level.

    Args:
        inputs: What it sees.
        lookback: Lags that it sees; 0 without raw lags.
        offset: The level is the mean of so many last steps; lags and targets count from there.
        sharing: Whether variates share its weights.
    """

    inputs: Inputs
    lookback: int
    offset: int
    sharing: Sharing

    @property
    def sees_representation(self) -> bool:
        """Whether it sees the encoder's representation."""
        return self.inputs != "raw lags"

    def counts_before(self, reference: int) -> bool:
        """Whether it has a weight before validation: the ridges on raw lags with at least the task's own lookback.

        Shorter lookbacks, representations and naive forecasts have to earn theirs: equal weights for all were 1 to 30 %
        worse than the plain ridge where there was little validation.
        """
        return self.inputs == "raw lags" and self.lookback >= reference

    def __str__(self) -> str:
        seen = {"raw lags": f"{self.lookback} lags", "both": f"representation and {self.lookback} lags"}
        level = "last value" if self.offset == 1 else f"mean of {self.offset}"
        return f"ridge on {seen.get(self.inputs, 'representation')} from the {level}, {self.sharing}"


def lookbacks(raw_lags: int, *, train_rows: int) -> tuple[int, ...]:
    """Return the lookbacks of ridges on raw lags: the usual ones with room, and the task's own; ascending.

    Args:
        raw_lags: The task's own.
        train_rows: Training rows of the middle series.
    """
    usual = [steps for steps in LOOKBACKS if steps <= train_rows // LONGEST_SHARE]
    shorter = [raw_lags // 2] if raw_lags <= LOOKBACKS[0] and raw_lags >= 8 else []
    return tuple(sorted({*usual, *shorter, raw_lags}))


def offsets(period: int, *, longest: int) -> tuple[int, ...]:
    """Return the stretches whose mean is the level: one step, a period, seven periods, as far as lags reach."""
    usual = (1, period, 7 * period) if period > 1 else (1, _NO_PERIOD)
    return tuple(steps for steps in usual if steps == 1 or steps <= longest)


def near_levels(levels: tuple[int, ...], *, reference: int) -> tuple[int, ...]:
    """Return the two shortest levels, of the members that are not of all lookbacks."""
    return tuple(level for level in levels[:2] if level <= reference)


def ridge_members(
    own: tuple[int, ...],
    levels: tuple[int, ...],
    *,
    reference: int,
    width: int,
    one_stream: bool,
    apart: Apart | None,
    represented_apart: Apart | None,
) -> list[RidgeMember]:
    """Return the ridges of a task.

    Args:
        own: Lookbacks, ascending.
        levels: Offsets, ascending.
        reference: The task's own lookback, which representations and models of fewer variates stand beside.
        width: Features of a representation; 0 without an encoder.
        one_stream: Whether all variates have one representation, so that weights for it cannot be shared.
        apart: The variates of which sums of lags are kept apart.
        represented_apart: The variates of which sums of the representation are.
    """
    near = near_levels(levels, reference=reference)
    members = [RidgeMember("raw lags", steps, level, "shared") for steps in own for level in levels if level <= steps]
    finer = () if apart is None else apart.sharings
    members += [RidgeMember("raw lags", reference, level, sharing) for sharing in finer for level in near]
    if width:
        members.append(RidgeMember("both", reference, 1, "shared"))
        shared: tuple[Sharing, ...] = () if one_stream else ("shared",)
        alone = (*shared, *(() if represented_apart is None else represented_apart.sharings))
        members += [RidgeMember("representation", 0, level, sharing) for sharing in alone for level in near]
    return members


def naive_members(*, n_lags: int, period: int, steps: int) -> dict[str, Linear]:
    """Return the last value repeated, the last period repeated, and the straight line through both ends of the lags.

    Args:
        n_lags: Columns of a row that are lags.
        period: Steps of a season; 1 for none.
        steps: Steps ahead.
    """
    ahead = torch.arange(1, steps + 1, dtype=torch.float32)
    last = torch.zeros(n_lags, steps)
    last[-1] = 1.0
    maps = {"repeat last": last}
    if 1 < period <= n_lags:
        season = torch.zeros(n_lags, steps)
        season[n_lags - period + torch.arange(steps) % period, torch.arange(steps)] = 1.0
        maps["seasonal naive"] = season
    if n_lags > 1:
        drift = last.clone()
        drift[-1] += ahead / (n_lags - 1)
        drift[0] -= ahead / (n_lags - 1)
        maps["drift"] = drift
    return {name: Linear(0, weights[None], torch.zeros(1, steps)) for name, weights in maps.items()}
