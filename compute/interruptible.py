"""Calls into native code that let signals arrive, and time run out, while they last.

A signal's handler runs between two Python instructions of the main thread; a library that stays in its own code for
minutes keeps it out. Here such a call runs in a thread of its own and the caller waits, which a signal may interrupt.
"""

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar
from weakref import WeakSet

Returned = TypeVar("Returned")
_left_behind: WeakSet[threading.Thread] = WeakSet()


def interruptible(call: Callable[[], Returned], *, seconds: float = math.inf) -> Returned:
    """Return what a call returns, or leave it behind when a signal interrupts the wait or the time is over.

    What is left behind goes on by itself and is heard no more, so a call must have a bound of its own too.

    Args:
        call: Takes nothing, and lets go of the interpreter while it computes.
        seconds: Wall time that it may take.

    Raises:
        TimeoutError: If it took longer.
    """
    answer: Future[Returned] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as problem:
            answer.set_exception(problem)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        return answer.result(None if seconds == math.inf else max(seconds, 0.0))
    finally:
        if not answer.done():
            _left_behind.add(thread)


def any_left_behind() -> bool:
    """Return whether a call that was left behind still computes.

    Then the interpreter must not be taken down, which takes away what the call computes with; `os._exit` leaves.
    """
    return any(thread.is_alive() for thread in _left_behind)
