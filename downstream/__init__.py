"""What a task is and how a representation is scored.

`load_task` turns a file, a folder, a frame or arrays into a `Task`: windows to
train on, a validation part, and a test part that can be opened once. Readers
live in `downstream.data`, scores in `downstream.evaluation`; both are imported
when they are first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from downstream.errors import DataError, DataWarning
from downstream.task import Task, TaskSpec
from downstream.windows import Windows

if TYPE_CHECKING:
    from downstream.data import load_task as load_task

__all__ = ["DataError", "DataWarning", "Task", "TaskSpec", "Windows", "load_task"]


def __getattr__(name: str) -> Any:
    # Reading data needs pandas; describing a task does not.
    if name == "load_task":
        from downstream.data import load_task

        return load_task
    raise AttributeError(f"module 'downstream' has no attribute {name!r}")
