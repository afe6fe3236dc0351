"""Whether a genotype is one that a space can draw, cell by cell."""

from collections.abc import Iterator, Mapping
from typing import Any

from search_space.genotype import Chain, Choice, EncoderCell, Genotype, LossCell, PairCell
from search_space.genotype.cells import with_usual
from search_space.genotype.rules import NONE
from search_space.registry import losses_without_similarity
from search_space.space.counting import VIEWS, Cell, reachable, zeros


def cells_held(choices: Mapping[str, Cell], genotype: Genotype) -> Iterator[bool]:
    """Yield of each cell of a genotype whether the choices can draw it; the views have no order and are one cell."""
    yield _holds_encoder(choices["EncoderCell"], genotype.encoder)
    yield _holds_fields(choices["TrainCell"], genotype.train)
    yield _holds_fields(choices["EmbedCell"], genotype.embed)
    yield _holds_pair(choices["PairCell"], genotype.pair)
    yield _holds_loss(choices["LossCell"], genotype.loss)
    views = [(genotype.aug1, genotype.aug2), (genotype.aug2, genotype.aug1)]
    yield any(
        all(_holds_chain(choices[cell], chain) for cell, chain in zip(VIEWS, pair, strict=True)) for pair in views
    )


def _holds_chain(cell: Cell, chain: Chain) -> bool:
    """A chain may be shorter than what was drawn: steps of zero strength are gone."""
    if not all(_holds_choice(cell, "options", step) for step in chain):
        return False
    if len(chain) in cell["lengths"]:
        return True
    names = {step.name for step in chain}
    return reachable(cell, len(chain), sum(option not in names for option in zeros(cell)))


def _holds_choice(cell: Cell, field: str, choice: Choice | None) -> bool:
    if choice is None:
        return NONE in cell[field]
    parameters = with_usual(field, choice) if field == "auxiliary" else choice.params
    return choice.name in cell[field] and all(
        value in cell[f"{choice.name}.{parameter}"] for parameter, value in parameters.items()
    )


def _holds_fields(cell: Cell, part: Any) -> bool:
    """Return whether every field of a part is one of the cell's values, an encoder's edges aside."""
    return all(value in cell[name] for name, value in vars(part).items() if name in cell)


def _holds_pair(cell: Cell, pair: PairCell) -> bool:
    pooled = not pair.pools or pair.pool in cell["pool"]
    return pooled and pair.kernel in cell["kernel"] and set(pair.kinds) <= set(cell["kinds"])


def _holds_loss(cell: Cell, loss: LossCell) -> bool:
    plain = loss.loss.name in losses_without_similarity()  # then nothing else of it matters
    return (
        _holds_choice(cell, "loss", loss.loss)
        and _holds_choice(cell, "auxiliary", loss.auxiliary)
        and (plain or (loss.similarity in cell["similarity"] and _holds_choice(cell, "weighting", loss.weighting)))
    )


def _holds_encoder(cell: Cell, encoder: EncoderCell) -> bool:
    operators = {op for _, op in encoder.edges}
    taps = {min(taps, encoder.blocks) for taps in cell["taps"]}
    return (
        encoder.n_inner in cell["nodes"]
        and operators <= set(cell["operators"])
        and _holds_fields({**cell, "taps": tuple(taps)}, encoder)
    )
