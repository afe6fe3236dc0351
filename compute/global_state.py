"""What libraries keep once per process, left to the user as it was: generators of random numbers, torch's settings."""

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import numpy as np
import torch

_Value = TypeVar("_Value")
_ONE_AT_A_TIME = threading.RLock()


class SharedSetting(Generic[_Value]):
    """A setting that holds for the whole process and is another one in some blocks.

    The first thread to enter such a block changes it, and the last to leave puts it back.

    Args:
        read: Returns what is set.
        write: Sets a value.
        inside: The value within the blocks.
    """

    def __init__(self, read: Callable[[], _Value], write: Callable[[_Value], object], *, inside: _Value) -> None:
        self._read, self._write, self._inside = read, write, inside
        self._lock = threading.Lock()
        self._blocks = 0
        self._before = inside

    @contextlib.contextmanager
    def changed(self) -> Iterator[None]:
        """Have the value inside the block."""
        with self._lock:
            if self._blocks == 0:
                self._before = self._read()
                self._write(self._inside)
            self._blocks += 1
        try:
            yield
        finally:
            with self._lock:
                self._blocks -= 1
                if self._blocks == 0:
                    self._write(self._before)


_default_dtype = SharedSetting(torch.get_default_dtype, torch.set_default_dtype, inside=torch.float32)


@contextlib.contextmanager
def plain_torch() -> Iterator[None]:
    """Work inside the block with torch as it comes, whatever the user set.

    New tensors are float32 and on the CPU, gradients are taken where they are asked for, and nothing is cast.
    """
    with contextlib.ExitStack() as settings:
        settings.enter_context(_default_dtype.changed())
        settings.enter_context(torch.inference_mode(mode=False))
        settings.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # every call of torch would pay for it
            settings.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                settings.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextlib.contextmanager
def global_state_kept() -> Iterator[None]:
    """Work as in `plain_torch`, and give every global generator and torch's number of threads back.

    What is drawn in the block must not depend on another thread that draws, so one thread at a time is in it.
    """
    with _ONE_AT_A_TIME, plain_torch():
        python, numpy, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
        devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        with torch.random.fork_rng(devices=devices):
            try:
                yield
            finally:
                random.setstate(python)
                np.random.set_state(numpy)  # noqa: NPY002
                torch.set_num_threads(threads)
