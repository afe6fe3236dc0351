"""TS2Vec's seven calendar covariates."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TIME_FEATURES = ("minute", "hour", "day_of_week", "day", "day_of_year", "month", "iso_week")


def time_features(times: pd.DatetimeIndex, *, train_end: int) -> NDArray[np.float32]:
    """Return calendar numbers, standardised on the training rows.

    Source: Yue et al. 2022, TS2Vec, arXiv:2106.10466, public forecasting protocol.
    A number that is constant in training (the minute of hourly data) is only centred.

    Args:
        times: Time stamps of all rows.
        train_end: Rows before it are training rows.

    Returns:
        float32 (time, 7), in the order of `TIME_FEATURES`.
    """
    week = times.isocalendar().week.to_numpy()
    columns = (times.minute, times.hour, times.dayofweek, times.day, times.dayofyear, times.month, week)
    numbers = np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
    deviation = numbers[:train_end].std(axis=0)
    scaled = (numbers - numbers[:train_end].mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(scaled, dtype=np.float32)
