"""Options that say how candidates are run; they change nothing about what is found."""

from dataclasses import dataclass
from typing import Any

from compute.machine import usable_cores
from nas.engines.registry import ENGINE_NAMES, engine
from nas.options.fields import OptionSet, n_bytes, option, seconds


def memory_budget() -> Any:
    """Return the field `memory_budget`."""
    text = (
        "memory that one process may take for intermediate results, such as 500MB, beside libraries, data and results: "
        "less is worked on at a time, and forecasting tries a ridge per variate only where it has room; by default "
        "what is fastest"
    )
    return option(None, text=text, unit=n_bytes, least=1)


def deterministic() -> Any:
    """Return the field `deterministic`."""
    text = (
        "only do what gives the same bits each time, on a GPU too: slower, and what cannot be done so is recorded as "
        "failed; on a CPU candidates are the same each time anyway"
    )
    return option(False, text=text)


def time_limit(default: float | None) -> Any:
    """Return the field `time_limit`."""
    text = "wall time per candidate, such as 90s or 10m; a slower one is recorded"
    return option(default, text=text, unit=seconds, above=0)


@dataclass(frozen=True, kw_only=True)
class RunningOptions(OptionSet):
    """How candidates are run, in the same words for every verb that runs any."""

    workers: int = option(
        factory=usable_cores,
        text="candidates trained at the same time, one thread each; by default the cores available on this machine",
        least=1,
    )
    engine: str = option(
        "process",
        text="how candidates are run: each in a process of its own, one after the other in this process, or as tasks "
        "of a Ray cluster (the one of RAY_ADDRESS, or a local one; an extra)",
        choices=ENGINE_NAMES,
    )
    memory_limit: int | None = option(
        None,
        text="memory of one candidate beyond the loaded libraries, such as 4GB; one that wants more is recorded as "
        "out_of_memory; by default this machine's memory divided by the workers, and no limit on a GPU or with ray",
        unit=n_bytes,
        least=1,
    )
    gpu_share: float | None = option(
        None,
        text="share of a GPU that one candidate takes with --engine ray, such as 0.25; by default all of one",
        above=0,
        most=1,
    )
    time_budget: float | None = option(
        None,
        text="time for everything, such as 90s, 10m or 1h: what it cuts is said, and the same command with more time "
        "goes on from there",
        unit=seconds,
        above=0,
    )
    deterministic: bool = deterministic()
    dry_run: bool = option(
        False,
        text="write nothing; print what would run, how long, and with how much disk and memory, from two timed "
        "candidates",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        engine(self.engine).check_installed()

    @property
    def running(self) -> dict[str, Any]:
        """The arguments of `EngineSettings.chosen` that these options stand for, besides the device."""
        names = ("engine", "workers", "memory_limit", "gpu_share", "deterministic")
        return {name: getattr(self, name) for name in names}
