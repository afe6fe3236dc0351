"""Trials that misbehave when the environment says so; imported by drivers and by their workers.

`MISBEHAVE` is a list such as `hang:KEY eat:KEY die:KEY` of genotype keys, `PAUSE` the seconds that every trial
waits first, `WORKERS` a folder where a worker leaves a file with its trial's id under its process id, and
`CLOCK=jumping` makes the wall clock jump.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import time
from pathlib import Path
from typing import Any

from nas.trials import trial as trials

_run = trials.run_trial

if os.environ.get("CLOCK") == "jumping":
    _steps = random.Random(os.getpid())
    _true_time = time.time
    time.time = lambda: _true_time() + _steps.uniform(-1e6, 1e6)


def run(plan: Any, **rest: Any) -> Any:
    """Run a trial, unless its genotype is to misbehave."""
    if "WORKERS" in os.environ:
        (Path(os.environ["WORKERS"]) / str(os.getpid())).write_text(plan.id, encoding="utf-8")
    rules = dict(rule.split(":")[::-1] for rule in os.environ.get("MISBEHAVE", "").split())
    what = rules.get(plan.genotype.key, "")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang":
        re.match(r"(a+)+$", "a" * 64 + "b")  # for ever, in C, holding the interpreter's lock
    if what == "eat":
        eaten = [bytearray(2**26) for _ in itertools.count()]
        raise AssertionError(len(eaten))
    time.sleep(float(os.environ.get("PAUSE", "0")))
    return _run(plan, **rest)
