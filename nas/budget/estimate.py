"""What trials will take: two timed candidates set the scale, the cost model says how the others compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from downstream.task import Task
from nas.budget.pilot import Timing
from nas.cost import Cost, costs_on, probe_seconds_on
from nas.trials.trial import TrialPlan
from search_space.genotype import Genotype

SOLVING = 0.3
"""Share of a usual probe that its encoder has no part in, by eye: of 40 candidates on one task, 12 on another."""


@dataclass(frozen=True)
class Estimate:
    """What trials of one task take on this machine.

    Args:
        timings: What was timed, by key.
        costs: The cost model's figures by key, of every candidate that is asked about.
        probes: What it says of their probes, seconds per window.
    """

    timings: Mapping[str, Timing]
    costs: Mapping[str, Cost]
    probes: Mapping[str, float]

    def seconds(self, plan: TrialPlan) -> float:
        """Return the seconds of a trial; of an unknown candidate, those of a mean one."""
        keys = [plan.genotype.key] if plan.genotype.key in self.costs else [*self.costs]
        return sum(self._seconds(key, plan.iterations) for key in keys) / len(keys)

    def _seconds(self, key: str, iterations: int) -> float:
        scaled = []
        for known, timing in self.timings.items():
            probe = timing.probe * (SOLVING + (1 - SOLVING) * self.probes[key] / self.probes[known])
            slower = timing.iteration / self.costs[known].seconds_per_iteration
            scaled.append((probe, slower * self.costs[key].seconds_per_iteration))
        probe, iteration = (sum(values) / len(scaled) for values in zip(*scaled, strict=True))
        # the first to be built may pay for all
        least = min(self.timings.values(), key=lambda timing: timing.build)
        return replace(least, probe=probe, iteration=iteration).trial(iterations)

    @property
    def worker_bytes(self) -> int:
        """Most memory of one worker: what was measured, and what the largest candidate needs beyond those timed."""
        timed = max(self.costs[key].memory_bytes for key in self.timings)
        largest = max(cost.memory_bytes for cost in self.costs.values())
        return max(timing.memory for timing in self.timings.values()) + max(largest - timed, 0)

    def file_bytes(self, plan: TrialPlan) -> int:
        """Return the bytes of a trial's weights: 4 for each parameter, and what the files of those timed had beyond."""
        beyond = [timing.file - 4 * self.costs[key].parameters for key, timing in self.timings.items()]
        return 4 * self.costs[plan.genotype.key].parameters + sum(beyond) // len(beyond)


def estimate_trials(task: Task, timings: Mapping[str, Timing], candidates: Iterable[Genotype]) -> Estimate:
    """Return what trials of these candidates take; those that were timed must be among them.

    Args:
        task: The task.
        timings: Of at least one candidate.
        candidates: Whom to ask the cost model about.
    """
    cost_of, probe_of = costs_on(task), probe_seconds_on(task)
    genotypes = {genotype.key: genotype for genotype in candidates}
    costs = {key: cost_of(genotype) for key, genotype in genotypes.items()}
    return Estimate(timings, costs, {key: probe_of(genotype) for key, genotype in genotypes.items()})
