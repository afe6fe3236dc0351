"""A trial record as a row of the bank, and back; and the digest that tells a row from a changed one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np

from ahc.bank.schema import TRIAL_COLUMNS
from ahc.record import TrialRecord

JSON_COLUMNS = ("genotype", "curve", "details")
RECORD_COLUMNS = tuple(field.name for field in fields(TrialRecord))
PLAIN_COLUMNS = tuple(name for name in RECORD_COLUMNS if name not in JSON_COLUMNS)

INTEGERS = ("iterations", "rng_seed", "higher_is_better", "best_iteration", "n_parameters")
REALS = ("score", "untrained_score", "seconds")
_OPTIONAL = ("score", "untrained_score", "best_iteration")
_TYPES: dict[str, type] = {name: int if name in INTEGERS else float if name in REALS else str
                           for name in RECORD_COLUMNS}  # fmt: skip
_WORDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text"}


class TaskRow(NamedTuple):
    """A row of the table of tasks, as it lies on disk: `spec` is JSON, `embedding` float32 in little-endian order."""

    task_hash: str
    name: str
    family: str
    kind: str
    spec: str
    embedding: bytes | None
    embedding_version: str

    def problem(self) -> str:
        """Return what is wrong with the row, or an empty text."""
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
        if not np.isfinite(np.frombuffer(self.embedding, dtype="<f4")).all():
            return "the embedding must be finite"
        return ""


# whatever a foreign cell makes the reader below raise
UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError)


def to_row(record: TrialRecord) -> tuple[Any, ...]:
    """Return the cells of a record in the order of `TRIAL_COLUMNS`, the digest last."""
    values = {name: getattr(record, name) for name in RECORD_COLUMNS}
    for name in JSON_COLUMNS:
        values[name] = json.dumps(values[name], sort_keys=True, allow_nan=False, default=dict)
    values["higher_is_better"] = int(record.higher_is_better)
    for name in REALS:
        values[name] = None if values[name] is None else float(values[name])
    cells = tuple(storable(values[name]) for name in TRIAL_COLUMNS[:-1])
    return (*cells, digest_of(cells))


def storable(value: Any) -> Any:
    """Return a cell as it can be stored: half characters, as in some file names, become their escapes."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def digest_of(cells: Sequence[Any]) -> str:
    """Return 16 hex digits of the SHA-256 of a row's cells, in the order on disk, without the digest."""
    text = json.dumps([cell.hex() if isinstance(cell, bytes) else cell for cell in cells], separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def from_row(row: Mapping[str, Any]) -> TrialRecord:
    """Return the record in a row.

    Raises:
        ValueError, TypeError, KeyError, OverflowError, RecursionError: If the row holds no record (`UNREADABLE`).
    """
    values = {name: row[name] for name in RECORD_COLUMNS}
    for name, kind in _TYPES.items():
        value = values[name]
        if value is None and name in _OPTIONAL:
            continue
        if type(value) is not kind:
            raise ValueError(f"{name} must be {_WORDS[kind]}, got {type(value).__name__}")
    for name in JSON_COLUMNS:
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
    """Return why a row could not be read, as one line."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return " ".join(str(error).split()) or type(error).__name__


def _from_json(text: str, *, name: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} is not readable JSON ({error})") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no value of a record")
