"""What this machine offers to a process: cores and memory."""

import contextlib
import os
import platform
from pathlib import Path

_PROCESSORS = Path("/proc/cpuinfo")
_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the name of this machine's processor, as far as the system tells it."""
    with contextlib.suppress(OSError):
        for line in _PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def machine_memory() -> int:
    """Return the bytes of memory that this machine has, or that the group of this process may use."""
    known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in _GROUP_LIMITS:
        text = file.read_text(encoding="ascii").strip() if file.is_file() else ""
        if text.isdigit():
            known.append(int(text))
    return min(known)
