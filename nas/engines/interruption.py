"""Ctrl-C in two steps: the first lets what runs come to its end, the second stops it."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_FIRST = b"\ninterrupted: what runs now is finished and saved; Ctrl-C again stops it at once\n"


class Interruption:
    """Whether the user asked to stop."""

    def __init__(self) -> None:
        self.requested = False


@contextlib.contextmanager
def first_interrupt_noted() -> Iterator[Interruption]:
    """Note the first Ctrl-C inside the block instead of raising; a second one raises.

    Outside the main thread no signal arrives, and a job in the background of a shell is
    deaf to Ctrl-C: both stay as they are.

    Raises:
        KeyboardInterrupt: In the block, at the second Ctrl-C.
    """
    noted = Interruption()
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not in_main_thread or not callable(before):
        yield noted
        return

    def note(number: int, frame: FrameType | None) -> None:
        if noted.requested:
            raise KeyboardInterrupt
        noted.requested = True
        with contextlib.suppress(OSError):
            os.write(2, _FIRST)  # a buffered stream may be in use at this moment

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
