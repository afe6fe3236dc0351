"""Whether two products of choices have a genotype in common."""

from collections.abc import Callable, Mapping

from search_space.registry import NONE, losses_without_similarity
from search_space.space.counting import Cell, common_canonical_chains, pair_cells, standing_alone


def overlap(first: Mapping[str, Cell], second: Mapping[str, Cell]) -> bool:
    """Return whether both can draw genotypes of one key.

    A product's cells are independent, so that is where every cell can be drawn alike; the views, which have no order,
    are one cell.
    """
    return all(alike(first[cell], second[cell]) for cell, alike in _ALIKE.items()) and _views(first, second)


def _fields(first: Cell, second: Cell) -> bool:
    return all(set(first[name]) & set(second[name]) for name in first)


def _pairs(first: Cell, second: Cell) -> bool:
    return bool({*pair_cells(first)} & {*pair_cells(second)})


def _losses(first: Cell, second: Cell) -> bool:
    """A loss that compares nothing has neither similarity nor weighting; `none` has an auxiliary loss."""
    losses = _options(first, second, "loss")
    if NONE in losses and _options(standing_alone(first), standing_alone(second), "auxiliary"):
        return True
    losses -= {NONE}
    plain = losses & losses_without_similarity()
    compared = losses - plain and {*first["similarity"]} & {*second["similarity"]}
    weighted = bool(compared and _options(first, second, "weighting"))
    return bool(_options(first, second, "auxiliary")) and (bool(plain) or weighted)


def _options(first: Cell, second: Cell, field: str) -> set[str]:
    """Return the options that both have with the same values of all parameters."""
    return {
        name
        for name in {*first[field]} & {*second[field]}
        if all({*first[key]} & {*second[key]} for key in first if key.startswith(f"{name}."))
    }


def _encoders(first: Cell, second: Cell) -> bool:
    """Graphs of as many nodes and of operators that both have are alike; a readout reads at most all blocks."""
    taps = ({(n, min(tap, n)) for n in cell["blocks"] for tap in cell["taps"]} for cell in (first, second))
    others = {name: values for name, values in first.items() if name not in ("blocks", "taps")}
    return bool(set.intersection(*taps)) and _fields(others, second)


def _views(first: Mapping[str, Cell], second: Mapping[str, Cell]) -> bool:
    def alike(*views: tuple[str, str]) -> bool:
        return all(common_canonical_chains(first[one], second[other]) for one, other in views)

    return alike(("AugCell1", "AugCell1"), ("AugCell2", "AugCell2")) or alike(
        ("AugCell1", "AugCell2"), ("AugCell2", "AugCell1")
    )


_ALIKE: Mapping[str, Callable[[Cell, Cell], bool]] = {
    "EmbedCell": _fields,
    "PairCell": _pairs,
    "LossCell": _losses,
    "EncoderCell": _encoders,
    "TrainCell": _fields,
}
