"""What is kept once per process, put back after each job: a worker that serves many is to each as a fresh one."""

import os
import random
import signal
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

Kept = tuple[Callable[[], Any], Callable[[Any], object]]


def _set_environment(values: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


_GENERATORS: tuple[Kept, ...] = (
    (torch.get_rng_state, torch.set_rng_state),
    (np.random.get_state, np.random.set_state),
    (random.getstate, random.setstate),
)
# written only where they are not as they were: some import half of torch
_SETTINGS: tuple[Kept, ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, lambda _: torch.set_default_device(None)),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (lambda: torch.is_autocast_enabled("cpu"), lambda enabled: torch.set_autocast_enabled("cpu", enabled)),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (np.geterr, lambda how: np.seterr(**how)),
    (lambda: dict(os.environ), _set_environment),
    (os.getcwd, os.chdir),
)


class GlobalState:
    """Global state of this process as it is now; the number of threads is set by whoever does a job."""

    def __init__(self) -> None:
        self._generators = [read() for read, _ in _GENERATORS]
        self._settings = [read() for read, _ in _SETTINGS]

    def restore(self) -> None:
        """Put it back; no alarm is left to ring, and Ctrl-C is not heard."""
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for (read, write), value in zip(_SETTINGS, self._settings, strict=True):
            if read() != value:
                write(value)
        for (_, write), value in zip(_GENERATORS, self._generators, strict=True):
            write(value)
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.manual_seed_all(torch.initial_seed())
            torch.cuda.empty_cache()  # which others on the device have no use of
            torch.cuda.reset_peak_memory_stats()
