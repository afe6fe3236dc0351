"""Which candidates are tried: blind draws, and of a ranking those that differ in design."""

from collections.abc import Iterable, Sequence

from ahc.ranking import SHADES, differing
from nas.strategies.strategy import Source
from search_space.genotype import Genotype


def designs(source: Source, n: int) -> list[Genotype]:
    """Return the comparator's best n that differ in design; fewer where it ranked fewer."""
    ranked = source.ranked(SHADES * n)
    return [ranked[at] for at in differing(ranked, n)]


def blind(source: Source, n: int, *, beside: Sequence[Genotype] = ()) -> list[Genotype]:
    """Return n blind draws that are not among others; fewer where the source has no more."""
    known = {genotype.key for genotype in beside}
    drawn: list[Genotype] = []
    while len(drawn) < n and (more := source.random(n - len(drawn))):
        drawn = distinct([*drawn, *(genotype for genotype in more if genotype.key not in known)])
    return drawn


def distinct(genotypes: Iterable[Genotype]) -> list[Genotype]:
    """Return each genotype once, in order of its first place."""
    return list({genotype.key: genotype for genotype in genotypes}.values())
