"""What this machine can do at most: float32 products per second and bytes copied per second, measured with torch.

Usage: python benchmarks/machine.py
Other benchmarks divide by these figures, on as many threads as torch is set to at that moment.
"""

from __future__ import annotations

import sys

import torch
from timing import in_turn

REPEATS = 7


def matmul_flops(size: int = 2048) -> float:
    """Return floating-point operations per second of a large square float32 matrix product."""
    a, b, out = (torch.rand(size, size) for _ in range(3))
    return 2 * size**3 / in_turn([lambda: torch.mm(a, b, out=out)], repeats=REPEATS)[0].median


def copy_bandwidth(megabytes: int = 256) -> float:
    """Return bytes per second of a copy far larger than the caches; each byte is read and written, and counts once."""
    source = torch.rand(megabytes * 250_000)
    target = torch.empty_like(source)
    return 4 * len(source) / in_turn([lambda: target.copy_(source)], repeats=REPEATS)[0].median


def main() -> int:
    """Measure and print."""
    print(f"{torch.get_num_threads()} threads: {matmul_flops() / 1e9:.0f} GFLOP/s in float32 matrix products, ", end="")
    print(f"{copy_bandwidth() / 1e9:.1f} GB/s copied")
    return 0


if __name__ == "__main__":
    sys.exit(main())
