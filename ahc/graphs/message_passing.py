"""The comparator's networks on torch-geometric: how they are trained, and what a score is.

Importing this module imports torch-geometric, which takes seconds; ranking does without (`GraphEncoder.read`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import MessagePassing, global_add_pool, global_max_pool, global_mean_pool

from ahc.gcn import GraphConvolution, GraphEncoder
from ahc.graphs.graph import ArchGraph


class DirectedConv(MessagePassing):  # type: ignore[misc]
    """One layer that hears along the edges, against them, and itself, in the way of torch-geometric's `DirGNNConv`.

    Args:
        weights: The three maps; shared, not copied.
    """

    def __init__(self, weights: GraphConvolution) -> None:
        super().__init__(aggr="sum")
        self.weights = weights

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """Return the new states, (vertices, n_out).

        Args:
            x: Vertex states, (vertices, n_in).
            edge_index: Who is heard and who hears, (2, edges).
            edge_weight: How much, (edges,).
        """
        along = self.propagate(edge_index, x=x, edge_weight=edge_weight)
        against = self.propagate(edge_index.flip(0), x=x, edge_weight=edge_weight)
        out: Tensor = self.weights.itself(x) + self.weights.along(along) + self.weights.against(against)
        return out

    def message(self, x_j: Tensor, edge_weight: Tensor) -> Tensor:
        """Return what each edge carries, (edges, n_in)."""
        return edge_weight[:, None] * x_j


class MessagePassingEncoder(nn.Module):
    """Graph -> vector, as `GraphEncoder` says, by message passing.

    Args:
        encoder: The weights; shared, not copied.
    """

    def __init__(self, encoder: GraphEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = nn.ModuleList(
            DirectedConv(layer) for layer in encoder.layers if isinstance(layer, GraphConvolution)
        )

    def forward(self, graphs: Data) -> Tensor:
        """Return one vector per graph of a batch, (graphs, n_features + 2 * hidden)."""
        states = self.encoder.project(graphs.x)
        for layer in self.layers:
            states = states + layer(states, graphs.edge_index, graphs.edge_weight).relu()
        pools = (
            global_add_pool(graphs.x, graphs.batch),
            global_mean_pool(states, graphs.batch),
            global_max_pool(states, graphs.batch),
        )
        return torch.cat(pools, dim=-1)


class GraphCollection:
    """Graphs of which some at a time go through a network.

    Args:
        graphs: All of them.
        device: Where batches are made.
    """

    def __init__(self, graphs: Sequence[ArchGraph], *, device: str) -> None:
        data = [graph.to_data() for graph in graphs]
        self._all: Batch = Batch.from_data_list(data).to(device)
        self._vertices = self._all.ptr  # where the vertices of each graph begin, and the last ones end
        counts = torch.tensor([0, *(graph.num_edges for graph in data)], device=device)
        self._edges = counts.cumsum(dim=0)

    def __len__(self) -> int:
        return int(self._all.num_graphs)

    def batch(self, index: Tensor) -> Data:
        """Return the graphs at `index`, (selected,)."""
        vertices, graph = _members(self._vertices, index)
        edges, of_edge = _members(self._edges, index)
        begins = (self._vertices[index + 1] - self._vertices[index]).cumsum(dim=0).roll(1)
        begins[0] = 0
        moved = begins - self._vertices[index]
        return Data(
            self._all.x[vertices],
            edge_index=self._all.edge_index[:, edges] + moved[of_edge],
            edge_weight=self._all.edge_weight[edges],
            batch=graph,
        )


def _members(begins: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of the chosen groups one after the other, and the place in `index` of each row's group."""
    sizes = begins[index + 1] - begins[index]
    group = torch.repeat_interleave(torch.arange(len(index), device=index.device), sizes)
    within = torch.arange(len(group), device=index.device) - (sizes.cumsum(dim=0) - sizes)[group]
    return begins[index][group] + within, group
