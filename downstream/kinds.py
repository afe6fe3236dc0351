"""The kinds of tasks, by name; what a kind is made of is imported on the first question about it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from downstream.task_kind import TaskKind

KINDS: tuple[str, ...] = ("forecasting", "classification", "anomaly", "regression")
"""Each is a folder of this package with a `kind.py`; data that no later one claims belongs to the first."""


def task_kind(name: str) -> TaskKind:
    """Return the registration of a kind.

    Raises:
        ValueError: If there is no kind of that name.
    """
    if name not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {name!r}")
    kind: TaskKind = import_module(f"downstream.{name}.kind").KIND
    return kind
