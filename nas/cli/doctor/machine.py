"""What this machine offers: cores, threads, memory, disk, and a GPU."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from compute.machine import machine_memory, usable_cores
from nas.cli.doctor.check import FAIL, OK, WARN, Check

GB = 10**9
LEAST_MEMORY = GB  # bytes per worker; small data needs less
LITTLE_DISK, LEAST_DISK = 2 * GB, GB // 10
QUOTA = Path("/sys/fs/cgroup/cpu.max")
_MEMORY = Path("/proc/meminfo")
_DRIVER = Path("/proc/driver/nvidia/version")


def check_machine() -> Iterator[Check]:
    """Yield what was found, one check each."""
    gpu = check_gpu()  # first: it imports torch, which then tells its threads
    yield check_cores(usable_cores(), quota=cpu_quota(QUOTA))
    yield check_threads(os.environ.get("OMP_NUM_THREADS"), cores=usable_cores())
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield check_memory(physical, usable=machine_memory(), cores=usable_cores())
    yield check_disk(Path.cwd())
    yield gpu


def check_cores(cores: int, *, quota: float | None) -> Check:
    """Check that the workers that are started by default get a core each.

    Args:
        cores: Those that this process may use.
        quota: Cores' worth of time that its group may use; None for no limit.
    """
    text = f"{cores} of {os.cpu_count() or cores} can be used: so many candidates are trained at a time"
    if quota is not None and quota < cores:
        workers = max(int(quota), 1)
        return Check("cores", WARN, f"{text}, but the group may use {quota:g} at a time", f"pass --workers {workers}")
    return Check("cores", OK, text)


def cpu_quota(file: Path) -> float | None:
    """Return the cores' worth of time that a control group allows, None for no limit."""
    try:
        quota, period = file.read_text(encoding="ascii").split()[:2]
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None  # `max`, or a system without such groups


def check_threads(setting: str | None, *, cores: int) -> Check:
    """Check OMP_NUM_THREADS, and say how many threads torch takes in this process; workers take one each."""
    torch = sys.modules.get("torch")
    used = f"; torch uses {torch.get_num_threads()} here, and one in each worker" if torch is not None else ""
    if setting is None:
        return Check("threads", OK, f"OMP_NUM_THREADS is not set{used}")
    text = f"OMP_NUM_THREADS={setting}{used}"
    if not setting.isdecimal() or not 1 <= int(setting) <= cores:
        return Check("threads", WARN, text, f"unset it, or set it to 1..{cores}")
    return Check("threads", OK, text)


def check_memory(physical: int, *, usable: int, cores: int) -> Check:
    """Check that a candidate per core has memory enough.

    Args:
        physical: Bytes of the machine.
        usable: Bytes that this process's group may use.
        cores: As many workers are started by default.
    """
    text = f"{physical / GB:.1f} GB"
    if usable < physical:
        text += f", of which the group may use {usable / GB:.1f} GB"
    free = _available()
    if free is not None:
        text += f"; {min(free, usable) / GB:.1f} GB are free now"
    text += f"; {usable / cores / GB:.1f} GB per candidate"
    if usable / cores < LEAST_MEMORY:
        return Check("memory", WARN, text, f"pass --workers {max(usable // LEAST_MEMORY, 1)}")
    return Check("memory", OK, text)


def check_disk(folder: Path) -> Check:
    """Check that a run can be written into a folder."""
    free = shutil.disk_usage(folder).free
    text = f"{free / GB:.1f} GB are free in {folder}"
    if not os.access(folder, os.W_OK):
        return Check("disk", WARN, f"{folder} cannot be written", "pass --output with a folder elsewhere")
    if free < LEAST_DISK:
        return Check("disk", FAIL, text, "make room, or pass --output with a folder elsewhere")
    if free < LITTLE_DISK:
        return Check("disk", WARN, text, "a search keeps the weights of all it trains: make room for long ones")
    return Check("disk", OK, text)


def check_gpu() -> Check:
    """Check whether torch finds a GPU, and whether there is one that it does not find."""
    try:
        import torch
    except (ImportError, OSError, AttributeError) as error:  # damaged, hidden or half installed
        text = f"torch cannot be imported ({type(error).__name__}: {error})"
        return Check("gpu", FAIL, " ".join(text.split()), "install torch anew")
    if torch.cuda.is_available():
        cards = [(torch.cuda.get_device_name(at), torch.cuda.get_device_properties(at).total_memory)
                 for at in range(torch.cuda.device_count())]  # fmt: skip
        names = ", ".join(f"{name} with {memory / GB:.0f} GB" for name, memory in cards)
        return Check("gpu", OK, f"{names}; --device auto takes it")
    if _DRIVER.exists() or shutil.which("nvidia-smi") is not None:
        built = torch.version.cuda
        text = f"a driver is here, but torch {torch.__version__} finds no GPU"
        advice = "install a torch built for CUDA" if built is None else f"update the driver to one for CUDA {built}"
        return Check("gpu", WARN, text, advice)
    return Check("gpu", OK, "none; candidates are trained on the CPU")


def _available() -> int | None:
    """Return the bytes that programs could still get, None where the system does not tell."""
    try:
        told = re.search(r"^MemAvailable: *(\d+) kB$", _MEMORY.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(told[1]) * 1024 if told else None
