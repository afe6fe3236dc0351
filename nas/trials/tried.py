"""Everything that a search tried: trials by name, and how a strategy is led through them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ahc.record import TrialRecord
from nas.strategies.strategy import Plan, Result, Strategy, Wish
from nas.trials.runner import Trained, TrialRunner
from nas.trials.trial import TrialPlan
from search_space.genotype import Genotype


@dataclass
class Tried:
    """All trials of a search that came to an end.

    Attributes:
        points: Trials by their id: each is a candidate at one point of its curve, with weights on disk.
        results: What the strategy was last told of each candidate, by its key; failures have an empty curve.
        groups: Keys of the candidates of each group.
        records: Of all trials on the task, those that failed too.
    """

    points: dict[str, Trained] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    records: list[TrialRecord] = field(default_factory=list)

    def point(self, genotype: Genotype, iterations: int) -> Trained | None:
        """Return a candidate at one point of its curve; None where it has no weights."""
        return next((one for one in self.of(genotype) if one.iterations == iterations), None)

    def of(self, genotype: Genotype) -> list[Trained]:
        """Return a candidate at all points of its curve that have weights, fewest iterations first."""
        own = [one for one in self.points.values() if one.genotype.key == genotype.key]
        return sorted(own, key=lambda one: one.iterations)


def pursue(
    strategy: Strategy,
    runner: TrialRunner,
    *,
    plan: Plan,
    rng_seed: int,
    trainable: Callable[[Genotype], bool] = lambda genotype: True,
) -> Tried:
    """Run what a strategy asks for until it asks for nothing.

    Candidates whose untrained encoders are alike share one landmark.

    Args:
        strategy: It is told of every trial.
        runner: Where trials are run.
        plan: What may be spent.
        rng_seed: Of every trial.
        trainable: Whether a candidate is cheap enough to be trained; of others the untrained encoder is final.
    """
    tried = Tried()
    probe_at, full = (0, *(iterations for iterations, _ in plan.rungs)), plan.rungs[-1][0]
    shared: dict[str, TrialPlan] = {}
    while wishes := strategy.ask():
        plans: list[TrialPlan] = []
        for wish in wishes:
            own = TrialPlan(
                wish.genotype,
                wish.iterations,
                rng_seed,
                "search",
                probe_at=probe_at,
                goes_on=wish.iterations < full,
            )
            plans.append(own if wish.iterations else shared.setdefault(wish.genotype.untrained_key, own))
        last = all(wish.iterations == full for wish in wishes)
        tried.points |= runner.run(plans, name=round_name(max(wish.iterations for wish in wishes)), last=last)
        results = [
            _result(wish, tried.points.get(trial.id), final=not trainable(wish.genotype))
            for wish, trial in zip(wishes, plans, strict=True)
        ]
        for wish, result in zip(wishes, results, strict=True):
            tried.results[wish.genotype.key] = result
            tried.groups.setdefault(wish.group, set()).add(wish.genotype.key)
        strategy.tell(results)
    return tried


def round_name(iterations: int) -> str:
    """Return what a round is called whose candidates are trained for so many steps at most."""
    return f"train to {iterations} iterations" if iterations else "landmarks"


def _result(wish: Wish, trained: Trained | None, *, final: bool) -> Result:
    if trained is None:
        return Result(wish.genotype, wish.iterations, ())
    record = trained.record
    sign = 1.0 if record.higher_is_better else -1.0
    return Result(
        wish.genotype,
        wish.iterations,
        tuple((iteration, sign * score) for iteration, score, _ in record.curve if score is not None),
        noise=float(record.details.get("noise", 0.0)),
        seconds=record.seconds,
        final=final or "final" in record.details,
    )
