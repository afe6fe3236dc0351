"""What this machine offers to a process: cores and memory."""

import os
from pathlib import Path

_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine_memory() -> int:
    """Return the bytes of memory that this machine has, or that the group of this process may use."""
    known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in _GROUP_LIMITS:
        text = file.read_text(encoding="ascii").strip() if file.is_file() else ""
        if text.isdigit():
            known.append(int(text))
    return min(known)
