"""Cases in text files, one per line: what the `.ts` and `.arff` forms share."""

from collections.abc import Callable, Sequence

import numpy as np

from downstream.data.raw import CaseSet, Floats
from downstream.errors import DataError

ParseCase = Callable[[str, str], tuple[Floats, str]]
"""Returns the values (time, channels) and the label of a line; the second text says where it stands."""


def read_case_lines(
    lines: Sequence[str], *, first: int, remarks: str, parse: ParseCase, source: str, has_targets: bool = False
) -> CaseSet:
    """Read the cases below a header.

    Args:
        lines: All lines of the file.
        first: How many of them are the header, its `@data` line included.
        remarks: The characters that a remark may begin with.
        parse: Reads a line.
        source: Name of the file.
        has_targets: Whether its labels are numbers to be predicted.

    Raises:
        DataError: If there is no case, or one has other channels than the first.
    """
    cases: list[Floats] = []
    labels = []
    for number, line in enumerate(lines[first:], first + 1):
        text = line.strip()
        if not text or text[0] in remarks:
            continue
        case, label = parse(text, f"{source}: line {number}")
        if cases and case.shape[1] != cases[0].shape[1]:
            raise DataError(
                f"{source}: line {number} has {case.shape[1]} channels, the first case has {cases[0].shape[1]}"
            )
        cases.append(case)
        labels.append(label)
    if not cases:
        raise DataError(f"{source}: there is no case after @data")
    variates = tuple(f"channel_{i}" for i in range(cases[0].shape[1]))
    return CaseSet(source, variates, tuple(cases), np.asarray(labels, dtype=object), has_targets)


def case_of(channels: Sequence[str], *, where: str) -> Floats:
    """Return channels, each numbers with commas between, as (time, channels); `?` is missing.

    Raises:
        DataError: If something is not a number, or the channels differ in length.
    """
    try:
        rows = [np.array(channel.replace("?", "nan").split(","), dtype=np.float64) for channel in channels]
    except ValueError as error:
        raise DataError(f"{where} holds something that is not a number ({error})") from error
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise DataError(f"{where} has channels of different length {sorted(lengths)}; they must be equal in one case")
    return np.stack(rows, axis=1)
