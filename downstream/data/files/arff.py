"""The `.arff` form of the UCR and UEA archives: numeric attributes and a nominal class, or one relation per case."""

import re
from pathlib import Path
from typing import NamedTuple

from downstream.data.files.case_lines import case_of, read_case_lines
from downstream.data.files.opening import read_text
from downstream.data.raw import CaseSet, Floats
from downstream.errors import DataError

_NUMERIC = {"numeric", "real", "integer"}
_QUOTED = r"'[^'\\]*(?:\\.[^'\\]*)*'|\"[^\"\\]*(?:\\.[^\"\\]*)*\""
_ATTRIBUTE = re.compile(rf"@attribute\s+(?P<name>{_QUOTED}|[^\s{{]+)\s*(?P<kind>.*)", re.IGNORECASE)
_WORD = re.compile(rf"\s*(?P<word>{_QUOTED}|[^,'\"]*?)\s*(?:,|$)")
_LAST = re.compile(rf"(?P<values>.*),\s*(?P<word>{_QUOTED}|[^,'\"]*?)\s*$")
_REMARK = re.compile(rf"((?:[^%'\"]|{_QUOTED})*)%")
_SPARSE = "sparse rows in braces are not read; write the value of every attribute"


class _Attribute(NamedTuple):
    name: str
    kind: str


class _Header(NamedTuple):
    """The number of values per case, None in the relational form, and the declared classes."""

    width: int | None
    classes: frozenset[str]


def read_arff_cases(path: Path) -> CaseSet:
    """Read an `.arff` file whose last attribute is the class; `?` is missing, and what follows a `%` is a remark.

    In the multivariate form the first attribute is relational: a quoted cell
    whose channels are separated by a literal backslash and n.

    Raises:
        DataError: If it cannot be opened, its attributes are of another kind, or a line does not fit.
    """
    lines = read_text(path).splitlines()
    first = next((n for n, line in enumerate(lines, 1) if _without_remark(line).lower() == "@data"), None)
    if first is None:
        raise DataError(f"{path.name}: there is no @data line")
    width, classes = _header(lines[:first], source=path.name)

    def parse(text: str, where: str) -> tuple[Floats, str]:
        channels, label = _fields(_without_remark(text), where=where)
        case = case_of(channels, where=where)
        if width is not None and len(case) != width:
            raise DataError(f"{where} has {len(case)} values, the header declares {width}")
        if label not in classes:
            what = "no class (?)" if label == "?" else f"the class {label!r}, which the header does not declare"
            raise DataError(f"{where} has {what}")
        return case, label

    return read_case_lines(lines, first=first, remarks="%", parse=parse, source=path.name)


def _header(lines: list[str], *, source: str) -> _Header:
    found = (_ATTRIBUTE.match(_without_remark(line)) for line in lines)
    attributes = [_Attribute(_plain(one["name"]), one["kind"].strip()) for one in found if one]
    if not attributes or not re.fullmatch(r"\{.*\}", attributes[-1].kind):
        raise DataError(f"{source}: the last attribute must be the class, as a list of names in braces")
    classes = _names(attributes[-1].kind, source=source)
    if attributes[0].kind.lower() == "relational":
        return _Header(None, classes)
    for name, kind in attributes[:-1]:
        if kind.lower().split("[")[0].strip() not in _NUMERIC:
            raise DataError(f"{source}: every attribute before the class must be numeric, got {kind!r} for {name!r}")
    return _Header(len(attributes) - 1, classes)


def _names(braces: str, *, source: str) -> frozenset[str]:
    """Return the names that a nominal attribute declares."""
    inside, names, place = braces[1:-1], [], 0
    while place < len(inside):
        found = _WORD.match(inside, place)
        if found is None:
            raise DataError(f"{source}: the classes {braces!r} are not a list of names with commas between")
        names.append(_plain(found["word"]))
        place = found.end()
    return frozenset(names)


def _fields(text: str, *, where: str) -> tuple[list[str], str]:
    """Return the text of each channel, and the label."""
    if text[:1] == "{":
        raise DataError(f"{where}: {_SPARSE}")
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        rest = _WORD.fullmatch(text[end + 1 :].lstrip().removeprefix(","))
        if end < 0 or rest is None or not text[end + 1 :].lstrip().startswith(","):
            raise DataError(f"{where} must be a quoted relation, a comma and a class label")
        return text[1:end].split("\\n"), _plain(rest["word"])
    if "'" not in text and '"' not in text:
        values, comma, label = text.rpartition(",")
    else:
        found = _LAST.fullmatch(text)
        values, comma, label = (found["values"], ",", found["word"]) if found else ("", "", "")
    if not comma:
        raise DataError(f"{where} has no comma between its values and its class label")
    return [values], _plain(label.strip())


def _without_remark(line: str) -> str:
    found = _REMARK.match(line) if "%" in line else None
    return (line if found is None else found[1]).strip()


def _plain(word: str) -> str:
    """Return a name without its quotes; a backslash in them makes the next character a plain one."""
    if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word
