"""Paths as users write them, made plain where they come in."""

import os
from pathlib import Path

from compute.user_error import USAGE, UserError


class PathError(UserError, ValueError):
    """What should be a path is none; the message says what was given."""

    exit_status = USAGE


def user_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with `~` replaced by the home folder.

    Raises:
        PathError: If it is no text, is empty, or there is no such home folder.
    """
    try:
        text = os.fspath(path)
    except TypeError:
        raise PathError(f"a path must be text or a Path, got {type(path).__name__}") from None
    if not isinstance(text, str):
        raise PathError(f"a path must be text or a Path, got {type(text).__name__}")
    if not text:
        raise PathError("a path must not be empty")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise PathError(f"{text}: {error}") from error
