"""Calls into native code that let signals arrive, and time run out, while they last.

A signal's handler runs between two Python instructions of the main thread; a library that stays in its own code for
minutes keeps it out. Here such a call runs in a thread of its own and the caller waits, which a signal may interrupt.
"""

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Returned = TypeVar("Returned")


def interruptible(call: Callable[[], Returned], *, seconds: float = math.inf) -> Returned:
    """Return what a call returns, or leave it behind when a signal interrupts the wait or the time is over.

    What is left behind goes on by itself and is heard no more, so a call must have a bound of its own too. It keeps no
    process from leaving.

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

    threading.Thread(target=work, daemon=True).start()
    return answer.result(None if seconds == math.inf else max(seconds, 0.0))
