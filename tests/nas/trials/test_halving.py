"""What two rounds of trials run, whom they put first, and what is said beforehand."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from nas.trials.halving import Halving
from nas.trials.runner import Trained, TrialRunner
from nas.trials.trial import TrialPlan
from search_space.genotype import Genotype
from search_space.presets import PRESETS, preset

FIVE = tuple(preset(name, kind="classification") for name in sorted(PRESETS)[:5])
EXTRA = preset("ts2vec", kind="classification")


class Recorder:
    """Trains at once: a candidate's score is its place in `order`, with none for those that fail."""

    def __init__(self, order: Sequence[Genotype], *, failing: Sequence[Genotype] = ()) -> None:
        self.rounds: list[tuple[str, list[TrialPlan], list[TrialPlan]]] = []
        self._scores = {genotype.key: float(-at) for at, genotype in enumerate(order)}
        self._failing = {genotype.key for genotype in failing}

    def run(
        self, plans: Sequence[TrialPlan], *, name: str, later: Sequence[TrialPlan] = (), ends: float | None = None
    ) -> dict[str, Trained]:
        self.rounds.append((name, list(plans), list(later)))
        return {
            plan.id: Trained(plan.genotype, cast(Any, SimpleNamespace(oriented_score=self._scores[key])), Path(key))
            for plan in plans
            if (key := plan.genotype.key) not in self._failing
        }


def run(halving: Halving, groups: dict[str, tuple[Genotype, ...]], recorder: Recorder) -> Any:
    return halving.run(groups, cast(TrialRunner, recorder))


def test_the_better_half_of_each_group_gets_all_iterations() -> None:
    halving, order = Halving(40, rng_seed=3, extra=(EXTRA,)), (*FIVE[::-1], EXTRA)
    recorder = Recorder(order)
    groups = {"picked": FIVE[:3], "random": FIVE[3:]}
    ranked, extras = run(halving, groups, recorder)
    (first, plans, later), (last, finalists, _) = recorder.rounds
    assert (first, last) == ("train, first round", "train, last round")
    assert [plan.iterations for plan in plans] == [40, 10, 10, 10, 10, 10] and plans[0].genotype == EXTRA
    assert {plan.rng_seed for plan in (*plans, *finalists)} == {3}
    assert [one.genotype for one in ranked["picked"]] == [FIVE[2], FIVE[1]] and ranked["random"][0].genotype == FIVE[4]
    assert [plan.iterations for plan in finalists] == [40, 40, 40] and list(extras) == [EXTRA.key]
    # as many as was said beforehand
    said = halving.planned(groups)
    assert [plan.id for plan in said[0]] == [plan.id for plan in plans]
    assert len(said[1]) == len(finalists) == len(later)


def test_a_group_of_one_has_the_last_round_only_and_extras_go_beside_it() -> None:
    halving = Halving(8, rng_seed=0, extra=(EXTRA,))
    recorder = Recorder((FIVE[0], EXTRA))
    ranked, extras = run(halving, {"picked": FIVE[:1]}, recorder)
    ((name, plans, _),) = recorder.rounds
    assert name == "train, last round" and [plan.iterations for plan in plans] == [8, 8]
    assert ranked["picked"][0].genotype == FIVE[0] and list(extras) == [EXTRA.key]
    assert halving.planned({"picked": FIVE[:1]}) == ([], plans)


def test_whoever_fails_is_left_out() -> None:
    halving = Halving(8, rng_seed=0)
    ranked, extras = run(halving, {"picked": FIVE[:2]}, Recorder(FIVE, failing=FIVE[:1]))
    assert [one.genotype for one in ranked["picked"]] == [FIVE[1]] and extras == {}
    nobody, _ = run(halving, {"picked": FIVE[:2]}, Recorder(FIVE, failing=FIVE))
    assert nobody == {"picked": []}
