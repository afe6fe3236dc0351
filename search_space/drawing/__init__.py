"""Draws genotypes from a space: fresh ones, unique sets of them, all there are, mutants and crosses."""

from search_space.drawing.every import every_genotype
from search_space.drawing.mutation import mutate
from search_space.drawing.plan import SamplingError
from search_space.drawing.sampling import crossover, sample_arch, sample_candidates, sample_columns

__all__ = [
    "SamplingError",
    "crossover",
    "every_genotype",
    "mutate",
    "sample_arch",
    "sample_candidates",
    "sample_columns",
]
