"""Which series, rows and cases train, validate and test: what a file tells of it, and what is written to one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from downstream.errors import DataError

SCHEMA = 1
Integers = NDArray[np.int64]


class Ends(NamedTuple):
    """Where the parts of a series end, in rows from its first one; each part begins where the one before ends."""

    train: int
    validation: int
    test: int


class CaseParts(NamedTuple):
    """Places of cases, ascending, and the folds of those that train.

    Attributes:
        train: (n_train,).
        test: (n_test,).
        folds: The fold of each training case, for every repeat, (n_train,); empty where the file names none.
    """

    train: Integers
    test: Integers
    folds: tuple[Integers, ...]


def series_facts(series: Sequence[tuple[str, int, Ends]], *, left_out: Sequence[bool], has_ids: bool) -> dict[str, Any]:
    """Return the parts of series as JSON values; spans are half-open, in rows.

    Args:
        series: Name, number of rows and ends of the parts of every series, in the order of the data.
        left_out: Whether each cannot be used.
        has_ids: Whether the names are ids of their own.
    """
    listed = [
        {
            "position": position,
            "id": name if has_ids else None,
            "rows": n_rows,
            **{part: [begin, end] for part, (begin, end) in zip(_PARTS, pairwise((0, *own)), strict=True)},
            "left_out": out,
        }
        for position, ((name, n_rows, own), out) in enumerate(zip(series, left_out, strict=True))
    ]
    return {"series": listed}


def case_facts(names: Sequence[str], *, n_cases: int, train: Integers, test: Integers) -> dict[str, Any]:
    """Return the parts of cases as JSON values.

    Args:
        names: Ids of all cases; empty where they have none.
        n_cases: How many there are.
        train: Places of those that train and validate.
        test: Places of those of the test part.
    """

    def of(places: Integers) -> dict[str, Any]:
        listed = places.tolist()
        return {"positions": listed, "ids": [names[place] for place in listed] if names else None}

    return {"cases": n_cases, "training": of(train), "test": of(test)}


def file_text(facts: Mapping[str, Any]) -> str:
    """Return the file of a task's parts, a line for each fact."""
    lines = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in {"schema": SCHEMA, **facts}.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


@dataclass(frozen=True)
class GivenParts:
    """The parts that a file tells.

    Args:
        path: Of the file.
        content: What it holds.
    """

    path: str
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: str, *, kind: str) -> GivenParts:
        """Read a file for data of a kind.

        Raises:
            DataError: If it cannot be read, holds something else, or is about another kind of task.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{path}: cannot be read as a file of splits ({error})") from error
        if not isinstance(content, dict) or content.get("schema") != SCHEMA or "kind" not in content:
            raise DataError(f"{path}: it must hold splits as a run writes them to splits.json (schema {SCHEMA})")
        if content["kind"] != kind:
            raise DataError(f"{path}: it is about {content['kind']}, and the data is read for {kind}")
        return cls(path, content)

    def of_series(self, names: Sequence[str], rows: Sequence[int], *, has_ids: bool, source: str) -> list[Ends]:
        """Return the ends of the parts of every series; known again by their ids, else by their places.

        Raises:
            DataError: If the file is about other series, or its parts do not follow one another.
        """
        entries = self.content.get("series")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise DataError(f"{self.path}: it must list the series")
        if len(entries) != len(names):
            raise DataError(f"{self.path}: it is about {len(entries)} series, and {source} has {len(names)}")
        own: dict[Any, Mapping[str, Any]] = {entry.get("id"): entry for entry in entries}
        by_id = has_ids and None not in own
        found = []
        for position, (name, n_rows) in enumerate(zip(names, rows, strict=True)):
            if by_id and name not in own:
                raise DataError(f"{self.path}: it knows no series {name!r}, which {source} has")
            entry = own[name] if by_id else entries[position]
            if entry.get("rows") != n_rows:
                raise DataError(
                    f"{self.path}: series {name!r} has {entry.get('rows')} rows there, {n_rows} in {source}"
                )
            found.append(self._ends(entry, name=name, n_rows=n_rows))
        return found

    def _ends(self, entry: Mapping[str, Any], *, name: str, n_rows: int) -> Ends:
        spans = [entry.get(part) for part in _PARTS]
        flat = [edge for span in spans if isinstance(span, list) and len(span) == 2 for edge in span]
        begins, ends = flat[::2], flat[1::2]
        whole = len(flat) == 2 * len(_PARTS) and all(type(edge) is int for edge in flat)
        if not whole or begins != [0, *ends[:-1]] or not 0 < ends[0] < ends[1] <= ends[2] <= n_rows:
            raise DataError(
                f"{self.path}: the parts of series {name!r} must be training [0, a], validation [a, b] and test [b, c] "
                f"with 0 < a < b <= c <= {n_rows}, got {spans}"
            )
        return Ends(*ends)

    def of_cases(self, names: Sequence[str], *, n_cases: int, source: str) -> CaseParts:
        """Return the places of the cases of every part; known again by their ids, else by their places.

        Args:
            names: Ids of all cases in the order of the data; empty where they have none, or not each its own.
            n_cases: How many there are.
            source: For messages.

        Raises:
            DataError: If the file is about other cases, names one twice, or its folds are none.
        """
        if self.content.get("cases") != n_cases:
            raise DataError(f"{self.path}: it is about {self.content.get('cases')} cases, and {source} has {n_cases}")
        train, test = (self._places(part, names, n_cases=n_cases, source=source) for part in ("training", "test"))
        together = np.concatenate([train, test])
        if not len(train) or len(np.unique(together)) < len(together):
            raise DataError(f"{self.path}: there must be training cases, and no case may be in two places")
        order = np.argsort(train)
        return CaseParts(train[order], np.sort(test), tuple(folds[order] for folds in self._folds(len(train))))

    def _places(self, part: str, names: Sequence[str], *, n_cases: int, source: str) -> Integers:
        told = self.content.get(part)
        told = told if isinstance(told, dict) else {}
        positions, ids = told.get("positions"), told.get("ids")
        if names and isinstance(ids, list):
            place_of = {name: place for place, name in enumerate(names)}
            strange = next((name for name in ids if name not in place_of), None)
            if strange is not None:
                raise DataError(f"{self.path}: {source} has no case {strange!r}")
            return np.asarray([place_of[name] for name in ids], dtype=np.int64)
        if not isinstance(positions, list) or not all(type(at) is int and 0 <= at < n_cases for at in positions):
            raise DataError(f"{self.path}: the positions of {part} cases must be a list of numbers in 0..{n_cases - 1}")
        return np.asarray(positions, dtype=np.int64)

    def _folds(self, n_train: int) -> list[Integers]:
        told = self.content.get("validation")
        listed = told.get("folds") if isinstance(told, dict) else []
        repeats = listed if isinstance(listed, list) else [listed]
        for folds in repeats:
            listed = folds if isinstance(folds, list) and all(type(fold) is int for fold in folds) else []
            numbers = set(listed)
            if len(numbers) < 2 or len(listed) != n_train or numbers != set(range(len(numbers))):
                raise DataError(
                    f"{self.path}: folds must be the numbers 0, 1, ... of two or more, one for each of the {n_train} "
                    "training cases"
                )
        return [np.asarray(folds, dtype=np.int64) for folds in repeats]


_PARTS = ("training", "validation", "test")
