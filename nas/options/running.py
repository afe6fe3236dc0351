"""Options that say how candidates are run; they change nothing about what is found."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from nas.options.fields import OptionError, option

ENGINE_NAMES = ("process", "serial", "ray")
"""The keys of `nas.engines.ENGINES`, here without importing any."""
PRECISIONS = ("float32", "bfloat16")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def engine() -> Any:
    """Return the field `engine`."""
    text = (
        "how candidates are run: each in a process of its own, one after the other in this process, or as tasks of a "
        "Ray cluster (the one of RAY_ADDRESS, or a local one; an extra)"
    )
    return option("process", text=text, choices=ENGINE_NAMES)


def workers() -> Any:
    """Return the field `workers`."""
    text = "candidates trained at the same time, one thread each; by default the cores available on this machine"
    return option(factory=usable_cores, text=text, least=1)


def memory_limit() -> Any:
    """Return the field `memory_limit`."""
    text = (
        "memory of one candidate beyond the loaded libraries, such as 4GB; one that wants more is recorded as "
        "out_of_memory; by default this machine's memory divided by the workers, and no limit on a GPU or with ray"
    )
    return option(None, text=text, size=True, least=1)


def memory_budget() -> Any:
    """Return the field `memory_budget`."""
    text = (
        "memory that one process may take for intermediate results, such as 500MB, beside libraries, data and results: "
        "less is worked on at a time, and forecasting tries a ridge per variate only where it has room; by default "
        "what is fastest"
    )
    return option(None, text=text, size=True, least=1)


def gpu_share() -> Any:
    """Return the field `gpu_share`."""
    text = "share of a GPU that one candidate takes with --engine ray, such as 0.25; by default all of one"
    return option(None, text=text, above=0, most=1)


def precision() -> Any:
    """Return the field `precision`."""
    text = (
        "how exactly candidates are trained; bfloat16 is faster on a GPU and, for long windows, on a CPU that has it; "
        "the comparator's bank was trained in float32"
    )
    return option("float32", text=text, choices=PRECISIONS)


def time_limit(default: float | None) -> Any:
    """Return the field `time_limit`."""
    text = "wall time per candidate, such as 90s or 10m; a slower one is recorded"
    return option(default, text=text, duration=True, above=0)


def time_budget(text: str) -> Any:
    """Return the field `time_budget`."""
    return option(None, text=text, duration=True, above=0)


def dry_run() -> Any:
    """Return the field `dry_run`."""
    text = "write nothing; print what would run, how long, and with how much disk and memory, from two timed candidates"
    return option(False, text=text)


def check_engine(name: str) -> None:
    """Check that an engine is installed.

    Raises:
        OptionError: If it is not.
    """
    if name == "ray" and find_spec("ray") is None:
        raise OptionError("engine: ray is not installed; pip install 'ts-contrastive-nas[ray]'")
