"""Limits on the time and memory of the code inside a `with` block."""

import contextlib
import math
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self


class TimeLimitExceeded(BaseException):
    """The block ran longer than allowed; not an `Exception`, so that no handler inside swallows it."""


@contextlib.contextmanager
def memory_limited(limit: int | None) -> Iterator[None]:
    """Let the process map at most `limit` more bytes than it has mapped now.

    The limit is on address space: libraries that are loaded already do not
    count. A GPU driver reserves far more address space than it uses, so pass
    None for work on a GPU.

    Args:
        limit: Bytes, > 0, or None for no limit.

    Raises:
        MemoryError: In the block, by the allocation that exceeds the limit.
    """
    if limit is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _mapped_bytes() + limit
    known = [bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def time_limited(limit: float | None) -> Iterator[None]:
    """Interrupt the block after `limit` seconds of wall time, between two Python instructions.

    A process has one alarm clock. Whoever set it before hears it at its time, inside the block too, and has it back
    behind the block. A handler that is not Python's could not be given back, so the clock is left to it.

    Args:
        limit: Seconds, > 0, or None for no limit.

    Raises:
        TimeLimitExceeded: In the block, when the time is over.
        ValueError: If called outside the main thread, where no signal arrives (raised by `signal`).
    """
    if limit is None or (handler := signal.getsignal(signal.SIGALRM)) is None:
        yield
        return
    ends, outer = time.monotonic() + limit, _Alarm.taken()

    def ring(number: int, frame: FrameType | None) -> None:
        if outer.rings > time.monotonic():
            raise TimeLimitExceeded
        outer.next_time()
        _set_alarm(min(ends, outer.rings))
        if callable(handler):
            handler(number, frame)
        elif handler == signal.SIG_DFL:
            signal.signal(signal.SIGALRM, handler)
            signal.raise_signal(signal.SIGALRM)  # which ends the process

    signal.signal(signal.SIGALRM, ring)
    _set_alarm(min(ends, outer.rings))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler)
        _set_alarm(outer.rings, interval=outer.interval)


@dataclass
class _Alarm:
    """A timer of this process: when it rings next, infinity for never, and every how many seconds then, 0 for once."""

    rings: float
    interval: float

    @classmethod
    def taken(cls) -> Self:
        """Return the timer that is set, and stop it."""
        delay, interval = signal.setitimer(signal.ITIMER_REAL, 0.0)
        return cls(time.monotonic() + delay if delay else math.inf, interval)

    def next_time(self) -> None:
        """Note that it rings now."""
        self.rings = time.monotonic() + self.interval if self.interval else math.inf


def _set_alarm(rings: float, *, interval: float = 0.0) -> None:
    if rings < math.inf:
        signal.setitimer(signal.ITIMER_REAL, max(rings - time.monotonic(), 1e-6), interval)


def _mapped_bytes() -> int:
    """Return the size of this process's address space; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
