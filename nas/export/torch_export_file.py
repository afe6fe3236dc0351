"""Files that `torch.export.load` reads."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

FACTS = "facts.json"
"""Name of the facts among the extra files of what torch writes."""


def content(program: ExportedProgram, facts: Mapping[str, Any]) -> bytes:
    """Return a file of the program, with facts beside it."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={FACTS: json.dumps(facts)})
    return file.getvalue()


def reader(content: bytes) -> Callable[[Tensor], Tensor]:
    """Return what the file computes."""
    module = torch.export.load(io.BytesIO(content)).module()
    return lambda windows: module(windows)
