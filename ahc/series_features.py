"""Features of short series that describe a task: fixed random convolutions and plain statistics.

Everything works on rows: one row is one window of one variate.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from torch import Tensor

Rows = NDArray[np.float64]

N_KERNELS = 32
_KERNEL_LENGTH = 7
_SHORT_LAGS = (1, 2, 4, 8)
_RELATIVE_LAGS = (0.05, 0.1, 0.25, 0.5)

STATISTICS = (
    *(f"autocorrelation_{lag}" for lag in _SHORT_LAGS),
    *(f"autocorrelation_{share:g}L" for share in _RELATIVE_LAGS),
    "spectral_entropy",
    "dominant_share",
    "log_dominant_cycles",
    "trend_strength",
    "log_kurtosis",
    "skewness",
    "flat_share",
)


def standardise_rows(rows: Rows) -> Rows:
    """Return rows with mean 0 and deviation 1; missing values and constant rows become 0.

    Args:
        rows: NaN means missing, (rows, steps).
    """
    observed = np.isfinite(rows)
    count = np.maximum(observed.sum(axis=1, keepdims=True), 1)
    filled = np.where(observed, rows, 0.0)
    centred = np.where(observed, rows - filled.sum(axis=1, keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    # A spread at rounding size is a constant row, not a signal to blow up.
    floor = 1e-6 * np.maximum(1.0, np.abs(filled).max(axis=1, keepdims=True))
    return np.where(deviation > floor, centred / np.maximum(deviation, floor), 0.0)


def statistics(rows: Rows, *, standardised: Rows) -> Rows:
    """Return plain statistics, (rows, len(STATISTICS)).

    Args:
        rows: Raw rows, NaN means missing, (rows, steps).
        standardised: `standardise_rows(rows)`, (rows, steps).
    """
    steps = rows.shape[1]
    lags = [*_SHORT_LAGS, *(max(1, round(share * steps)) for share in _RELATIVE_LAGS)]
    columns = [_autocorrelation(standardised, lag=lag) for lag in lags]
    columns += _spectrum(standardised)
    time = np.linspace(-1.0, 1.0, steps) if steps > 1 else np.zeros(1)
    slope = standardised @ time / max(float(time @ time), 1e-12)
    energy = np.maximum((standardised**2).mean(axis=1), 1e-12)
    columns.append(np.minimum(slope**2 * (time @ time) / steps / energy, 1.0))
    columns.append(np.log((standardised**4).mean(axis=1) / energy**2 + 1e-3))
    columns.append(np.clip((standardised**3).mean(axis=1), -5.0, 5.0))
    columns.append(np.mean(np.diff(rows, axis=1) == 0.0, axis=1) if steps > 1 else np.zeros(len(rows)))
    return np.stack(columns, axis=1)


def convolution_features(standardised: Rows) -> Rows:
    """Return the share of positive values and the maximum of fixed convolutions.

    After ROCKET (Dempster et al. 2020), with one fixed set of kernels shared by
    every task, so that all tasks lie in one space. Half of the kernels look at
    neighbouring steps, the others are dilated in proportion to the window.

    Args:
        standardised: Rows without NaN, (rows, steps).

    Returns:
        All shares, then all maxima, (rows, 2 * N_KERNELS).
    """
    series = torch.from_numpy(standardised.astype(np.float32))[:, None]  # (rows, 1, steps)
    steps = standardised.shape[1]
    weights, biases = _kernels()
    shares: list[Tensor] = []
    largest: list[Tensor] = []
    for at, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        dilation = 1 if at % 2 == 0 else _dilation(at, steps=steps)
        padding = dilation * (_KERNEL_LENGTH - 1) // 2
        response = torch.nn.functional.conv1d(
            series, weight[None, None], bias[None], padding=padding, dilation=dilation
        )[:, 0]
        shares.append((response > 0).float().mean(dim=1))
        largest.append(response.amax(dim=1))
    return torch.stack([*shares, *largest], dim=1).double().numpy()


def _kernels() -> tuple[Tensor, Tensor]:
    # A low-discrepancy (Kronecker) sequence through the normal quantile: well spread,
    # and the same on every machine and in every version, which no generator promises.
    dimensions = _KERNEL_LENGTH + 1
    ratio = 2.0
    for _ in range(60):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    uniform = (0.5 + np.arange(1, N_KERNELS + 1)[:, None] * steps) % 1.0
    weights = ndtri(np.clip(uniform[:, :-1], 1e-3, 1 - 1e-3))
    weights = weights - weights.mean(axis=1, keepdims=True)
    biases = 2.0 * uniform[:, -1] - 1.0
    return torch.from_numpy(weights.astype(np.float32)), torch.from_numpy(biases.astype(np.float32))


def _dilation(at: int, *, steps: int) -> int:
    most = max(1.0, (steps - 1) / (_KERNEL_LENGTH - 1))
    share = (at // 2 + 1) / (N_KERNELS // 2)
    return max(1, int(most**share))


def _autocorrelation(standardised: Rows, *, lag: int) -> Rows:
    if lag >= standardised.shape[1]:
        return np.zeros(len(standardised))
    energy = np.maximum((standardised**2).sum(axis=1), 1e-12)
    product: Rows = (standardised[:, lag:] * standardised[:, :-lag]).sum(axis=1) / energy
    return product


def _spectrum(standardised: Rows) -> list[Rows]:
    power = np.abs(np.fft.rfft(standardised, axis=1))[:, 1:] ** 2
    if power.shape[1] == 0:
        return [np.zeros(len(standardised))] * 3
    share = power / np.maximum(power.sum(axis=1, keepdims=True), 1e-12)
    entropy = -(share * np.log(share + 1e-12)).sum(axis=1) / math.log(max(power.shape[1], 2))
    return [entropy, share.max(axis=1), np.log(share.argmax(axis=1) + 1.0)]
