"""The list of tasks that seed records are made on, read from YAML or JSON."""

from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from compute.yaml_file import YamlFileError, read_yaml
from downstream.data import load_task
from downstream.errors import DataError
from downstream.kinds import task_kind
from downstream.task import Task

_FACTS = ("name", "family", "kind", "path")


@dataclass(frozen=True)
class TaskEntry:
    """One line of a manifest: where a task's data lies and how it is read.

    Args:
        name: Of the task, unique in the manifest.
        family: Sets of common origin share it.
        kind: One of `downstream.kinds.KINDS`.
        path: File or folder, relative to the data folder.
        reading: Further arguments of `downstream.data.load_task`.
    """

    name: str
    family: str
    kind: str
    path: str
    reading: dict[str, Any] = field(default_factory=dict)

    def load(self, folder: Path) -> Task:
        """Read the task; official test parts are pooled, because a seed task is never reported."""
        reading = {key: tuple(value) if isinstance(value, list) else value for key, value in self.reading.items()}
        facts: dict[str, Any] = {"kind": self.kind, "name": self.name, "family": self.family, **reading}
        try:
            return load_task(folder / self.path, **{**task_kind(self.kind).as_seed, **facts})
        # an unknown or ill-typed argument stands in the manifest
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
            raise DataError(f"task {self.name}: {error}") from error


def read_manifest(path: str | Path) -> list[TaskEntry]:
    """Return the entries of a manifest.

    Raises:
        DataError: If the file is missing or malformed, or a name occurs twice.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"no task manifest at {path}")
    try:
        content = read_yaml(path)
    except YamlFileError as error:
        raise DataError(f"{path}: not a YAML or JSON manifest ({error})") from error
    lines = content.get("tasks") if isinstance(content, dict) else None
    if not isinstance(lines, list) or not lines:
        raise DataError(f"{path}: a manifest has a non-empty list `tasks`")
    entries = [_entry(line, where=f"{path}: tasks[{number}]") for number, line in enumerate(lines)]
    names = [entry.name for entry in entries]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path}: task names must be unique, repeated: {', '.join(repeated)}")
    return entries


def _entry(line: object, *, where: str) -> TaskEntry:
    if not isinstance(line, dict):
        raise DataError(f"{where}: must be a mapping, got {type(line).__name__}")
    missing = [fact for fact in _FACTS if not isinstance(line.get(fact), str)]
    if missing:
        raise DataError(f"{where}: must give {', '.join(missing)} as text")
    place = PurePath(line["path"])
    if place.is_absolute() or ".." in place.parts:
        raise DataError(f"{where}: path must stay in the data folder, got {line['path']!r}")
    reading = {key: value for key, value in line.items() if key not in _FACTS}
    return TaskEntry(**{fact: line[fact] for fact in _FACTS}, reading=reading)
