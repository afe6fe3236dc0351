"""The log of a run, `log.txt`: plain lines with a UTC time and a level. The one place that sets up `logging`."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from search_space.sentences import one_line

LOGGER = "nas.run"
_FORMAT, _TIME = "%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ"


class RunLog:
    """Logs to one run's file; use it as a context manager.

    The messages are those of the standard logger `nas.run`, so a program that sets up logging gets them too. Two runs
    in one process keep apart: a file takes the messages of its own run only.

    Args:
        path: The file; lines are appended.
    """

    def __init__(self, path: str | Path) -> None:
        run = str(path)
        self._handler = _File(path, encoding="utf-8")
        lines = logging.Formatter(_FORMAT, _TIME)
        lines.converter = time.gmtime
        self._handler.setFormatter(lines)
        self._handler.addFilter(lambda record: getattr(record, "run", None) == run)
        self._logger = logging.getLogger(LOGGER)
        self._extra: Mapping[str, Any] = {"run": run}
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self._handler)

    def write(self, level: int, message: str) -> None:
        """Log one message, made to fit a line.

        Raises:
            OSError: If the disk does not take it, with the file's name.
        """
        self._logger.log(level, "%s", one_line(message), extra=self._extra)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self._handler)
        with contextlib.suppress(OSError):  # of a line that did not get through, which was told then
            self._handler.close()


class _File(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Raise what went wrong, such as a full disk, in place of printing it."""
        error = sys.exception()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, self.baseFilename) from error
        raise
