"""Files of JSON lines: appended whole line by whole line, read past whatever a kill cut off."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

LONGEST_LINE = 2**16  # bytes; a longer one is not ours


class JsonLines:
    """Appends objects to a file, one line each; use it as a context manager.

    A line is handed to the system in one piece, so a reader sees all of it or, after a kill or on a full disk, its
    beginning. Such a rest of an earlier writer gets a line of its own, and what follows is whole again.

    Args:
        path: The file, made if it is not there.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        size = os.fstat(self._file).st_size
        self._cut_off = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    def write(self, content: Mapping[str, Any]) -> None:
        """Append one object; a number that is not finite becomes null.

        Raises:
            OSError: If the disk does not take it, with the file's name.
        """
        line = json.dumps({name: _finite(value) for name, value in content.items()}, allow_nan=False) + "\n"
        rest = (("\n" if self._cut_off else "") + line).encode()
        self._cut_off = True
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from error  # a full disk is told without a name
        self._cut_off = False

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)


def read_json_lines(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file in order; a line that is none, such as one cut off by a kill, is left out.

    Raises:
        OSError: If the file cannot be read.
    """
    with Path(path).open("rb") as file:
        whole = True  # whether a line begins here
        while line := file.readline(LONGEST_LINE):
            found = _object(line) if whole and line.endswith(b"\n") else None
            whole = line.endswith(b"\n")
            if found is not None:
                yield found


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
