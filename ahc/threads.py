"""Many small pieces of torch work on as many threads as torch may use.

Splitting one small product over threads costs more than it saves; whole pieces
on a thread each do not wait for each other, and their results are the same on
any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

_Piece = TypeVar("_Piece")


def for_each(work: Callable[[_Piece], None], pieces: Iterable[_Piece]) -> None:
    """Do the work of every piece, each on one thread; the first error of a piece is raised.

    Args:
        work: Reads shared tensors and writes where no other piece does.
        pieces: What there is to do.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of this thread, and of threads to come
    try:
        with ThreadPoolExecutor(n_threads) as pool:
            for _ in pool.map(work, pieces):
                pass
    finally:
        torch.set_num_threads(n_threads)
