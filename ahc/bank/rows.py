"""A trial record and a task as rows of the bank, and back."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np

from ahc.bank.schema import CELLS, TRIAL_COLUMNS, digest_of
from ahc.record import TrialRecord

RECORD_COLUMNS = tuple(field.name for field in fields(TrialRecord))
_JSON_COLUMNS = ("genotype", "curve", "details")
PLAIN_COLUMNS = tuple(name for name in RECORD_COLUMNS if name not in _JSON_COLUMNS)
_WORDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text"}

UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""Whatever a foreign cell makes a reader raise."""


class TaskEntry(NamedTuple):
    """What the bank knows of a task, as it lies on disk: `spec` is JSON, `embedding` float32 in little-endian order.

    `embedding_version` is empty where nobody said which definition the embedding has.
    """

    task_hash: str
    name: str
    family: str
    kind: str
    spec: str
    embedding: bytes | None
    embedding_version: str

    def problem(self) -> str:
        """Return what is wrong with the entry, or an empty text."""
        for name, value in self._asdict().items():
            if name != "embedding" and not isinstance(value, str):
                return f"{name} must be text, got {type(value).__name__}"
        try:
            if not isinstance(_from_json(self.spec, name="spec"), dict):
                return "spec must be a JSON object"
        except UNREADABLE as error:
            return reason(error)
        if self.embedding is None:
            return ""
        if not isinstance(self.embedding, bytes) or len(self.embedding) % 4 or not self.embedding:
            return "the embedding must be a row of numbers"
        return "" if np.isfinite(np.frombuffer(self.embedding, dtype="<f4")).all() else "the embedding must be finite"


def to_row(record: TrialRecord) -> tuple[Any, ...]:
    """Return the cells of a record in the order of `TRIAL_COLUMNS`, the digest last."""
    cells = []
    for name in CELLS:
        value = getattr(record, name)
        if name in _JSON_COLUMNS:
            value = json.dumps(value, sort_keys=True, allow_nan=False, default=dict)
        elif value is not None and TRIAL_COLUMNS[name].kind is not str:
            value = TRIAL_COLUMNS[name].kind(value)
        cells.append(storable(value))
    return (*cells, digest_of(cells))


def storable(value: Any) -> Any:
    """Return a cell as it can be stored: half characters, as in some file names, become their escapes."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def from_row(row: Mapping[str, Any]) -> TrialRecord:
    """Return the record in a row.

    Raises:
        ValueError: If the row holds no record; says why in one line.
    """
    try:
        return _record(row)
    except UNREADABLE as error:
        raise ValueError(reason(error)) from error


def _record(row: Mapping[str, Any]) -> TrialRecord:
    values = {name: row[name] for name in RECORD_COLUMNS}
    for name, value in values.items():
        kind, optional = TRIAL_COLUMNS[name]
        if type(value) is not kind and not (optional and value is None):
            raise ValueError(f"{name} must be {_WORDS[kind]}, got {type(value).__name__}")
    for name in _JSON_COLUMNS:
        values[name] = _from_json(values[name], name=name)
    for name in ("genotype", "details"):
        if not isinstance(values[name], dict):
            raise ValueError(f"{name} must be a JSON object, got {type(values[name]).__name__}")
    values["curve"] = tuple((at, score, loss) for at, score, loss in values["curve"])
    if any(isinstance(at, bool) or not isinstance(at, int) for at, _, _ in values["curve"]):
        raise ValueError("curve must count iterations in whole numbers")
    if values["higher_is_better"] not in (0, 1):
        raise ValueError(f"higher_is_better must be 0 or 1, got {values['higher_is_better']}")
    values["higher_is_better"] = bool(values["higher_is_better"])
    return TrialRecord(**values)


def reason(error: Exception) -> str:
    """Return what an error says in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _from_json(text: str, *, name: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} is not readable JSON ({error})") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no value of a record")
