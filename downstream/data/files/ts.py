"""The `.ts` text form of the UCR and UEA archives: `@` header, one case per line, class label last."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from downstream.data.files.opening import read_text
from downstream.data.raw import CaseSet, Floats
from downstream.errors import DataError


def read_ts_cases(path: Path) -> CaseSet:
    """Read a `.ts` file; channels are separated by `:`, `?` is missing, lengths may differ.

    Raises:
        DataError: If it cannot be opened, has time stamps or no class labels, or a line does not fit.
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
        key, _, value = text[1:].partition(" ")
        if key.lower() == "data":
            first = number
            break
        header[key.lower()] = value.strip()
    if first is None:
        raise DataError(f"{path.name}: there is no @data line")
    known = _declared_classes(header, source=path.name)
    cases: list[Floats] = []
    labels = []
    for number, line in enumerate(lines[first:], first + 1):
        text = line.strip()
        if not text or text[0] in "#%":
            continue
        case, label = _parse_case(text, where=f"{path.name}: line {number}")
        if known and label not in known:
            raise DataError(f"{path.name}: line {number} has the label {label!r}, which @classLabel does not declare")
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


def _declared_classes(header: dict[str, str], *, source: str) -> frozenset[str]:
    if header.get("timestamps", "false").lower() == "true":
        raise DataError(f"{source}: .ts files with time stamps (@timestamps true) are not supported; write values only")
    if header.get("targetlabel", "false").lower().startswith("true"):
        raise DataError(f"{source}: this is a regression set (@targetlabel true); classification needs class labels")
    words = header.get("classlabel", "").split()
    if not words or words[0].lower() != "true":
        raise DataError(f"{source}: the cases have no class label (@classLabel is not true)")
    return frozenset(words[1:])


def _parse_case(text: str, *, where: str) -> tuple[Floats, str]:
    *fields, label = text.split(":")
    if not fields:
        raise DataError(f"{where} has no ':' between its values and its class label")
    channels = []
    for field in fields:
        try:
            channels.append(np.array(field.replace("?", "nan").split(","), dtype=np.float64))
        except ValueError as error:
            raise DataError(f"{where} holds something that is not a number ({error})") from error
    lengths = {len(channel) for channel in channels}
    if len(lengths) > 1:
        raise DataError(f"{where} has channels of different length {sorted(lengths)}; they must be equal in one case")
    return np.stack(channels, axis=1), label.strip()
