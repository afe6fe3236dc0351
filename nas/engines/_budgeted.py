"""Jobs that keep to a memory budget, in whichever process they run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from compute.memory import memory_budget
from nas.engines.job import Job


def within_budget(job: Job, n_bytes: int) -> Job:
    """Return the job that does the same within a memory budget."""
    kwargs = {**job.kwargs, "budgeted_function": job.function, "budgeted_bytes": n_bytes}
    return replace(job, function=_call, kwargs=kwargs)


def _call(*, budgeted_function: Callable[..., Any], budgeted_bytes: int, **arguments: Any) -> Any:
    with memory_budget(budgeted_bytes):
        return budgeted_function(**arguments)
