"""What this machine can do at most: float32 products per second and bytes copied per second, measured with torch.

Usage: python benchmarks/machine.py
Other benchmarks divide by these figures, on as many threads as torch is set to at that moment.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch


def median_seconds(work: Callable[[], object], *, repeats: int = 7) -> float:
    """Return the median wall seconds of a piece of work, after one run that is not counted."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def matmul_flops(size: int = 2048) -> float:
    """Return floating-point operations per second of a large square float32 matrix product."""
    a, b, out = (torch.rand(size, size) for _ in range(3))
    return 2 * size**3 / median_seconds(lambda: torch.mm(a, b, out=out))


def copy_bandwidth(megabytes: int = 256) -> float:
    """Return bytes per second of a copy far larger than the caches; each byte is read and written, and counts once."""
    source = torch.rand(megabytes * 250_000)
    target = torch.empty_like(source)
    return 4 * len(source) / median_seconds(lambda: target.copy_(source))


def main() -> int:
    """Measure and print."""
    print(f"{torch.get_num_threads()} threads: {matmul_flops() / 1e9:.0f} GFLOP/s in float32 matrix products, ", end="")
    print(f"{copy_bandwidth() / 1e9:.1f} GB/s copied")
    return 0


if __name__ == "__main__":
    sys.exit(main())
