"""What a task is and how a representation is scored.

`load_task` turns a file, a folder, a frame or arrays into a `Task`: windows to
train on, a validation part, and a test part that can be opened once. What a task
asks is its kind; `kinds` lists them, and each has a folder. `evaluation` is the
door to scores.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from downstream.data import load_task
    from downstream.errors import DataError, DataWarning
    from downstream.kinds import KINDS, task_kind
    from downstream.task import Task, TaskSpec
    from downstream.windows import Windows

__all__ = ["KINDS", "DataError", "DataWarning", "Task", "TaskSpec", "Windows", "load_task", "task_kind"]

_HOMES = {
    "KINDS": "kinds", "task_kind": "kinds", "DataError": "errors", "DataWarning": "errors", "Task": "task",
    "TaskSpec": "task", "Windows": "windows", "load_task": "data",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # The names of the kinds are asked for where neither numpy nor pandas may be imported.
    if name not in _HOMES:
        raise AttributeError(f"module 'downstream' has no attribute {name!r}")
    return getattr(import_module(f"downstream.{_HOMES[name]}"), name)
