"""What trials will take: two timed candidates set the scale, the cost model says how the others compare."""

from collections.abc import Iterable
from dataclasses import dataclass

from downstream.task import Task
from nas.budget.pilot import Measured
from nas.cost import Cost, costs_on
from nas.trials.trial import TrialPlan
from search_space.genotype import Genotype


@dataclass(frozen=True)
class Estimate:
    """What trials of one task take on this machine.

    Args:
        measured: What was timed.
        costs: The cost model's figures by key, of every candidate that is asked about.
        slower: How many times longer an iteration takes here than the cost model says.
    """

    measured: Measured
    costs: dict[str, Cost]
    slower: float

    def seconds(self, plan: TrialPlan) -> float:
        """Return the seconds of a trial; of an unknown candidate, those of a mean one."""
        known = [self.costs[plan.genotype.key]] if plan.genotype.key in self.costs else list(self.costs.values())
        per_iteration = self.slower * sum(cost.seconds_per_iteration for cost in known) / len(known)
        return self.measured.typical.trial(plan.iterations, per_iteration=per_iteration)

    @property
    def worker_bytes(self) -> int:
        """Most memory of one worker: what was measured, and what the largest candidate needs beyond those timed."""
        timed = max((self.costs[key].memory_bytes for key in self.measured.timings), default=0)
        largest = max((cost.memory_bytes for cost in self.costs.values()), default=0)
        return self.measured.typical.memory + max(largest - timed, 0)

    def file_bytes(self, plan: TrialPlan) -> int:
        """Return the bytes of a trial's weights: 4 for each parameter, and what the files of those timed had beyond."""
        beyond = [timing.file - 4 * self.costs[key].parameters for key, timing in self.measured.timings.items()]
        return 4 * self.costs[plan.genotype.key].parameters + sum(beyond) // len(beyond)


def estimate_trials(task: Task, measured: Measured, candidates: Iterable[Genotype]) -> Estimate:
    """Return what trials of these candidates take; those that were timed must be among them.

    Args:
        task: The task.
        measured: At least one timed candidate.
        candidates: Whom to ask the cost model about; that takes up to a second each.
    """
    cost_of = costs_on(task)
    costs = {genotype.key: cost_of(genotype) for genotype in candidates}
    ratios = [timing.iteration / costs[key].seconds_per_iteration for key, timing in measured.timings.items()]
    return Estimate(measured, costs, slower=sum(ratios) / len(ratios))
