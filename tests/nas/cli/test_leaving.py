"""Leaving in time: tidily where that is possible, and from native code too."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from nas.cli.leaving import TIDY_SECONDS, leaves_when_asked

CODE = """
import hashlib, os, signal, sys, threading, time
from nas.cli.leaving import leaves_when_asked
signal.signal(signal.SIGINT, {first})
def send():
    for number in {signals}:
        os.kill(os.getpid(), number)
        time.sleep(0.1)
try:
    with leaves_when_asked():
        threading.Timer(0.2, send).start()
        {work}
except KeyboardInterrupt:
    print("tidy", flush=True)
    sys.exit(130)
"""
NATIVE = "hashlib.pbkdf2_hmac('sha256', b'', b'', 2_000_000_000)"
TERM, INT = int(signal.SIGTERM), int(signal.SIGINT)


@pytest.mark.parametrize(
    ("work", "signals", "first", "tidy"),
    [
        ("time.sleep(60)", [TERM], "signal.default_int_handler", True),
        (NATIVE, [TERM], "signal.default_int_handler", False),
        (NATIVE, [INT, INT], "lambda *_: None", False),
    ],
    ids=["asleep", "native", "native, Ctrl-C twice"],
)
def test_a_command_that_is_asked_to_stop_ends(work: str, signals: list[int], first: str, tidy: bool) -> None:
    start = time.monotonic()
    code = CODE.format(work=work, signals=signals, first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 130 and (done.stdout == "tidy\n") is tidy
    assert ("stopped in the middle" in done.stderr) is not tidy
    assert time.monotonic() - start < (10.0 if tidy else 10.0 + TIDY_SECONDS)


def test_afterwards_all_is_as_before() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    with leaves_when_asked():
        assert signal.getsignal(signal.SIGTERM) is not handler
    assert signal.getsignal(signal.SIGTERM) is handler and signal.set_wakeup_fd(-1) == -1
