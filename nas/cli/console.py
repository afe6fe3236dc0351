"""The streams of a command: they take every name, and a reader that leaves early (`| head`) is no error."""

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TextIO


@contextlib.contextmanager
def console() -> Iterator[None]:
    r"""Print inside the block what a stream cannot encode as an escape, such as `\xe4`; behind it all is as before.

    A name of a file need not be text at all, and after hours of work is no time to find out what a console can show.
    """
    changed = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            changed.append((stream, stream.errors))
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in changed:
            try:
                stream.reconfigure(errors=errors)  # which writes what waits
            except OSError:
                _to_nowhere(stream)


@contextlib.contextmanager
def warnings_in_words(said: Callable[[str], str] = str) -> Iterator[None]:
    """Write a warning to the user inside the block as a sentence, once, without the line of code that it came from.

    Args:
        said: Returns the sentence as it is said here.
    """
    before, told = warnings.formatwarning, set[str]()

    def in_words(message: Warning | str, category: type[Warning], *where: Any, **line: Any) -> str:
        if not issubclass(category, UserWarning) or category is UserWarning:
            return before(message, category, *where, **line)
        text = f"tscnas: warning: {said(str(message))}\n"
        if text in told:
            return ""
        told.add(text)
        return text

    warnings.formatwarning = in_words
    try:
        yield
    finally:
        warnings.formatwarning = before


def show(text: str, *, end: str = "\n") -> None:
    """Print a part of the answer.

    Raises:
        SystemExit: If the reader has left: nobody wants the rest, and the command ends well.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        _to_nowhere(sys.stdout)
        raise SystemExit(0) from None


def say(message: str) -> None:
    """Tell what is wrong, where there is somebody to hear it."""
    with contextlib.suppress(BrokenPipeError):
        print(f"tscnas: error: {message}", file=sys.stderr, flush=True)


def _to_nowhere(stream: TextIO) -> None:
    """Keep the interpreter from writing into a pipe that is closed when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
