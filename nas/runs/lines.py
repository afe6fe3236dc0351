"""Files of lines, plain or JSON: appended whole line by whole line, read past whatever a kill cut off."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

LONGEST_LINE = 2**16  # bytes; a longer one is not ours


class WholeLines:
    """Appends lines to a file; use it as a context manager.

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

    def append(self, line: str) -> None:
        """Append one line.

        Raises:
            OSError: If the disk does not take it, with the file's name.
        """
        rest = (("\n" if self._cut_off else "") + line + "\n").encode("utf-8", "backslashreplace")
        self._cut_off = True
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from error  # a full disk is told without a name
        self._cut_off = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


class JsonLines(WholeLines):
    """Appends objects to a file, one line each."""

    def write(self, content: Mapping[str, Any]) -> None:
        """Append one object; a number that is not finite becomes null.

        Raises:
            OSError: If the disk does not take it, with the file's name.
        """
        self.append(json.dumps({name: _finite(value) for name, value in content.items()}, allow_nan=False))


def read_json_lines(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file in order; a line that is none, such as one cut off by a kill, is left out.

    Raises:
        OSError: If the file cannot be read.
    """
    with Path(path).open("rb") as file:
        begins = True  # whether a line begins here
        while line := file.readline(LONGEST_LINE):
            ends = line.endswith(b"\n")
            content = json_object(line) if begins and ends else {}
            begins = ends
            if content:
                yield content


def json_object(text: bytes) -> dict[str, Any]:
    """Return the object that a text is; an empty one where it is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
