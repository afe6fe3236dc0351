"""All genotypes of a space that is small enough to list, each once."""

import itertools
from collections.abc import Iterator

from search_space.drawing.plan import chain_plan, plan_of
from search_space.genotype import Chain, EncoderCell, Genotype
from search_space.genotype.encoder_dag import Edge, canonical_edges
from search_space.space import SearchSpace, Space
from search_space.space.counting import VIEWS, Cell


def every_genotype(space: Space) -> Iterator[Genotype]:
    """Yield the genotypes of a space with different keys: as many as `canonical_size` counts."""
    return itertools.chain.from_iterable(map(_every_genotype_of, space.products))


def _every_genotype_of(space: SearchSpace) -> Iterator[Genotype]:
    parts = plan_of(space).parts
    pairs = itertools.product(*(_chains(space[cell]) for cell in VIEWS))
    views = {frozenset(pair): pair for pair in pairs}  # which view is the first does not matter
    hyperparameters = itertools.product(parts.encoder, parts.readout)
    encoders = [
        EncoderCell.of(edges, between, readout)
        for edges, (between, readout) in itertools.product(_graphs(space["EncoderCell"]), hyperparameters)
    ]
    losses = dict.fromkeys(loss for loss in parts.loss if loss.is_valid)
    cells = (parts.embed, dict.fromkeys(parts.pair), losses, encoders, parts.train)
    for (aug1, aug2), *others in itertools.product(views.values(), *cells):
        yield Genotype(aug1, aug2, *others)


def _chains(cell: Cell) -> list[Chain]:
    """Return the different chains that act."""
    lengths, options = chain_plan(cell)
    drawn = (
        chain
        for length in lengths
        for chosen in itertools.permutations(options, length)
        for chain in itertools.product(*chosen)
    )
    return [*dict.fromkeys(tuple(step for step in chain if not step.does_nothing) for chain in drawn)]


def _graphs(cell: Cell) -> list[tuple[Edge, ...]]:
    """Return the different graphs."""
    operators = cell["operators"]
    known: dict[object, tuple[Edge, ...]] = {}
    for n_inner in cell["nodes"]:
        sources: list[list[tuple[int, ...]]] = [[(0,)]]
        sources += [[(node - 1, source) for source in range(node)] for node in range(2, n_inner + 1)]
        for read in itertools.product(*sources):
            reads = tuple(itertools.chain(*read))
            for names in itertools.product(operators, repeat=len(reads)):
                edges = tuple(zip(reads, names, strict=True))
                known.setdefault(canonical_edges(edges), edges)
    return [*known.values()]
