"""Limits on what a candidate may cost: those beyond them are not trained."""

from collections.abc import Callable
from functools import cache

from downstream.task import Task
from nas.choosing.portfolio import usual
from nas.cost import costs_on
from nas.cost.encoder_cost import encoder_weights
from search_space.genotype import Genotype
from search_space.presets import preset


def cost_limit(
    task: Task,
    *,
    parameters: int | None = None,
    multiply_adds: float | None = None,
    memory: int | None = None,
    seconds: float | None = None,
) -> Callable[[Genotype], bool] | None:
    """Return whether a candidate keeps within all limits on a task, as a function; None if there are none.

    Args:
        task: What the candidates would be trained on.
        parameters: Most trainable numbers of the encoder; here and below, None is no limit.
        multiply_adds: Most of the forward pass of an iteration.
        memory: Most bytes of an iteration.
        seconds: Most predicted seconds of an iteration: those of the shipped speed, not of this machine, as a search
            that goes on after an interruption must choose the same candidates again.
    """
    limits = (multiply_adds, memory, seconds)
    traced = any(limit is not None for limit in limits)
    if parameters is None and not traced:
        return None
    cost_of = costs_on(task)

    def accepts(genotype: Genotype) -> bool:
        # parameters first: they are known without tracing anything
        n_parameters = encoder_weights(genotype.encoder, variates=task.n_variates).numbers
        if parameters is not None and n_parameters > parameters:
            return False
        if not traced:
            return True
        cost = cost_of(genotype)
        values = (cost.multiply_adds, cost.memory_bytes, cost.seconds_per_iteration)
        return all(limit is None or value <= limit for value, limit in zip(values, limits, strict=True))

    return accepts


TRAINED_TIMES = 0.75
"""How many times as long as TS2Vec a candidate may take that is trained and no TS2Vec."""
LANDMARK_TIMES = 1.25
"""How many times as long as the usual preset the untrained probe of one candidate of many may take."""


def affordable(kind: str, seconds: Callable[[Genotype], float]) -> Callable[[Genotype], bool]:
    """Return whether a candidate is cheap enough to be one of many whose untrained encoders are probed.

    Args:
        kind: Of the task.
        seconds: Predicts those of an iteration on it.
    """
    most = cache(lambda: LANDMARK_TIMES * seconds(usual(kind)))
    return lambda genotype: seconds(genotype) <= most()


def trainable(kind: str, seconds: Callable[[Genotype], float]) -> Callable[[Genotype], bool]:
    """Return whether a candidate is cheap enough to be trained; TS2Vec's own encoder always is.

    Args:
        kind: Of the task.
        seconds: Predicts those of an iteration on it.
    """
    ts2vec = preset("ts2vec", kind=kind)
    most = cache(lambda: TRAINED_TIMES * seconds(ts2vec))
    return lambda genotype: genotype.encoder == ts2vec.encoder or seconds(genotype) <= most()


def seconds_on(task: Task) -> Callable[[Genotype], float]:
    """Return the function that predicts the seconds of an iteration of a candidate on a task, asked once of each."""
    cost_of = costs_on(task)
    known: dict[str, float] = {}

    def seconds(genotype: Genotype) -> float:
        if genotype.key not in known:
            known[genotype.key] = cost_of(genotype).seconds_per_iteration
        return known[genotype.key]

    return seconds
