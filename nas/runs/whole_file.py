"""Files that are complete or not there at all, whatever ends the process or the machine meanwhile."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, bring it to the disk, then rename it.

    Raises:
        OSError: If it cannot be written, with the file's name; an earlier content stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        # a full disk is told without a name
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_whole_text(path: Path, text: str) -> None:
    """Write a text as `write_whole` does, in UTF-8; what is no text, as names of files may be, is escaped.

    Raises:
        OSError: If it cannot be written, with the file's name; an earlier content stays.
    """
    write_whole(path, text.encode("utf-8", "backslashreplace"))
