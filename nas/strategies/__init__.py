"""Strategies of a search, behind one interface: each says which trials it wants, and learns what became of them."""

from collections.abc import Mapping
from types import MappingProxyType

from nas.strategies.comparator import comparator
from nas.strategies.evolution import Evolution
from nas.strategies.halving import halving
from nas.strategies.landmark import Landmark
from nas.strategies.policy import Policy
from nas.strategies.random import random
from nas.strategies.strategy import Factory, Plan, PolicySpace, Result, Source, Strategy, Wish

STRATEGIES: Mapping[str, Factory] = MappingProxyType(
    {
        "landmark": Landmark,
        "comparator": comparator,
        "random": random,
        "evolution": Evolution,
        "halving": halving,
        "policy": Policy,
    }
)
"""Name -> what makes the strategy: `(source, plan, rng, **options)`; the first is the default."""

__all__ = ["STRATEGIES", "Factory", "Plan", "PolicySpace", "Result", "Source", "Strategy", "Wish"]
