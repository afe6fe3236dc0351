"""What speaks for a forecaster against another: gains over dependent origins, and how sure they are."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from downstream.forecasting.models import Forecaster
from downstream.forecasting.rows import RowBlock

Floats = NDArray[np.floating]

LEVEL = 0.95


@dataclass(frozen=True)
class Gain:
    """Mean reduction of the squared error against the reference, over dependent origins.

    Args:
        mean: In scaled units; NaN where there was no room to measure it.
        distance: Mean squared distance between the two forecasts.
        error: Its standard error.
        n_blocks: Stretches of one horizon that the origins span.
        n_tests: How many settings are tested for the horizon.
    """

    mean: float
    distance: float
    error: float
    n_blocks: float
    n_tests: int = 1

    @property
    def sure(self) -> float:
        """Lower end of the two-sided interval of the gain at `LEVEL`, held over all tests together."""
        tail = (1.0 - LEVEL) / (2 * self.n_tests)
        return float(self.mean - t.ppf(1.0 - tail, max(self.n_blocks - 1.0, 1.0)) * self.error)

    @property
    def is_clear(self) -> bool:
        """Whether the sure gain is above zero."""
        return self.sure > 0.0

    @property
    def weight(self) -> float:
        """How far to move from the reference, in [0, 1]: least squares, if the gain is the sure one.

        With r and a the errors of reference and alternative, (1 - w) r + w a is least in square at
        w = (r.r - r.a) / |r - a|^2 = 1/2 + (r.r - a.a) / (2 |r - a|^2).
        """
        return float(np.clip(0.5 + self.sure / (2.0 * max(self.distance, 1e-12)), 0.0, 1.0))

    def __str__(self) -> str:
        return f"{self.mean:.4f} (se {self.error:.4f}, {self.n_blocks:.1f} blocks)"


@dataclass(frozen=True)
class Evidence:
    """What speaks for a forecaster against the reference.

    Args:
        validation: Gain on validation.
        late_training: Gain on late training rows, both fitted on the earlier ones; None where not needed or no room.
    """

    validation: Gain
    late_training: Gain | None

    @property
    def is_clear(self) -> bool:
        """Whether the gain is clear in both periods (in validation alone where there is no room for both)."""
        return all(gain.is_clear for gain in self._gains)

    @property
    def weight(self) -> float:
        """How far both periods allow to move from the reference."""
        return min(gain.weight for gain in self._gains)

    @property
    def _gains(self) -> tuple[Gain, ...]:
        return (self.validation,) if self.late_training is None else (self.validation, self.late_training)


def gain(
    forecaster: Forecaster,
    reference: Forecaster,
    blocks: Iterable[RowBlock],
    *,
    border: NDArray[np.int64] | None,
    n_tests: int,
    rng_seed: int,
) -> Gain:
    """Return the gain and the distance of two forecasters; NaN for fewer than 4 origins."""
    differences, distances, steps = [], [], []
    for block in blocks:
        forecasts, expected = forecaster.predict(block), reference.predict(block)
        truth = block.targets[:, : forecaster.horizon]
        gained = _origin_means(expected - truth, block, horizon=forecaster.horizon)
        gained = gained - _origin_means(forecasts - truth, block, horizon=forecaster.horizon)
        judged = np.isfinite(gained)
        if border is not None:
            # Targets of the early fit reach one horizon behind the border.
            judged &= block.origins.step >= border[block.origins.series] + forecaster.horizon
        differences.append(gained[judged])
        apart = np.where(np.isfinite(truth), forecasts - expected, np.nan)
        distances.append(_origin_means(apart, block, horizon=forecaster.horizon)[judged])
        steps.append(block.origins.step[judged])
    values = np.concatenate(differences) if differences else np.empty(0)
    if len(values) < 4:
        return Gain(float("nan"), float("nan"), float("nan"), 0.0, n_tests)
    stride = max(1, int(np.median(np.diff(np.concatenate(steps)))))
    steps_per_block = -(-forecaster.horizon // stride)
    error = block_standard_error(values, block=steps_per_block, rng=np.random.default_rng(rng_seed))
    distance = float(np.concatenate(distances).mean())
    return Gain(float(values.mean()), distance, error, len(values) / steps_per_block, n_tests)


def _origin_means(differences: Floats, block: RowBlock, *, horizon: int) -> Floats:
    """Return the mean square of each origin over what is not NaN; NaN where the horizon does not fit, (n,)."""
    observed = np.isfinite(differences)
    squared = np.where(observed, differences, 0.0) ** 2
    fits = (block.room >= horizon) & observed.any(axis=(1, 2))
    errors: Floats = np.where(fits, squared.sum(axis=(1, 2)) / np.maximum(observed.sum(axis=(1, 2)), 1), np.nan)
    return errors


def block_standard_error(values: Floats, *, block: int, rng: np.random.Generator, n_draws: int = 500) -> float:
    """Return the standard error of the mean of dependent values: circular moving-block bootstrap.

    Args:
        values: In order of time, at least 2, (n,).
        block: Steps over which values depend on each other; at most half of n is used.
        rng: Draws the blocks.
        n_draws: Bootstrap samples.
    """
    n = len(values)
    block = max(1, min(block, n // 2))
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[:block]]))])
    block_means = (sums[block : block + n] - sums[:n]) / block
    draws = block_means[rng.integers(0, n, size=(n_draws, max(2, round(n / block))))]
    return float(draws.mean(axis=1).std())
