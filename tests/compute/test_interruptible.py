"""Calls that can be left: by a signal, and when their time is over."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time

import pytest

from compute.interruptible import any_left_behind, interruptible


def in_native_code() -> None:
    """Stay for seconds in code that no signal's handler can enter."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", 20_000_000)


def test_what_comes_of_it_is_that_of_the_call() -> None:
    assert interruptible(lambda: 3) == 3 and interruptible(lambda: 4, seconds=60.0) == 4
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 / 0)


def test_it_is_left_when_its_time_is_over() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        interruptible(in_native_code, seconds=0.1)
    assert time.monotonic() - began < 2.0 and any_left_behind()


def test_it_is_left_at_a_signal() -> None:
    began = time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(in_native_code)
    assert time.monotonic() - began < 2.0
