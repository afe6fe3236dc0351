"""Genotypes as graphs: one at a time, and what many in one padded batch are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ahc.gcn import normalise
from ahc.graphs.vocabulary import Vocabulary
from search_space.genotype import Genotype
from search_space.genotype.graph import Vertex, to_networkx

if TYPE_CHECKING:
    from torch_geometric.data import Data

WHOLE_BLOCKS = 32


@dataclass(frozen=True)
class ArchGraph:
    """One genotype as a directed graph.

    Args:
        adjacency: `[u, v] = 1` for an edge u -> v, (vertices, vertices).
        features: What each vertex is, (vertices, features).
    """

    adjacency: NDArray[np.float32]
    features: NDArray[np.float32]

    def to_data(self) -> Data:
        """Return the graph for torch-geometric: `x`, `edge_index` (row 0 is heard) and the normalised `edge_weight`."""
        from torch_geometric.data import Data

        adjacency = torch.from_numpy(self.adjacency)
        edges = adjacency.nonzero().T.contiguous()
        return Data(torch.from_numpy(self.features), edge_index=edges, edge_weight=normalise(adjacency)[tuple(edges)])


def geno_to_graph(genotype: Genotype, vocabulary: Vocabulary) -> ArchGraph:
    """Return a genotype's graph.

    Raises:
        VocabularyError: If the vocabulary lacks an option of the genotype.
    """
    import networkx as nx

    graph = to_networkx(genotype)
    rows = [vocabulary.row(Vertex(*(says[name] for name in Vertex._fields))) for _, says in graph.nodes(data=True)]
    return ArchGraph(adjacency=nx.to_numpy_array(graph, dtype=np.float32), features=np.stack(rows))


@dataclass(frozen=True)
class GraphBatch:
    """Many graphs, padded to the largest; distinct vertices and shapes are stored once.

    Thousands of candidates share a few hundred distinct vertices and a few hundred
    shapes, so a table of each and integer references keep memory and time low.
    Row 0 of `table` is the padding.

    Args:
        table: Features of the distinct vertices, (rows, features).
        vertices: Row of each vertex, (graphs, vertices).
        mask: Which vertices exist, (graphs, vertices).
        structures: Distinct adjacencies, (shapes, vertices, vertices).
        structure: Shape of each graph, (graphs,).
    """

    table: Tensor
    vertices: Tensor
    mask: Tensor
    structures: Tensor
    structure: Tensor

    def __len__(self) -> int:
        return len(self.vertices)

    @property
    def adjacency(self) -> Tensor:
        """Adjacencies, (graphs, vertices, vertices)."""
        return self.structures[self.structure]

    @property
    def content(self) -> Tensor:
        """Sum of each graph's vertex features, (graphs, features)."""
        return torch.nn.functional.embedding_bag(self.vertices, self.table, mode="sum")

    def equal_sizes(self, most: int) -> Iterator[tuple[Tensor, GraphBatch]]:
        """Yield graphs of one size together, without padding, each part behind its positions, (part,).

        Matrix products round by blocks of rows, so the last graph of a part is
        repeated until there are whole blocks: what is computed of a graph then
        does not depend, to the last bit where products work so, on its company.

        Args:
            most: Graphs of a part, a multiple of `WHOLE_BLOCKS`.
        """
        sizes = self.mask.sum(dim=1)
        for size in sorted(set(sizes.tolist())):
            alike = torch.nonzero(sizes == size)[:, 0]
            shapes, shape = torch.unique(self.structure[alike], return_inverse=True)
            structures = self.structures[shapes, :size, :size]
            for place in torch.split(torch.arange(len(alike), device=alike.device), most):
                place = torch.cat([place, place[-1:].expand(-len(place) % WHOLE_BLOCKS)])
                index = alike[place]
                vertices, mask = self.vertices[index, :size], self.mask[index, :size]
                yield index, GraphBatch(self.table, vertices, mask, structures=structures, structure=shape[place])
