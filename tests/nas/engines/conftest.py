"""Job functions that any worker can import, and engines that start quickly."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from nas.engines.available import process as process_engine

JOBS = """
import os, pathlib, signal, threading, time

def double(x):
    return 2 * x

def wait(seconds, value=None):
    time.sleep(seconds)
    return value

def tell_and_wait(folder, value):
    (pathlib.Path(folder) / str(value)).touch()
    time.sleep(1.0)
    return value

def fail(text):
    raise ValueError(text)

def die(number):
    os.kill(os.getpid(), number)

def die_once(path):
    marker = pathlib.Path(path)
    if not marker.exists():
        marker.touch()
        os._exit(3)
    return "second"

def take(n_bytes):
    return len(bytearray(n_bytes))

def torch_oom(): raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

def raising(kind):
    import builtins
    raise getattr(builtins, kind)("on purpose")

def invalid():
    from search_space.genotype import GenotypeError
    raise GenotypeError("on purpose")

def with_status(status):
    return WithStatus(status)

class WithStatus:
    def __init__(self, status): self.status = status

def facts():
    import torch
    return {"threads": torch.get_num_threads(), "OMP": os.environ["OMP_NUM_THREADS"], "pid": os.getpid(),
            "main": __import__("sys").modules["__main__"].__dict__.get("MARK"),
            "on_interrupt": signal.getsignal(signal.SIGINT) == signal.SIG_IGN}

def large(n): return b"x" * n

def unpicklable(): return lambda: None

def lingering():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return 1
"""


@pytest.fixture(autouse=True)
def small_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Preload little: these jobs need no product code."""
    monkeypatch.setattr(process_engine, "PRELOAD", ("torch",))


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A module of job functions that workers can import: for all tests, as a Ray worker keeps its path."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "engine_jobs.py").write_text(JOBS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder))  # Ray's workers inherit it
        patch.setenv("RAY_ADDRESS", "local")  # never the cluster of somebody else
        yield importlib.import_module("engine_jobs")
    del sys.modules["engine_jobs"]
