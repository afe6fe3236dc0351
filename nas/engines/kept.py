"""Workers that outlive a call of `run_candidates`, so that the next one need not start any."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from nas.engines._worker import Worker

_kept: ContextVar[list[Worker] | None] = ContextVar("workers kept", default=None)


@contextlib.contextmanager
def workers_kept() -> Iterator[None]:
    """Have the workers of a call of `run_candidates` wait for the next one, until the end of the outermost block.

    An engine without processes of its own takes no notice; what a call finds does not depend on it.
    """
    if _kept.get() is not None:
        yield
        return
    idle: list[Worker] = []
    before = _kept.set(idle)
    try:
        yield
    finally:
        _kept.reset(before)
        _stop_all(idle)


@contextlib.contextmanager
def idle_workers() -> Iterator[list[Worker]]:
    """Yield where a call takes workers from and puts them: kept ones, or its own, which leave at the end."""
    kept = _kept.get()
    if kept is not None:
        yield kept
        return
    own: list[Worker] = []
    try:
        yield own
    finally:
        _stop_all(own)


def _stop_all(idle: list[Worker]) -> None:
    while idle:
        idle.pop().stop()
