"""Where and how candidates run: nothing of it changes what is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compute.machine import machine_memory
from nas.engines.registry import engine as engine_named
from nas.training.devices import pick_device


@dataclass(frozen=True)
class EngineSettings:
    """What every round of jobs of a run has in common.

    Args:
        engine: A name in `registry.ENGINE_NAMES`.
        workers: Jobs at a time, one thread each.
        device: `cpu` or a CUDA device.
        memory_limit: Bytes that a job may map beyond the loaded libraries; None for no limit.
        memory_budget: Bytes that a job may take for intermediate results; None for no budget.
        gpu_share: Share of a GPU that a job takes, 0 on a CPU.
        deterministic: Whether jobs may only do what gives the same bits each time.
    """

    engine: str = "process"
    workers: int = 1
    device: str = "cpu"
    memory_limit: int | None = None
    memory_budget: int | None = None
    gpu_share: float = 0.0
    deterministic: bool = False

    @classmethod
    def chosen(
        cls,
        *,
        engine: str,
        workers: int,
        device: str,
        memory_limit: int | None = None,
        memory_budget: int | None = None,
        gpu_share: float | None = None,
        deterministic: bool = False,
    ) -> EngineSettings:
        """Fill in what a user left open, for this machine.

        Raises:
            OptionError: If the device is unknown or not there.
        """
        facts = engine_named(engine)
        device = pick_device(device, elsewhere=facts.elsewhere)
        workers = 1 if facts.one_at_a_time else workers
        on_gpu = device.startswith("cuda")
        if memory_limit is None and not facts.elsewhere:
            memory_limit = machine_memory() // workers
        return cls(
            engine=engine,
            workers=workers,
            device=device,
            # a GPU's driver reserves far more address space than it uses
            memory_limit=None if on_gpu else memory_limit,
            memory_budget=memory_budget,
            gpu_share=(1.0 if gpu_share is None else gpu_share) if on_gpu else 0.0,
            deterministic=deterministic,
        )

    def prepare(self) -> None:
        """Begin, without waiting, what takes time before a first job."""
        engine_named(self.engine).prepare()

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `run_candidates` that these are."""
        names = ("engine", "workers", "memory_limit", "memory_budget", "gpu_share", "deterministic")
        return {name: getattr(self, name) for name in names}


def last_resort(time_limit: float | None) -> float | None:
    """Return when the engine stops a candidate whose own limit is `time_limit` seconds.

    The limit inside the trial keeps its curve and its weights, but is looked at between two steps only;
    the engine's is the last resort, for a candidate that hangs.
    """
    return None if time_limit is None else 3 * time_limit + 60
