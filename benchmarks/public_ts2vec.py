"""The public TS2Vec code, from a checkout that is an argument, and what the benchmarks that use it share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
from machine import copy_bandwidth, matmul_flops

REPEATS = 5


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments that all of these benchmarks take."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--public", type=Path, required=True, help="checkout of the public TS2Vec code")
    made.add_argument("--precision", default="float32", choices=("float32", "bfloat16"), help="of our side")
    made.add_argument("--repeats", type=int, default=REPEATS)
    return made


def import_from(checkout: Path) -> Any:
    """Return the public module `ts2vec`; its `models` come with it."""
    sys.path.insert(0, str(checkout))
    import ts2vec  # type: ignore[import-not-found]  # the checkout is an argument

    return ts2vec


def machine_line() -> str:
    """Return what the machine can do, as one line."""
    return f"machine: {matmul_flops() / 1e9:.0f} GFLOP/s in float32 products (torch), {copy_bandwidth() / 1e9:.1f} GB/s"


def verdict(ratio: float, needed: float) -> int:
    """Print the last line and return the exit status."""
    print(f"ratio {ratio:.2f} (needs {needed:g})")
    return 0 if ratio >= needed else 1


def one_thread() -> None:
    """Use one thread, as a worker does."""
    torch.set_num_threads(1)
