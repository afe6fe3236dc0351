"""From all that was tried to who goes to the test: what validation cannot tell apart, the prior decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.task import Task
from nas.choosing.portfolio import surest
from nas.combining.selection import ADDITIONS, select
from nas.saved.encoder import combine_files
from nas.strategies.belief import believe
from nas.strategies.strategy import Foresight
from nas.trials.runner import Trained
from nas.trials.tried import Tried

FOLD_STREAM = 15
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Entrant:
    """One encoder or several as one, and what validation says of it.

    Args:
        members: Candidates at a point of their curve, the heaviest first.
        weights: What each counts; they add up to 1.
        score: On validation, in the task's metric; of several members, of each case by members that were selected on
            other cases.
        noise: Its standard error; 0 where that is not known.
        untrained_score: Of the same members untrained, with the same weights; None where that is not known.
    """

    members: tuple[Trained, ...]
    weights: tuple[float, ...]
    score: float
    noise: float = 0.0
    untrained_score: float | None = None

    @property
    def iterations(self) -> tuple[int, ...]:
        """Optimiser steps that each member had."""
        return tuple(one.iterations for one in self.members)

    def file(self) -> bytes:
        """Return the file of the encoder, of all members together."""
        files = [one.weights.read_bytes() for one in self.members]
        return combine_files(files, weights=self.weights, iterations=self.iterations)


def choose(task: Task, tried: Tried, *, source: Foresight, iterations: int, most: int, rng_seed: int) -> Entrant:
    """Return the members of the answer.

    Args:
        task: Its kind says whether encoders can be combined.
        tried: At least one candidate with weights.
        source: What is known of a candidate before it is tried.
        iterations: Of a full training.
        most: Most members; 1 gives the best candidate at the best point of its curve.
        rng_seed: Of the nested estimate.
    """
    best = best_point(tried, [*tried.results], source=source, iterations=iterations)
    said = _different(tried.points)
    if most == 1 or not said or not hasattr(task.kind, "held_out_losses"):
        return single(best)
    first = [tried.point(genotype, 0) for genotype in surest(task.spec.kind)]
    prior = [one.id for one in first if one is not None and one.id in said] or [best.id]
    if prior == [best.id] and best.id not in said:
        return single(best)
    found = select(
        said,
        lambda scores: task.kind.held_out_losses(task, scores),
        prior=prior,
        most=most,
        additions=ADDITIONS if task.kind.folds_tell(task) else 0,
        rng=np.random.default_rng([rng_seed, FOLD_STREAM]),
    )
    members = tuple(tried.points[name] for name in found.weights)
    nested = task.kind.held_out_score(task, found.nested)
    untrained = [tried.point(one.genotype, 0) for one in members]
    before: float | None = None
    if any(one.iterations for one in members) and all(one is not None and one.id in said for one in untrained):
        mean = sum(w * said[one.id] for w, one in zip(found.weights.values(), untrained, strict=True) if one)
        before = task.kind.held_out_score(task, np.asarray(mean)).value
    return Entrant(members, tuple(found.weights.values()), nested.value, nested.details["noise"], before)


def _different(points: Mapping[str, Trained]) -> dict[str, Floats]:
    """Return what each candidate said of cases held out; of those that are the same encoder, the first."""
    said: dict[str, Floats] = {}
    seen: set[object] = set()
    for name, one in points.items():
        held_out = one.held_out
        if held_out is None:
            continue
        alike = (one.genotype.encoder, held_out.tobytes())
        if alike not in seen:
            said[name] = held_out
        seen.add(alike)
    return said


def best_point(tried: Tried, keys: Sequence[str], *, source: Foresight, iterations: int) -> Trained:
    """Return the candidate, at the point of its curve, of which most is believed; of some candidates by their keys.

    Of points that are believed to be equal, the one that was trained longest.

    Raises:
        ValueError: If none of them came to an end, with weights.
    """
    results = [tried.results[key] for key in keys if tried.results[key].curve]
    if not results:
        raise ValueError("best_point: none of the candidates came to an end")
    priors, gains = ([says(result.genotype) for result in results] for says in (source.score, source.gain))
    belief = believe(results, prior=priors, gains=gains, iterations=iterations)
    open_to = [
        (value, point)
        for result, values in zip(results, belief.points, strict=True)
        for (iteration, _), value in zip(result.curve, values, strict=True)
        if (point := tried.point(result.genotype, iteration)) is not None
    ]
    if not open_to:
        raise ValueError("best_point: none of the candidates has weights")
    return max(open_to, key=lambda one: (one[0], one[1].iterations))[1]


def single(best: Trained) -> Entrant:
    """Return a candidate as it is at a point of its curve."""
    record = best.record
    assert record.score is not None, "a candidate with weights has a score"
    noise = float(record.details.get("noise", 0.0))
    return Entrant((best,), (1.0,), record.score, noise, record.untrained_score)
