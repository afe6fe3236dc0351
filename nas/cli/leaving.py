"""How a command that is asked to stop leaves: tidily if it can, and within two seconds in any case.

A termination (a cluster's or a service's polite stop) is treated like Ctrl-C. What both raise arrives between two
Python instructions of the main thread; where a library keeps that thread in its own code, it may be minutes until
then. So a thread listens as well, and ends the process where the command has not left in time. Nothing is lost by
that: whatever is saved is saved whole, workers leave with their driver, and the system lets go of locks.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

INTERRUPTED = 130
TIDY_SECONDS = 1.5
_LATE = b"tscnas: error: interrupted; stopped in the middle of a computation\n"


@contextlib.contextmanager
def leaves_when_asked() -> Iterator[None]:
    """Raise `KeyboardInterrupt` in the block at a termination; end the process if it does not leave the block then.

    The same holds for a second Ctrl-C; the first may be let to finish what runs (`nas.engines.interruption`).
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal arrives here
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    left = threading.Event()
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    threading.Thread(target=_end_in_time, args=(told, left), daemon=True).start()
    before = signal.signal(signal.SIGTERM, interrupt)
    others = signal.set_wakeup_fd(telling, warn_on_full_buffer=False)
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(others)
        signal.signal(signal.SIGTERM, before)
        os.close(telling)


def _end_in_time(told: int, left: threading.Event) -> None:
    """Read the numbers of signals as they arrive, whatever the main thread does, until there is nobody to send them."""
    asked = 0
    with open(told, "rb", buffering=0) as numbers:
        while number := numbers.read(1):
            asked += 2 * (number[0] == signal.SIGTERM) + (number[0] == signal.SIGINT)
            if asked >= 2 and not left.wait(TIDY_SECONDS):
                with contextlib.suppress(OSError):
                    os.write(2, _LATE)  # a buffered stream may be in use at this moment
                os._exit(INTERRUPTED)
