"""A limit on time uses the one alarm clock that a process has, and whoever set it before keeps it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from nas.engines.confinement import TimeLimitExceeded, time_limited


@pytest.fixture
def rings() -> Iterator[list[float]]:
    """Yield when the test's own alarm rang."""
    heard: list[float] = []

    def ring(number: int, frame: FrameType | None) -> None:
        heard.append(time.monotonic())

    before = signal.signal(signal.SIGALRM, ring)
    yield heard
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, before)


def work(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)


def test_an_alarm_that_is_not_due_yet_has_its_time_left(rings: list[float]) -> None:
    handler = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 5.0, 7.0)
    with time_limited(60.0):
        work(0.2)
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 4.0 < left < 4.85 and interval == pytest.approx(7.0, abs=0.01)
    assert signal.getsignal(signal.SIGALRM) is handler and not rings


def test_an_alarm_rings_at_its_time_inside_the_block_and_the_limit_holds_all_the_same(rings: list[float]) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    began = time.monotonic()
    with pytest.raises(TimeLimitExceeded), time_limited(0.45):
        work(5.0)
    assert 0.4 < time.monotonic() - began < 4.0 and 1 <= len(rings) <= 4
    assert 0.1 <= rings[0] - began < 0.4
    before = len(rings)
    work(0.25)
    assert len(rings) > before


def test_limits_within_limits_end_the_block_that_they_are_of() -> None:
    with time_limited(5.0):
        with pytest.raises(TimeLimitExceeded), time_limited(0.1):
            work(5.0)
        assert 4.0 < signal.getitimer(signal.ITIMER_REAL)[0] < 4.95
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    with pytest.raises(TimeLimitExceeded), time_limited(0.1), time_limited(5.0):
        work(5.0)


def test_an_alarm_that_nobody_handles_ends_the_process_as_ever() -> None:
    code = (
        "import signal, time\nfrom nas.engines.confinement import time_limited\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.1)\nwith time_limited(5.0):\n    time.sleep(5.0)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGALRM
