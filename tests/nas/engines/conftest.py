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

def note_and_wait(path):
    from nas.engines.job import note
    note("halfway")
    ends = time.monotonic() + 20.0
    while not pathlib.Path(path).exists() and time.monotonic() < ends:
        time.sleep(0.01)
    return pathlib.Path(path).exists()

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

def pid(**shared): return os.getpid()

HOARD = []
def hoard(n_bytes): HOARD.append(b"x" * n_bytes)

class Counted:
    def __init__(self, value): self.value, self.packed = value, 0
    def __getstate__(self):
        self.packed += 1
        return {"value": self.value}

def value_of(thing): return thing.value, os.getpid()

def spoil():
    import numpy, random, torch
    def ring(*_): raise RuntimeError("an alarm of another job")
    torch.manual_seed(5), numpy.random.seed(5), random.seed(5)
    torch.set_default_dtype(torch.float64), torch.set_grad_enabled(False), torch.set_num_threads(2)
    torch.set_default_device("meta"), torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium"), torch.set_autocast_enabled("cpu", True)
    numpy.seterr(all="raise")
    os.environ["SPOILT"] = "1"; os.chdir("/")
    signal.signal(signal.SIGALRM, ring), signal.signal(signal.SIGINT, ring), signal.setitimer(signal.ITIMER_REAL, 0.3)

def state():
    import numpy, random, resource, torch
    from compute.memory import is_limited
    handlers = [str(signal.getsignal(number)) for number in (signal.SIGALRM, signal.SIGINT)]
    found = {"dtype": str(torch.ones(1).dtype), "device": str(torch.ones(1).device), "draws": torch.rand(3).tolist(),
             "grad": torch.is_grad_enabled(), "threads": torch.get_num_threads(),
             "exact": torch.are_deterministic_algorithms_enabled(), "precision": torch.get_float32_matmul_precision(),
             "autocast": torch.is_autocast_enabled("cpu"), "numpy": numpy.random.rand(3).tolist(),
             "errors": numpy.geterr(), "handlers": handlers, "alarm": signal.getitimer(signal.ITIMER_REAL),
             "environ": dict(os.environ), "cwd": os.getcwd(), "budget": is_limited(),
             "limited": resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY}
    time.sleep(0.4)
    return found
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
