"""Limits on the time and memory of the code inside a `with` block."""

import contextlib
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType


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

    Args:
        limit: Seconds, > 0, or None for no limit.

    Raises:
        TimeLimitExceeded: In the block, when the time is over.
        ValueError: If called outside the main thread, where no signal arrives (raised by `signal`).
    """
    if limit is None:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeLimitExceeded

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _mapped_bytes() -> int:
    """Return the size of this process's address space; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
