"""The `.ts` text form of the UCR, UEA and TSER archives: `@` header, one case per line, its label last."""

from dataclasses import replace
from pathlib import Path

from downstream.data.files.case_lines import case_of, read_case_lines
from downstream.data.files.opening import read_text
from downstream.data.raw import CaseSet, Floats
from downstream.errors import DataError


def read_ts_cases(path: Path) -> CaseSet:
    """Read a `.ts` file; channels are separated by `:`, `?` is missing, lengths may differ, labels may be missing.

    Raises:
        DataError: If it cannot be opened, has time stamps, or a line does not fit.
    """
    lines = read_text(path).splitlines()
    header: dict[str, str] = {}
    first = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] in "#%":
            continue
        if not text.startswith("@"):
            raise DataError(f"{path.name}: line {number} is neither a comment nor an @ header line before @data")
        key, _, value = text[1:].replace("\t", " ").partition(" ")
        if key.lower() == "data":
            first = number
            break
        header[key.lower()] = value.strip()
    if first is None:
        raise DataError(f"{path.name}: there is no @data line")
    if _says_true(header, "timestamps"):
        raise DataError(
            f"{path.name}: .ts files with time stamps (@timestamps true) are not supported; write values only"
        )
    has_targets = _says_true(header, "targetlabel")
    has_labels = has_targets or _says_true(header, "classlabel")
    known = frozenset() if has_targets else frozenset(header.get("classlabel", "").split()[1:])

    def parse(text: str, where: str) -> tuple[Floats, str]:
        *channels, label = (field.strip() for field in text.split(":"))
        if not has_labels:
            return case_of([*channels, label], where=where), ""
        if not channels:
            raise DataError(f"{where} has no ':' between its values and its label")
        case = case_of(channels, where=where)
        if known and label not in known:
            raise DataError(f"{where} has the label {label!r}, which @classLabel does not declare")
        return case, label

    cases = read_case_lines(lines, first=first, remarks="#%", parse=parse, source=path.name, has_targets=has_targets)
    return cases if has_labels else replace(cases, labels=cases.labels[:0])


def _says_true(header: dict[str, str], key: str) -> bool:
    return header.get(key, "").lower().startswith("true")
