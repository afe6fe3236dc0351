"""From a command's options to the settings of its engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nas.options.search import SearchOptions
from nas.options.seeding import SeedsOptions

_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def engine_settings(options: SearchOptions | SeedsOptions, *, device: str) -> dict[str, Any]:
    """Return engine, workers, memory limit and budget, and share of a GPU, as `run_candidates` takes them."""
    on_gpu = device.startswith("cuda")
    workers = 1 if options.engine == "serial" else options.workers
    limit = options.memory_limit
    if limit is None and options.engine != "ray":
        limit = machine_memory() // workers
    return {
        "engine": options.engine,
        "workers": options.workers,
        # a GPU's driver reserves far more address space than it uses
        "memory_limit": None if on_gpu else limit,
        "memory_budget": getattr(options, "memory_budget", None),
        "gpu_share": (1.0 if options.gpu_share is None else options.gpu_share) if on_gpu else 0.0,
    }


def engine_time_limit(time_limit: float | None) -> float | None:
    """Return when the engine stops a candidate whose own limit is `time_limit` seconds.

    The limit inside the trial keeps its curve and its weights, but is looked at between two steps only;
    the engine's is the last resort, for a candidate that hangs.
    """
    return None if time_limit is None else 3 * time_limit + 60


def machine_memory() -> int:
    """Return the bytes of memory that this machine has, or that the group of this process may use."""
    known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in _GROUP_LIMITS:
        text = file.read_text(encoding="ascii").strip() if file.is_file() else ""
        if text.isdigit():
            known.append(int(text))
    return min(known)
