"""Limits on what a candidate may cost: those beyond them are not trained."""

from collections.abc import Callable
from functools import cache

from downstream.task import Task
from nas.choosing.portfolio import surest, usual
from nas.cost import costs_on, probe_seconds_on
from nas.cost.encoder_cost import encoder_weights, read_features
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
"""How many times as long as the usual preset the untrained encoder of one candidate of many may take."""
HELD_NUMBERS = 2**26
"""Most numbers that the representation of all cases by one of the surest presets may have, but for the first of them:
the penalties of its ridge take some seconds, and a gigabyte or two."""


def affordable(task: Task) -> Callable[[Genotype], bool]:
    """Return whether a candidate is cheap enough to be one of many whose untrained encoders are probed on a task.

    Its strategy does not matter, nor what its encoder would take in training: a trained bank of kernels costs ten times
    a fixed one there, and no more here. The first of the surest presets always is, the others where cases are few.
    """
    seconds = _by_key(probe_seconds_on(task))
    most = cache(lambda: LANDMARK_TIMES * seconds(usual(task.spec.kind)))
    first, *others = surest(task.spec.kind)
    certain = {first.key, *(genotype.key for genotype in others if _numbers_held(genotype, task) <= HELD_NUMBERS)}
    return lambda genotype: genotype.key in certain or seconds(genotype) <= most()


def _numbers_held(genotype: Genotype, task: Task) -> int:
    """Return how many numbers represent all cases of a task; 0 where a probe holds a few windows at a time."""
    if not task.kind.whole_cases:
        return 0
    streams = task.n_variates if genotype.encoder.channels == "independent" else 1
    return len(task.training_windows()) * streams * read_features(genotype.encoder)


def trainable(task: Task) -> Callable[[Genotype], bool]:
    """Return whether a candidate is cheap enough to be trained on a task; TS2Vec's own encoder always is."""
    ts2vec = preset("ts2vec", kind=task.spec.kind)
    cost_of = costs_on(task)
    seconds = _by_key(lambda genotype: cost_of(genotype).seconds_per_iteration)
    most = cache(lambda: TRAINED_TIMES * seconds(ts2vec))
    return lambda genotype: genotype.encoder == ts2vec.encoder or seconds(genotype) <= most()


def _by_key(seconds: Callable[[Genotype], float]) -> Callable[[Genotype], float]:
    """Return a function of genotypes that asks another once of each."""
    known: dict[str, float] = {}

    def once(genotype: Genotype) -> float:
        if genotype.key not in known:
            known[genotype.key] = seconds(genotype)
        return known[genotype.key]

    return once
