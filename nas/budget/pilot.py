"""What trials take on this machine: a few iterations of two candidates, timed in workers as the real ones are."""

import heapq
import math
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from downstream import evaluation
from downstream.task import Task
from nas.engines.job import Job
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings
from nas.net import new_trainer, probed_at
from nas.representer import Representer
from nas.saved.encoder import encoder_file
from search_space.genotype import Genotype

TIMED_ITERATIONS = 3


@dataclass(frozen=True)
class Timing:
    """What one candidate took.

    Args:
        build: Seconds for the model, its batches and a first iteration.
        probe: Seconds of a probe on validation data.
        iteration: Seconds of a later iteration.
        memory: Most bytes of its worker, loaded libraries included; on a GPU those that torch held there.
        file: Bytes of the file of its weights.
        start: Seconds from the job to the work, the least of the pilot: the process, and the task's way into it.
    """

    build: float
    probe: float
    iteration: float
    memory: int
    file: int
    start: float = 0.0

    @property
    def worked(self) -> float:
        """Seconds of the timed work itself."""
        return self.build + (TIMED_ITERATIONS - 1) * self.iteration + self.probe

    def trial(self, iterations: int, *, n_probes: int | None = None) -> float:
        """Return the seconds of a trial of so many iterations, with its probes: as many as it has when nobody asks."""
        n_probes = len(probed_at(iterations, asked=None)) if n_probes is None else n_probes
        return self.start + self.build + n_probes * self.probe + iterations * self.iteration


def measure(
    task: Task, genotypes: Sequence[Genotype], *, settings: EngineSettings, ends: float = math.inf
) -> dict[str, Timing]:
    """Time candidates with the engine and the workers of the real run; those that failed are missing.

    Args:
        task: Its test part stays sealed.
        genotypes: The candidates.
        settings: Engine, workers and device of the real run.
        ends: When the timing stops, as `time.monotonic()` tells it.

    Returns:
        By the candidates' keys.
    """
    shared: dict[str, Any] = {"task": task.without_test()}
    jobs = [Job(g.key, time_candidate, {"device": settings.device, "genotype": g}, shared) for g in genotypes]
    how = {**settings.arguments, "memory_limit": None, "finish": False}
    done = {result.id: result for result in run_candidates(jobs, ends=ends, **how) if result.status == "completed"}
    timings: dict[str, Timing] = {g.key: done[g.key].value for g in genotypes if g.key in done}
    # the first job waits for more than the later ones: for the server of processes, or for the cluster
    start = min((max(done[key].seconds - timing.worked, 0.0) for key, timing in timings.items()), default=0.0)
    return {key: replace(timing, start=start) for key, timing in timings.items()}


def time_candidate(task: Task, genotype: Genotype, device: str) -> Timing:
    """Train a candidate for a few iterations, probe it once, and return what that took (in a worker)."""
    where = torch.device(device)
    began = time.perf_counter()
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        task = task.with_window(genotype.encoder.window)
        trainer = new_trainer(genotype, task, rng_seed=0, device=where, max_steps=None)
        trainer.step()
        built = time.perf_counter()
        for _ in range(TIMED_ITERATIONS - 1):
            trainer.step()
        stepped = time.perf_counter()
        trainer.settle()
        evaluation.validate(task, Representer(trainer.encoder, device=where))
        probed = time.perf_counter()
    weights = {name: value.detach().cpu() for name, value in trainer.encoder.state_dict().items()}
    return Timing(
        build=built - began,
        probe=probed - stepped,
        iteration=(stepped - built) / (TIMED_ITERATIONS - 1),
        memory=torch.cuda.max_memory_allocated(where) if where.type == "cuda" else most_memory(),
        file=len(encoder_file(weights, genotype=genotype, task=task, rng_seed=0)),
    )


def makespan(seconds: Sequence[float], *, workers: int) -> float:
    """Return when jobs are done that workers take in this order, each when it is free."""
    free = [0.0] * workers
    for duration in seconds:
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)


def most_memory() -> int:
    """Return the most bytes of memory that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
