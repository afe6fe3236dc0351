"""The `.arff` form of the UCR and UEA archives: numeric attributes and a nominal class, or one relation per case."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from downstream.data.files.opening import read_text
from downstream.data.raw import CaseSet, Floats
from downstream.errors import DataError

_NUMERIC = {"numeric", "real", "integer"}
_ATTRIBUTE = re.compile(r"@attribute\s+(?:'[^']*'|\"[^\"]*\"|\S+)\s+(.*)", re.IGNORECASE)


def read_arff_cases(path: Path) -> CaseSet:
    """Read an `.arff` file whose last attribute is the class; `?` is missing.

    In the multivariate form the first attribute is relational: a quoted cell
    whose channels are separated by a literal backslash and n.

    Raises:
        DataError: If it cannot be opened, its attributes are of another kind, or a line does not fit.
    """
    lines = read_text(path).splitlines()
    first = next((n for n, line in enumerate(lines, 1) if line.strip().lower() == "@data"), None)
    if first is None:
        raise DataError(f"{path.name}: there is no @data line")
    width = _check_attributes(lines[:first], source=path.name)
    cases: list[Floats] = []
    labels = []
    for number, line in enumerate(lines[first:], first + 1):
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        case, label = _parse_case(text, where=f"{path.name}: line {number}")
        if width is not None and len(case) != width:
            raise DataError(f"{path.name}: line {number} has {len(case)} values, the header declares {width}")
        if cases and case.shape[1] != cases[0].shape[1]:
            raise DataError(
                f"{path.name}: line {number} has {case.shape[1]} channels, the first case has {cases[0].shape[1]}"
            )
        cases.append(case)
        labels.append(label)
    if not cases:
        raise DataError(f"{path.name}: there is no case after @data")
    variates = tuple(f"channel_{i}" for i in range(cases[0].shape[1]))
    return CaseSet(path.name, variates, tuple(cases), tuple(labels))


def _check_attributes(header: list[str], *, source: str) -> int | None:
    """Return the number of values per case, or None in the relational form."""
    types = [found.group(1).strip().lower() for line in header if (found := _ATTRIBUTE.match(line.strip()))]
    if not types or not types[-1].startswith("{"):
        raise DataError(f"{source}: the last attribute must be the class, as a list of names in braces")
    if types[0] == "relational":
        return None
    for kind in types[:-1]:
        if kind.split()[0] not in _NUMERIC:
            raise DataError(f"{source}: every attribute before the class must be numeric, got {kind!r}")
    return len(types) - 1


def _parse_case(text: str, *, where: str) -> tuple[Floats, str]:
    if text[0] in "'\"":
        end = text.rfind(text[0], 1)
        rest = text[end + 1 :].lstrip()
        if end <= 0 or not rest.startswith(","):
            raise DataError(f"{where} must be a quoted relation, a comma and a class label")
        channels, label = text[1:end].split("\\n"), rest[1:]
    else:
        values, comma, label = text.rpartition(",")
        if not comma:
            raise DataError(f"{where} has no comma between its values and its class label")
        channels = [values]
    try:
        rows = [np.array(channel.replace("?", "nan").split(","), dtype=np.float64) for channel in channels]
    except ValueError as error:
        raise DataError(f"{where} holds something that is not a number ({error})") from error
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise DataError(f"{where} has channels of different length {sorted(lengths)}; they must be equal in one case")
    return np.stack(rows, axis=1), label.strip().strip("'\"")
