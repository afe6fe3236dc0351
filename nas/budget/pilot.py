"""What trials take on this machine: a few iterations of two candidates, timed in workers as the real ones are."""

import heapq
import math
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from downstream import evaluation
from downstream.task import Task
from encoders.encoder import Encoder
from nas.engines.job import Job
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings
from nas.net import PROBE_SHARES, new_trainer
from nas.representer import Representer
from nas.saved.encoder import encoder_file
from search_space.genotype import Genotype

TIMED_ITERATIONS = 3
_VERIFICATION, _BASELINES = "verification", "baselines"


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

    def trial(self, iterations: int, *, per_iteration: float | None = None) -> float:
        """Return the seconds of a trial of so many iterations, with its probes."""
        n_probes = len({round(share * iterations) for share in PROBE_SHARES})
        steps = iterations * (self.iteration if per_iteration is None else per_iteration)
        return self.start + self.build + n_probes * self.probe + steps


@dataclass(frozen=True)
class Measured:
    """What a pilot found.

    Args:
        timings: By the candidates' keys; those that failed are missing.
        verification: Seconds of scoring one encoder on the test part, or where there is none of fitting what predicts
            with one; None where that took longer than there was.
        baselines: Seconds of scoring the plain baselines; None where that took longer than there was.
    """

    timings: dict[str, Timing] = field(default_factory=dict)
    verification: float | None = None
    baselines: float | None = None

    def verified(self, n_encoders: int, *, workers: int) -> float | None:
        """Return the seconds of scoring so many encoders and the baselines on test; None where that is not known.

        What predicts is fitted beside them, which takes about as long as scoring an encoder; without any, it alone is.
        """
        if self.verification is None or self.baselines is None:
            return None
        seconds = [self.verification, *([self.baselines, *[self.verification] * n_encoders] if n_encoders else [])]
        return makespan([duration + self.typical.start for duration in seconds], workers=workers)

    @property
    def typical(self) -> Timing:
        """The worst of all that was timed, but the best building: the first one may pay for all; zeros for nothing."""
        names = ("probe", "iteration", "memory", "file", "start")
        worst = {name: max((getattr(timing, name) for timing in self.timings.values()), default=0) for name in names}
        return Timing(build=min((timing.build for timing in self.timings.values()), default=0.0), **worst)


def measure(
    task: Task,
    genotypes: Sequence[Genotype],
    *,
    settings: EngineSettings,
    ends: float = math.inf,
    verification: bool = True,
) -> Measured:
    """Time candidates, and the verification on stand-in rows, with the engine and the workers of the real run.

    Args:
        task: Its test part stays sealed.
        genotypes: The candidates, the last one's encoder is verified.
        settings: Engine, workers and device of the real run.
        ends: When the timing of candidates stops, as `time.monotonic()` tells it.
        verification: Whether to rehearse the verification, or the fitting of what predicts where there is no test part.
    """
    shared: dict[str, Any] = {"task": task.without_test()}
    given = {"device": settings.device}
    jobs = [Job(g.key, time_candidate, {**given, "genotype": g}, shared) for g in genotypes]
    how = {**settings.arguments, "memory_limit": None, "finish": False}
    length = ends - time.monotonic()
    done = {result.id: result for result in run_candidates(jobs, ends=ends, **how) if result.status == "completed"}
    if verification and done:
        sizes = {"sizes": task.sealed.sizes if task.has_test else None}
        jobs = [Job(_VERIFICATION, rehearse, {**given, **sizes, "genotype": genotypes[-1]}, shared)]
        jobs += [Job(_BASELINES, rehearse, sizes, shared)] if task.has_test else []
        ends = time.monotonic() + length
        done |= {result.id: result for result in run_candidates(jobs, ends=ends, **how) if result.status == "completed"}
    timings: dict[str, Timing] = {g.key: done[g.key].value for g in genotypes if g.key in done}
    seconds: dict[str, float] = {name: done[name].value for name in (_VERIFICATION, _BASELINES) if name in done}
    worked = {**{key: timing.worked for key, timing in timings.items()}, **seconds}
    # the first job waits for more than the later ones: for the server of processes, or for the cluster
    start = min((max(done[name].seconds - value, 0.0) for name, value in worked.items()), default=0.0)
    return Measured(
        {key: replace(timing, start=start) for key, timing in timings.items()},
        verification=seconds.get(_VERIFICATION),
        baselines=seconds.get(_BASELINES) if task.has_test else 0.0,
    )


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


def rehearse(task: Task, sizes: tuple[int, ...] | None, genotype: Genotype | None = None, device: str = "cpu") -> float:
    """Score on stand-in rows, as the test part is sealed, and return the seconds that took (in a worker).

    Args:
        task: Without its test part.
        sizes: Of the test part, `task.sealed.sizes`; None where there is none, and what predicts is fitted instead.
        genotype: Whose untrained encoder is scored; None for the plain baselines.
        device: Where the encoder runs.
    """
    opened = None if sizes is None else task.stand_in(sizes)
    encoder = None if genotype is None else Encoder(genotype.encoder, variates=task.n_variates).to(device)
    window = 0 if genotype is None else genotype.encoder.window
    began = time.perf_counter()
    if encoder is None:
        evaluation.baselines(task, opened)
    elif opened is None:
        task.kind.fit_predictor(task, Representer(encoder, device=device), rng_seed=0)
    else:
        evaluation.score_test(task, opened, Representer(encoder, device=device), window=window)
    return time.perf_counter() - began


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
