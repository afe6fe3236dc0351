"""Which candidates are tried: blind draws, and of a ranking those that differ in design."""

from collections.abc import Iterable, Sequence

from nas.strategies.strategy import Source
from search_space.genotype import Genotype

SHADES = 2
"""How many more of a ranking are looked at than are wanted: shades of one design stand together."""


def designs(source: Source, n: int) -> list[Genotype]:
    """Return the comparator's best n that differ in design; fewer where it ranked fewer."""
    return differing(source.ranked(SHADES * n), n)


def blind(source: Source, n: int, *, beside: Sequence[Genotype] = ()) -> list[Genotype]:
    """Return n blind draws that are not among others; fewer where the source has no more."""
    known = {genotype.key for genotype in beside}
    drawn: list[Genotype] = []
    while len(drawn) < n and (more := source.random(n - len(drawn))):
        drawn = distinct([*drawn, *(genotype for genotype in more if genotype.key not in known)])
    return drawn


def differing(genotypes: Sequence[Genotype], n: int) -> list[Genotype]:
    """Return the first n that differ in design, topped up in order.

    The head of a ranking is often one design in many shades; trying shades tells little.
    """
    seen: set[object] = set()
    first: list[Genotype] = []
    rest: list[Genotype] = []
    for genotype in genotypes:
        design = (genotype.encoder.edges, genotype.encoder.readout, genotype.loss.loss.name, genotype.pair.kinds)
        (rest if design in seen else first).append(genotype)
        seen.add(design)
    return (first + rest)[:n]


def distinct(genotypes: Iterable[Genotype]) -> list[Genotype]:
    """Return each genotype once, in order of its first place."""
    return list({genotype.key: genotype for genotype in genotypes}.values())
