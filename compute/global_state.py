"""What libraries keep once per process, left to the user as it was: generators of random numbers, threads."""

import contextlib
import random
import threading
from collections.abc import Iterator

import numpy as np
import torch

_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def global_state_kept() -> Iterator[None]:
    """Give every global generator and torch's number of threads back at the end of the block.

    What is drawn in the block must not depend on another thread that draws, so one thread at a time is in it.
    """
    with _ONE_AT_A_TIME:
        python, numpy, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
        devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        with torch.random.fork_rng(devices=devices):
            try:
                yield
            finally:
                random.setstate(python)
                np.random.set_state(numpy)  # noqa: NPY002
                torch.set_num_threads(threads)
