"""The `.arff` form of the UCR and UEA archives: numeric attributes and a nominal class, or one relation per case."""

import re
from pathlib import Path

from downstream.data.files.case_lines import case_of, read_case_lines
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

    def parse(text: str, where: str) -> tuple[Floats, str]:
        channels, label = _fields(text, where=where)
        case = case_of(channels, where=where)
        if width is not None and len(case) != width:
            raise DataError(f"{where} has {len(case)} values, the header declares {width}")
        return case, label

    return read_case_lines(lines, first=first, remarks="%", parse=parse, source=path.name)


def _check_attributes(header: list[str], *, source: str) -> int | None:
    """Return the number of values per case, or None in the relational form."""
    types = [match.group(1).strip().lower() for line in header if (match := _ATTRIBUTE.match(line.strip()))]
    if not types or not types[-1].startswith("{"):
        raise DataError(f"{source}: the last attribute must be the class, as a list of names in braces")
    if types[0] == "relational":
        return None
    for kind in types[:-1]:
        if kind.split()[0] not in _NUMERIC:
            raise DataError(f"{source}: every attribute before the class must be numeric, got {kind!r}")
    return len(types) - 1


def _fields(text: str, *, where: str) -> tuple[list[str], str]:
    """Return the text of each channel, and the label."""
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
    return channels, label.strip().strip("'\"")
