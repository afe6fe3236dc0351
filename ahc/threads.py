"""Many small pieces of torch work on as many threads as torch may use.

Splitting one small product over threads costs more than it saves; whole pieces
on a thread each do not wait for each other, and their results are the same on
any number of threads.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

_Piece = TypeVar("_Piece")


@contextmanager
def one_thread_a_product() -> Iterator[int]:
    """Keep torch from splitting any product, on threads to come as well; gives how many threads it may use."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield n_threads
    finally:
        torch.set_num_threads(n_threads)


def for_each(work: Callable[[_Piece], None], pieces: Iterable[_Piece], *, n_threads: int) -> None:
    """Do the work of every piece, each on one thread; the first error of a piece is raised.

    Args:
        work: Reads shared tensors and writes where no other piece does.
        pieces: What there is to do.
        n_threads: Pieces at a time, at least 1.
    """
    if n_threads == 1:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(work, pieces):
            pass
