"""The `.tsv` form of the UCR archive: one case per line, class label first, tabs between."""

from pathlib import Path

import numpy as np

from downstream.data.files.opening import read_text
from downstream.data.raw import CaseSet
from downstream.errors import DataError


def read_tsv_cases(path: Path) -> CaseSet:
    """Read a UCR `.tsv` file; `NaN`, `?` and empty cells are missing, lengths may differ.

    Raises:
        DataError: If it cannot be opened, or a line has no values or something that is not a number.
    """
    cases, labels = [], []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        label, *cells = line.rstrip("\r\n").split("\t")
        if not cells:
            raise DataError(f"{path.name}: line {number} has no tab between its class label and its values")
        try:
            values = np.array([cell if cell.strip() not in ("", "?") else "nan" for cell in cells], dtype=np.float64)
        except ValueError as error:
            hint = "; a table with names in its first line needs separator='\\t'" if number == 1 else ""
            raise DataError(
                f"{path.name}: line {number} holds something that is not a number ({error}){hint}"
            ) from error
        cases.append(values[:, None])
        labels.append(label.strip())
    return CaseSet(path.name, ("channel_0",), tuple(cases), np.asarray(labels, dtype=object))
