"""Whether candidates can be run: processes of the default engine, and a Ray cluster."""

import os
import platform
import threading
import time
from collections.abc import Iterator

from nas.cli.doctor.check import FAIL, OK, Check
from nas.cli.doctor.packages import version_of
from nas.engines.available.ray import answers, known_cluster
from nas.engines.job import Job
from nas.engines.run import run_candidates

LONGEST_START, LONGEST_ANSWER = 60.0, 5.0  # seconds


def check_engines() -> Iterator[Check]:
    """Yield a check per engine that needs more than this process."""
    yield check_processes()
    yield check_ray()


def check_processes() -> Check:
    """Run a small job in a worker, as the engine `process` runs candidates."""
    began = time.monotonic()
    (result,) = run_candidates([Job("doctor", platform.python_version)], workers=1, time_limit=LONGEST_START)
    if result.status == "completed":
        return Check("worker processes", OK, f"the first one answers after {time.monotonic() - began:.1f} s")
    advice = "pass --engine serial, which trains in one process"
    return Check("worker processes", FAIL, f"none can be started ({result.error})", advice)


def check_ray() -> Check:
    """Check whether a Ray cluster answers where one is known; none is started, and none is waited for long."""
    version = version_of("ray")
    if version is None:
        return Check("ray cluster", OK, "Ray is not installed, and only --engine ray needs it")
    named, address = os.environ.get("RAY_ADDRESS", ""), known_cluster()
    if address in ("", "local"):
        if named == "auto":
            return Check("ray cluster", FAIL, "RAY_ADDRESS=auto, but no cluster runs here", "ray start --head")
        return Check("ray cluster", OK, "none is known; --engine ray starts one on this machine")
    if _answers_in_time(address):
        return Check("ray cluster", OK, f"{address} answers; --engine ray joins it")
    if named:
        advice = "start that cluster, or unset RAY_ADDRESS"
        return Check("ray cluster", FAIL, f"nothing answers at RAY_ADDRESS={named}", advice)
    return Check("ray cluster", OK, f"the one at {address} has ended; --engine ray starts another on this machine")


def _answers_in_time(address: str) -> bool:
    """Ask in a thread: finding the address of a host's name has no time limit of its own."""
    answered: list[bool] = []
    asking = threading.Thread(target=lambda: answered.append(answers(address)), daemon=True)
    asking.start()
    asking.join(LONGEST_ANSWER)
    return answered == [True]
