"""A genotype as one flat row: a column per gene, the same typed columns for all genotypes."""

from collections.abc import Iterable, Mapping
from typing import get_type_hints

from search_space import registry
from search_space.genotype import Genotype
from search_space.genotype.cells import EmbedCell, EncoderCell, PairCell, TrainCell, with_usual
from search_space.genotype.rules import NONE

Gene = str | int | float | bool
_CELLS: Mapping[str, type] = {"embed": EmbedCell, "pair": PairCell, "encoder": EncoderCell, "train": TrainCell}
_CHOICES = {"loss": "loss", "loss.weighting": "weighting", "loss.auxiliary": "auxiliary"}  # gene -> kind of its options
_TEXTS = ("augmentations", "augmentations.view1", "augmentations.view2", "pair.kinds", "loss.name", "loss.similarity",
          "loss.weighting", "loss.auxiliary", "encoder.operators", "encoder.edges")  # fmt: skip


def gene_columns() -> dict[str, type]:
    """Return the columns, name -> type of what stands there; asks the registry.

    `CELL.FIELD` is a field of a cell. What is many in one stands joined by `+`: `augmentations` (names of both views),
    `augmentations.view1` and `.view2` (in order, with parameters), `pair.kinds`, `encoder.operators` (each once)
    and `encoder.edges` (`node:operator`, by target node). `loss.PARAMETER`, `loss.weighting.PARAMETER` and
    `loss.auxiliary.PARAMETER` stand for every registered parameter of such an option.
    """
    fields = {
        f"{prefix}.{name}": kind
        for prefix, cell in _CELLS.items()
        for name, kind in get_type_hints(cell).items()
        if kind in (str, int, float, bool)
    }
    parameters = {
        f"{gene}.{name}": float
        for gene, kind in _CHOICES.items()
        for option in registry.options(kind).values()
        for name in option.choices
    }
    columns = {**dict.fromkeys(_TEXTS, str), **fields, "encoder.nodes": int, **parameters}
    return {name: columns[name] for name in sorted(columns)}


def genes_of(genotype: Genotype) -> dict[str, Gene]:
    """Return the genes by column; a parameter that the genotype's options do not have is left out."""
    encoder, loss, views = genotype.encoder, genotype.loss, (genotype.aug1, genotype.aug2)
    cells = {prefix: getattr(genotype, prefix) for prefix in _CELLS}
    found: dict[str, Gene] = {
        f"{prefix}.{name}": value
        for prefix, cell in cells.items()
        for name, value in vars(cell).items()
        if not isinstance(value, tuple)
    }
    found |= {
        "augmentations": _joined(sorted({choice.name for view in views for choice in view})),
        "augmentations.view1": _joined(views[0]),
        "augmentations.view2": _joined(views[1]),
        "pair.kinds": _joined(genotype.pair.kinds),
        "loss.name": loss.loss.name,
        "loss.similarity": loss.similarity,
        "encoder.operators": _joined(sorted({operator for _, operator in encoder.edges})),
        "encoder.edges": _joined(f"{node}:{operator}" for node, operator in encoder.edges),
        "encoder.nodes": encoder.n_inner,
    }
    found |= {f"loss.{name}": value for name, value in loss.loss.parameters}
    for gene, choice in (("loss.weighting", loss.weighting), ("loss.auxiliary", loss.auxiliary)):
        found[gene] = NONE if choice is None else choice.name
        parameters = with_usual(_CHOICES[gene], choice) if choice else {}
        found |= {f"{gene}.{name}": value for name, value in parameters.items()}
    return found


def _joined(parts: Iterable[object]) -> str:
    return "+".join(str(part) for part in parts) or NONE
