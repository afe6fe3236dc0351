"""The file `report.json` of a run: plain JSON, numbers with a few digits."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nas.runs.whole_file import write_whole_text

EVIDENCE_NAME = "report.json"
SCHEMA = 1
_DIGITS = 5


def write_evidence(folder: Path, evidence: Mapping[str, Any]) -> None:
    """Write what was gathered; a number that is not finite becomes null."""
    write_whole_text(folder / EVIDENCE_NAME, json.dumps({"schema": SCHEMA, **_plain(evidence)}, allow_nan=False) + "\n")


def read_evidence(folder: Path) -> dict[str, Any]:
    """Return what was gathered; an empty one where the run has no such file, or one that cannot be read."""
    try:
        content = json.loads((folder / EVIDENCE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) and content.get("schema") == SCHEMA else {}


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case np.ndarray():
            return _plain(value.tolist())
        case list() | tuple():
            return [_plain(each) for each in value]
        case np.generic():
            return _plain(value.item())
        case float():
            return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value
