"""Exact sizes of the cells of a search space, by counting instead of listing.

`raw` counts what can be drawn; `canonical` counts what has different keys.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from search_space.genotype import Choice, PairCell
from search_space.genotype.encoder_dag import IDENTITY
from search_space.genotype.rules import NONE
from search_space.registry import losses_without_similarity

Cell = Mapping[str, tuple[Any, ...]]
VIEWS = ("AugCell1", "AugCell2")


def points(cell: Cell, option: str) -> list[Choice]:
    """Return an option with every combination of its parameters' choices."""
    prefix = f"{option}."
    parameters = {name[len(prefix) :]: values for name, values in cell.items() if name.startswith(prefix)}
    grid = itertools.product(*parameters.values())
    return [Choice(option, tuple(zip(parameters, point, strict=True))) for point in grid]


def n_points(cell: Cell, option: str) -> int:
    """Count the points of an option without listing them."""
    return math.prod(len(values) for name, values in cell.items() if name.startswith(f"{option}."))


def combinations(choices: Mapping[str, Cell]) -> dict[str, int]:
    """Return how many parts of each kind are listed where genotypes are drawn and ranked as numbers."""
    chains = {name: sum(n_points(choices[name], option) for option in choices[name]["options"]) for name in VIEWS}
    encoder = {name: values for name, values in choices["EncoderCell"].items() if name != "readout"}
    return {
        **chains,
        "EmbedCell": hyperparameters(choices["EmbedCell"]),
        "LossCell": raw_losses(choices["LossCell"]),
        "EncoderCell and TrainCell": hyperparameters(encoder) * hyperparameters(choices["TrainCell"]),
    }


def pair_cells(cell: Cell) -> list[PairCell]:
    """Return all valid pair cells as drawn: equal ones are there for each pooling that nothing asks for."""
    kinds = sorted(cell["kinds"])
    subsets = [subset for size in range(1, len(kinds) + 1) for subset in itertools.combinations(kinds, size)]
    drawn = [PairCell(subset, pool, kernel) for kernel in cell["kernel"] for subset in subsets for pool in cell["pool"]]
    return [pair for pair in drawn if pair.is_valid]


def raw_chains(cell: Cell) -> int:
    """Count ordered chains of different options, with the choices of their parameters.

    A chain of length L is an ordered choice of L options: `L! e_L(c)`, where e_L
    is the elementary symmetric polynomial of the options' numbers of choices.
    """
    symmetric = [1]
    for option in cell["options"]:
        count = n_points(cell, option)
        symmetric = [a + count * b for a, b in zip([*symmetric, 0], [0, *symmetric], strict=True)]
    return sum(math.factorial(size) * symmetric[size] for size in cell["lengths"] if size < len(symmetric))


def common_canonical_chains(first: Cell, second: Cell) -> int:
    """Count the canonical chains (no zero strengths) that both cells can produce.

    A canonical chain of l options is produced from a length L >= l if L - l
    other options can be drawn at strength zero. Counting needs only how many
    of the chain's options have a zero strength in either cell.
    """
    options = sorted({*first["options"], *second["options"]})
    choices = [
        [set(points(cell, option)) if option in cell["options"] else set() for cell in (first, second)]
        for option in options
    ]
    # (length, options with a zero in the first cell, in the second) -> number of unordered chains
    counts: dict[tuple[int, int, int], int] = {(0, 0, 0): 1}
    for in_first, in_second in choices:
        acting = sum(not choice.does_nothing for choice in in_first & in_second)
        zero = _has_zero(in_first), _has_zero(in_second)
        grown = defaultdict(int, counts)
        for (length, zeros_first, zeros_second), count in counts.items():
            grown[length + 1, zeros_first + zero[0], zeros_second + zero[1]] += count * acting
        counts = grown
    zeros = [sum(_has_zero(pair[cell]) for pair in choices) for cell in (0, 1)]
    return sum(
        math.factorial(length) * count
        for (length, *used), count in counts.items()
        if reachable(first, length, zeros[0] - used[0]) and reachable(second, length, zeros[1] - used[1])
    )


def _has_zero(points: set[Choice]) -> bool:
    return any(choice.does_nothing for choice in points)


def zeros(cell: Cell) -> list[str]:
    """Return the options of a chain that can be drawn with every strength zero, and so without effect."""
    strengths = {
        option: [values for name, values in cell.items() if name.startswith(f"{option}.")] for option in cell["options"]
    }
    return [option for option, each in strengths.items() if each and all(0 in values for values in each)]


def reachable(cell: Cell, length: int, spare_zeros: int) -> bool:
    """Return whether a chain of acting options can be drawn, so many others with strength zero beside it."""
    return any(0 <= drawn - length <= spare_zeros for drawn in cell["lengths"])


def canonical_views(first: Cell, second: Cell) -> int:
    """Count unordered pairs of canonical chains, one from each cell."""
    shared = common_canonical_chains(first, second)
    ordered = common_canonical_chains(first, first) * common_canonical_chains(second, second)
    return ordered - math.comb(shared, 2)


def standing_alone(cell: Cell) -> Cell:
    """Return a Loss cell with those auxiliary losses only that may stand beside no loss: without own steps."""
    own = {name: (0.0,) for name in cell if name.endswith(".own_steps")}
    names = [name for name in cell["auxiliary"] if name != NONE and 0.0 in cell.get(f"{name}.own_steps", (0.0,))]
    return {**cell, **own, "auxiliary": tuple(names)}


def raw_losses(cell: Cell) -> int:
    """Count losses with their parameters, similarities, weightings and auxiliary losses."""
    losses = _points(cell, "loss") - (NONE in cell["loss"])
    times = len(cell["similarity"]) * _points(cell, "weighting")
    return times * (losses * _points(cell, "auxiliary") + _alone(cell))


def canonical_losses(cell: Cell) -> int:
    """Count the same where a loss that compares nothing has no similarity and no weighting."""
    losses = [loss for loss in cell["loss"] if loss != NONE]
    plain = [loss for loss in losses if loss in losses_without_similarity()]
    n_losses, n_plain = (_points({**cell, "loss": tuple(names)}, "loss") for names in (losses, plain))
    compared = (n_losses - n_plain) * len(cell["similarity"]) * _points(cell, "weighting")
    return (compared + n_plain) * _points(cell, "auxiliary") + _alone(cell)


def _alone(cell: Cell) -> int:
    """Count the auxiliary losses that stand beside the loss `none`."""
    return _points(standing_alone(cell), "auxiliary") if NONE in cell["loss"] else 0


def _points(cell: Cell, field: str) -> int:
    """Count the options of a field, each with the choices of its parameters."""
    return sum(n_points(cell, name) for name in cell[field])


def raw_graphs(nodes: Sequence[int], n_operators: int) -> int:
    """Count graphs as drawn: node k has k possible second sources and two operators."""
    return sum(n_operators ** (2 * n - 1) * math.factorial(n) for n in nodes)


def canonical_graphs(nodes: Sequence[int], operators: Sequence[str]) -> int:
    """Count graphs with different canonical edges.

    Node k reads k-1 and one of s other sources by any two operators (s q^2), or
    k-1 twice by an unordered two (q (q + 1) / 2). Behind an identity at node 1
    nodes 0 and 1 are one source, so every s is smaller by one from node 3 on,
    and node 2 can only read that one source twice.
    """
    q = len(operators)
    twice = q * (q + 1) // 2
    with_identity = int(IDENTITY in operators)
    total = 0
    for n in nodes:
        plain = math.prod((k - 1) * q * q + twice for k in range(2, n + 1))
        behind_identity = math.prod((k - 2) * q * q + twice for k in range(2, n + 1))
        total += (q - with_identity) * plain + with_identity * behind_identity
    return total


def hyperparameters(cell: Cell) -> int:
    """Count the combinations of independent fields: all but those that an encoder's graph is drawn from."""
    return math.prod(len(values) for name, values in cell.items() if name not in ("nodes", "operators"))


def canonical_hyperparameters(cell: Cell) -> int:
    """Count the same of an encoder whose readout reads no more blocks than there are."""
    blocks, taps = cell["blocks"], cell["taps"]
    different = {(n, min(tap, n)) for n in blocks for tap in taps}
    return hyperparameters({**cell, "blocks": (1,), "taps": (1,)}) * len(different)


RAW: Mapping[str, Callable[[Cell], int]] = {
    "AugCell1": raw_chains,
    "AugCell2": raw_chains,
    "EmbedCell": hyperparameters,
    "PairCell": lambda cell: len(pair_cells(cell)),
    "LossCell": raw_losses,
    "EncoderCell": lambda cell: raw_graphs(cell["nodes"], len(cell["operators"])) * hyperparameters(cell),
    "TrainCell": hyperparameters,
}
CANONICAL: Mapping[str, Callable[[Cell], int]] = {
    "EmbedCell": hyperparameters,
    "PairCell": lambda cell: len(set(pair_cells(cell))),
    "LossCell": canonical_losses,
    "EncoderCell": lambda cell: canonical_graphs(cell["nodes"], cell["operators"]) * canonical_hyperparameters(cell),
    "TrainCell": hyperparameters,
}
"""The views are missing: they are counted together."""
