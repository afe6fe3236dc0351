"""Gathers what a report shows of a run's data: a map of the encoder, predictions beside the truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from downstream.task import Task
from nas.report.evidence.map import MOST_WINDOWS, map_of
from nas.report.evidence.points import training_points
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.saved.predictor import load_predictor
from search_space.sentences import one_line


def evidence_of(task: Task, opened: Any, *, encoder: Path, predictor: Path, device: str) -> dict[str, Any]:
    """Return the parts of a report that need data; one that fails is left out and says why.

    Args:
        task: What was searched for.
        opened: Its test part, which the verification has opened; None where it has none.
        encoder: File of the chosen encoder.
        predictor: File of what predicts with it, which need not be there.
        device: Where trials ran; the encoder runs there too, if this machine has it.

    Returns:
        `map`, `examples` and `notes`: sentences about what is missing.
    """
    device = device if device == "cpu" or torch.cuda.is_available() else "cpu"
    notes: list[str] = []

    def attempt(what: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return make()
        except Exception as error:  # whatever it is, the search has come to its end
            notes.append(f"{what}: left out ({one_line(f'{type(error).__name__}: {error}')})")
            return {}

    saved = load_encoder(encoder)
    return {
        "map": attempt("the map", lambda: map_of(training_points(saved, task, most=MOST_WINDOWS, device=device))),
        "examples": attempt("predictions beside the truth", lambda: _examples(task, opened, saved, predictor, device)),
        "notes": notes,
    }


def _examples(task: Task, opened: Any, saved: SavedEncoder, predictor: Path, device: str) -> dict[str, Any]:
    if opened is None or not predictor.is_file():
        return {}
    window = saved.genotype.encoder.window
    seen = opened.with_window(window) if isinstance(opened, Task) else opened
    fitted = load_predictor(predictor, kind=task.spec.kind)
    found: dict[str, Any] = task.kind.examples(task.with_window(window), seen, fitted, saved.representer(device))
    return found
