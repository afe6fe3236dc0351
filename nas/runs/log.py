"""The log of a run, `log.txt`: plain lines with a UTC time and a level."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from nas.runs.lines import WholeLines
from search_space.sentences import one_line

_LOGGER = logging.getLogger("nas.run")
_LOGGER.addHandler(logging.NullHandler())  # who sets nothing up hears nothing


class RunLog(WholeLines):
    """Logs to one run's file, and to the standard logger `nas.run` for programs that set up logging."""

    def write(self, level: int, message: str) -> None:
        """Log one message, made to fit a line.

        Raises:
            OSError: If the disk does not take it, with the file's name.
        """
        line = one_line(message)
        _LOGGER.setLevel(logging.INFO)
        _LOGGER.log(level, "%s", line)
        self.append(f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%SZ} {logging.getLevelName(level)} {line}")


@contextmanager
def warnings_heard(hear: Callable[[str], object]) -> Iterator[None]:
    """Tell the warnings to the user inside the block to somebody else as well, each as its sentence."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, UserWarning):
            hear(str(message))
        before(message, category, *where, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before
