"""Genotypes as plain rows of numbers, for rivals that know nothing of graphs."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.vocabulary import Vocabulary
from search_space.genotype import Genotype


def flat_features(genotypes: Sequence[Genotype], *, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """Return one row per genotype.

    A vocabulary column is summed over the vertices: options become counts, and
    parameters sums over the places they are used in. Then come the operator columns
    twice more: of the operators that read the input, and of those that make the output.

    Args:
        genotypes: At least one genotype.
        vocabulary: Gives each name its column.

    Returns:
        Features, (genotypes, vocabulary + 2 * operators).
    """
    batch = encode_genotypes(genotypes, vocabulary=vocabulary)
    columns = [at for at, name in enumerate(vocabulary.columns) if name.startswith("operator/")]
    operators = batch.table[:, columns]
    totals = _weighted_sum(batch.vertices, table=batch.table, weights=batch.mask.float())

    feeds = ("vertex/input", "vertex/augmentation")
    begins = batch.table[:, [vocabulary.column(name) for name in feeds]].sum(dim=1)[batch.vertices]
    adjacency = batch.adjacency
    reads_input = (torch.bmm(begins[:, None], adjacency)[:, 0] > 0).float()
    outputs = batch.mask.sum(dim=1) - 1
    makes_output = adjacency[torch.arange(len(batch)), :, outputs]
    first = _weighted_sum(batch.vertices, table=operators, weights=reads_input)
    last = _weighted_sum(batch.vertices, table=operators, weights=makes_output)
    return torch.cat([totals, first, last], dim=1).numpy()


def _weighted_sum(vertices: torch.Tensor, *, table: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.embedding_bag(vertices, table, mode="sum", per_sample_weights=weights)
