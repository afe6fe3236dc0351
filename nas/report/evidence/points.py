"""Training windows as points: what an encoder makes of them, and what is known of each."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.task import Task
from nas.saved.encoder import SavedEncoder


class Points(NamedTuple):
    """Windows in the order of the training data, which is that of time where they are cut from series.

    Attributes:
        values: The representation of each window, averaged over the streams, float32 (n, features).
        word: What is known of a window, such as `class`; empty where nothing is.
        texts: That, for each window; empty where nothing is.
    """

    values: NDArray[np.float32]
    word: str
    texts: list[str]


def training_points(saved: SavedEncoder, task: Task, *, most: int, device: torch.device | str = "cpu") -> Points:
    """Return points for at most so many training windows, taken evenly; the test part stays closed.

    Args:
        saved: The encoder.
        task: Its training windows are represented.
        most: Most windows.
        device: Where the encoder runs.
    """
    task = task.with_window(saved.genotype.encoder.window)
    windows = task.training_windows(limit=most)
    if len(windows) > most:
        windows = windows.subset(np.linspace(0, len(windows) - 1, most).round().astype(np.int64))
    word, texts = task.known_of(windows) or ("", [])
    return Points(saved.representer(device)(windows).mean(axis=1), word, texts)
