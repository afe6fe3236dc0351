"""What trials will take: two timed candidates set the scale, the cost model says how the others compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from downstream.task import Task
from nas.budget.pilot import Timing
from nas.cost import Cost, costs_on, probe_seconds_on
from nas.cost.encoder_cost import encoder_weights
from nas.net import probed_at
from nas.trials.trial import TrialPlan
from search_space.genotype import Genotype

SOLVING = 0.3
"""Share of a usual probe that its encoder has no part in, by eye: of 40 candidates on one task, 12 on another."""


@dataclass(frozen=True)
class Estimate:
    """What trials of one task take on this machine.

    Args:
        timings: What was timed, by key.
        costs: The cost model's figures by key, of those that were timed and of every other that is trained.
        probes: What it says of the probes of all candidates, seconds per window.
        parameters: Numbers in the weights of all.
    """

    timings: Mapping[str, Timing]
    costs: Mapping[str, Cost]
    probes: Mapping[str, float]
    parameters: Mapping[str, int]

    def seconds(self, plan: TrialPlan, *, done: int | None = None) -> float:
        """Return the seconds of a trial; of an unknown candidate, those of a mean one.

        Args:
            plan: The trial.
            done: How many of its iterations were done before, and probed; None where it begins.
        """
        points = [at for at in probed_at(plan.iterations, asked=plan.probe_at or None) if done is None or at > done]
        known = self.costs if plan.iterations else self.probes
        keys = [plan.genotype.key] if plan.genotype.key in known else [*known]
        iterations = plan.iterations - (done or 0)
        return sum(self._seconds(key, iterations, n_probes=len(points)) for key in keys) / len(keys)

    def _seconds(self, key: str, iterations: int, *, n_probes: int) -> float:
        probe = iteration = 0.0
        for known, timing in self.timings.items():
            probe += timing.probe * (SOLVING + (1 - SOLVING) * self.probes[key] / self.probes[known])
            if iterations:
                slower = timing.iteration / self.costs[known].seconds_per_iteration
                iteration += slower * self.costs[key].seconds_per_iteration
        n = len(self.timings)
        # the first to be built may pay for all
        least = min(self.timings.values(), key=lambda timing: timing.build)
        return replace(least, probe=probe / n, iteration=iteration / n).trial(iterations, n_probes=n_probes)

    @property
    def worker_bytes(self) -> int:
        """Most memory of one worker: what was measured, and what the largest to be trained needs beyond those timed."""
        timed = max(self.costs[key].memory_bytes for key in self.timings)
        largest = max(cost.memory_bytes for cost in self.costs.values())
        return max(timing.memory for timing in self.timings.values()) + max(largest - timed, 0)

    def file_bytes(self, plan: TrialPlan) -> int:
        """Return the bytes of a trial's weights: 4 for each parameter, and what the files of those timed had beyond."""
        beyond = [timing.file - 4 * self.parameters[key] for key, timing in self.timings.items()]
        return 4 * self.parameters[plan.genotype.key] + sum(beyond) // len(beyond)


def estimate_trials(
    task: Task, timings: Mapping[str, Timing], *, trained: Iterable[Genotype], probed: Iterable[Genotype] = ()
) -> Estimate:
    """Return what trials take.

    Args:
        task: The task.
        timings: Of at least one candidate, by key.
        trained: Candidates of whom some trial has iterations, and those that were timed: of each the cost model takes
            up to a second.
        probed: The others.
    """
    cost_of, probe_of = costs_on(task), probe_seconds_on(task)
    to_train = {genotype.key: genotype for genotype in trained}
    genotypes = to_train | {genotype.key: genotype for genotype in probed}
    n_variates = task.n_variates
    return Estimate(
        timings,
        costs={key: cost_of(genotype) for key, genotype in to_train.items()},
        probes={key: probe_of(genotype) for key, genotype in genotypes.items()},
        parameters={key: encoder_weights(one.encoder, variates=n_variates).numbers for key, one in genotypes.items()},
    )
