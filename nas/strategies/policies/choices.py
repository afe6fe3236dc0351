"""A search space as a sequence of choices, each conditioned on those before it."""

from collections.abc import Mapping, Sequence
from typing import Any

from nas.strategies.strategy import Pick
from search_space.drawing.plan import chain_plan
from search_space.genotype import Choice, EmbedCell, EncoderCell, Genotype, LossCell, TrainCell
from search_space.genotype.cells import BETWEEN
from search_space.genotype.encoder_dag import Edge
from search_space.genotype.rules import NONE
from search_space.registry import losses_without_similarity
from search_space.space import SearchSpace, Space
from search_space.space.counting import pair_cells, standing_alone

Cell = Mapping[str, tuple[Any, ...]]


class SpaceChoices:
    """The choices of a space: the region first, then cell by cell.

    Args:
        space: What can be built.
    """

    def __init__(self, space: Space) -> None:
        self._products = space.products

    def build(self, pick: Pick) -> Genotype:
        """Return the genotype that a sequence of picks makes."""
        space = self._products[pick("region", range(len(self._products)))]
        embed, train = space["EmbedCell"], space["TrainCell"]
        return Genotype(
            aug1=_chain(space, "AugCell1", pick),
            aug2=_chain(space, "AugCell2", pick),
            embed=EmbedCell(**_fields(embed, [*embed], pick)),
            pair=_pair(space["PairCell"], pick),
            loss=_loss(space["LossCell"], pick),
            encoder=_encoder(space["EncoderCell"], pick),
            train=TrainCell(**_fields(train, [*train], pick)),
        )


def _fields(cell: Cell, names: Sequence[str], pick: Pick) -> dict[str, Any]:
    return {name: pick(name, cell[name]) for name in names}


def _option(cell: Cell, name: str, pick: Pick) -> Choice:
    """Return an option with a value of each parameter."""
    parameters = [field for field in cell if field.startswith(f"{name}.")]
    return Choice(name, tuple((field.partition(".")[2], pick(field, cell[field])) for field in parameters))


def _chain(space: SearchSpace, view: str, pick: Pick) -> tuple[Choice, ...]:
    cell = space[view]
    lengths, _ = chain_plan(cell)
    left, chain = [*cell["options"]], []
    for place in range(pick(f"{view}.length", lengths)):
        name = pick(f"{view}.{place}", left)
        left.remove(name)
        chain.append(_option(cell, name, pick))
    return tuple(chain)


def _pair(cell: Cell, pick: Pick) -> Any:
    left = pair_cells(cell)
    for name in ("kinds", "kernel", "pool"):
        value = pick(name, list(dict.fromkeys(getattr(pair, name) for pair in left)))
        left = [pair for pair in left if getattr(pair, name) == value]
    return left[0]


def _loss(cell: Cell, pick: Pick) -> LossCell:
    loss = _option(cell, pick("loss", cell["loss"]), pick)
    if loss.name == NONE:
        return LossCell(loss, NONE, None, _beside(standing_alone(cell), "auxiliary", pick))
    if loss.name in losses_without_similarity():
        return LossCell(loss, NONE, None, _beside(cell, "auxiliary", pick))
    similarity = pick("similarity", cell["similarity"])
    return LossCell(loss, similarity, _beside(cell, "weighting", pick), _beside(cell, "auxiliary", pick))


def _beside(cell: Cell, field: str, pick: Pick) -> Choice | None:
    name = pick(field, cell[field])
    return None if name == NONE else _option(cell, name, pick)


def _encoder(cell: Cell, pick: Pick) -> EncoderCell:
    """Pick the readout first: of all genes it says most of a score."""
    readout = pick("readout", cell["readout"])
    between = _fields(cell, BETWEEN, pick)
    edges: list[Edge] = [(0, pick("operator.1", cell["operators"]))]
    for node in range(2, pick("nodes", cell["nodes"]) + 1):
        edges.append((node - 1, pick(f"operator.{node}", cell["operators"])))
        source = pick(f"source.{node}", range(node))
        edges.append((source, pick(f"second operator.{node}", cell["operators"])))
    return EncoderCell(edges=tuple(edges), readout=readout, **between)
