"""The representations of an encoder as files of TensorBoard's embedding projector: a map of the training data.

They are plain text, so no TensorBoard is needed to write them, and https://projector.tensorflow.org reads them too.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.task import Task
from nas.report.evidence.points import Points, training_points
from nas.runs.board_files import EMBEDDING, METADATA, PROJECTOR, folder_of
from nas.runs.whole_file import write_whole_text
from nas.saved.encoder import load_encoder
from search_space.sentences import one_line

MOST_POINTS = 2000
_CONFIG = f"""\
embeddings {{
  tensor_name: "chosen encoder on training windows"
  tensor_path: "{EMBEDDING}"
  metadata_path: "{METADATA}"
}}
"""


def write_projection(run: Path, weights: Path, task: Task, *, device: torch.device | str = "cpu") -> None:
    """Write what an encoder makes of training windows; the test part stays closed.

    A point is a window: its representation, averaged over the streams. Beside it stands its number among the windows
    that were taken, which follow each other in time, and what is known of it, such as its class.

    Args:
        run: The run's folder.
        weights: File of the encoder.
        task: At most `MOST_POINTS` of its training windows are taken, evenly.
        device: Where the encoder runs.
    """
    points = training_points(load_encoder(weights), task, most=MOST_POINTS, device=device)
    folder = folder_of(run)
    write_whole_text(folder / EMBEDDING, _table(points.values))
    write_whole_text(folder / METADATA, _labels(points))
    write_whole_text(folder / PROJECTOR, _CONFIG)


def _labels(points: Points) -> str:
    """Return what is known of each window, a line each; the projector takes a head for several columns only."""
    if not points.word:
        return "".join(f"{number}\n" for number in range(len(points.values)))
    lines = [f"{number}\t{one_line(text, longest=80)}\n" for number, text in enumerate(points.texts)]
    return "".join([f"window\t{points.word}\n", *lines])


def _table(points: NDArray[np.float32]) -> str:
    return "".join("\t".join(f"{value:.6g}" for value in row) + "\n" for row in points)
