"""AutoCTS++'s comparator from a checkout of its code, timed as its search uses it.

Source: AutoCTS++, Wu et al. 2023, arXiv:2311.04552; github.com/decisionintelligence/AutoCTS-.
The code stays where it is: this only takes the path. It is a helper of `ranking.py`.
"""

from __future__ import annotations

import functools
import heapq
import importlib
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

# Of its search: graph convolutions, width, nodes of an architecture, slices of its candidates, best of each slice.
LAYERS, WIDTH, NODES, SLICES, TOP = 4, 128, 4, 5, 5
# Of its task features: windows, steps of a window, width.
TASK_FEATURE = (100, 12, 256)

Arch = list[tuple[int, int]]


def seconds_per_comparison(checkout: str, *, n: int) -> float:
    """Return the wall seconds of one comparison: the better of one stream on all threads and a stream per thread."""
    sys.path.insert(0, checkout)
    engine = importlib.import_module("NAS_Net.AHC.ahc_engine")
    names = importlib.import_module("NAS_Net.genotypes").PRIMITIVES
    comparator = engine.AHC(n_nodes=None, n_ops=len(names), n_layers=LAYERS, embedding_dim=WIDTH).eval()
    feature = np.random.default_rng(0).normal(size=TASK_FEATURE).astype(np.float32)
    rng = random.Random(0)
    pairs = [(_arch(rng, len(names)), _arch(rng, len(names))) for _ in range(n)]

    def compare(pair: tuple[Arch, Arch]) -> float:
        with torch.no_grad():
            return float(torch.round(comparator([pair[0]], [pair[1]], [feature])))

    n_threads = torch.get_num_threads()
    compare(pairs[0])
    together = _seconds(lambda: [compare(pair) for pair in pairs])
    torch.set_num_threads(1)
    with ThreadPoolExecutor(n_threads) as pool:
        apart = _seconds(lambda: list(pool.map(compare, pairs)))
    torch.set_num_threads(n_threads)
    return min(together, apart) / n


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _arch(rng: random.Random, n_operators: int) -> Arch:
    """Draw an architecture of its space: each later node reads its predecessor and one node before that."""
    arch = [(0, rng.randrange(n_operators))]
    for node in range(1, NODES):
        arch += [(rng.randrange(node), rng.randrange(n_operators)), (node, rng.randrange(n_operators))]
    return arch


def comparisons_needed(n: int) -> dict[str, int]:
    """Count the comparisons of both ways of its search on n candidates in random order.

    Returns:
        `heap`: the best of each slice, and a round robin of those; `sort`: everything in order.
    """
    values = random.Random(0).sample(range(n), n)
    count = 0

    def compare(a: int, b: int) -> int:
        nonlocal count
        count += 1
        return a - b

    key = functools.cmp_to_key(compare)
    size = n // SLICES
    finalists = 0
    for at in range(SLICES):
        part = values[at * size : (at + 1) * size if at < SLICES - 1 else n]
        finalists += len(heapq.nlargest(TOP, part, key=key))
    heap, count = count + finalists * (finalists - 1) // 2, 0
    sorted(values, key=key, reverse=True)
    return {"heap": heap, "sort": count}
