"""The weights of the comparator's graph convolutions, and their fused form for ranking.

What they compute is defined, and trained, by `graphs.message_passing` on torch-geometric. The graphs have about twenty
vertices, where plain batched products over many graphs of one size are several times faster than edge lists.
"""

import torch
from torch import Tensor, nn


def normalise(adjacency: Tensor) -> Tensor:
    """Return `D_out^-1/2 A D_in^-1/2`, the symmetric normalisation of Kipf and Welling for directed graphs.

    Args:
        adjacency: Non-negative, `[u, v]` for u -> v, (..., vertices, vertices).

    Returns:
        Normalised adjacency, zero where a vertex has no edge, (..., vertices, vertices).
    """
    outward = adjacency.sum(dim=-1, keepdim=True).clamp(min=1.0)
    inward = adjacency.sum(dim=-2, keepdim=True).clamp(min=1.0)
    return adjacency / (outward * inward).sqrt()


class GraphConvolution(nn.Module):
    """One layer that hears along the edges, against them, and itself, with three weight matrices.

    Computes `A^T H W_along + A H W_against + H W_self + b` on a normalised A.

    Args:
        n_in: Width of the vertex states that come in.
        n_out: Width of those that go out.
    """

    def __init__(self, n_in: int, *, n_out: int) -> None:
        super().__init__()
        self.along = nn.Linear(n_in, n_out, bias=False)
        self.against = nn.Linear(n_in, n_out, bias=False)
        self.itself = nn.Linear(n_in, n_out)

    def forward(self, states: Tensor, *, adjacency: Tensor) -> Tensor:
        """Return the new states, (graphs, vertices, n_out).

        Args:
            states: Vertex states, (graphs, vertices, n_in).
            adjacency: Normalised adjacency, (graphs, vertices, vertices).
        """
        rows = states.flatten(0, 1)  # (graphs * vertices, n_in)
        heard_along = torch.bmm(adjacency.transpose(1, 2), states).view_as(rows)
        heard_against = torch.bmm(adjacency, states).view_as(rows)
        out = torch.addmm(self.itself.bias, rows, self.itself.weight.T)
        out = out.addmm_(heard_along, self.along.weight.T).addmm_(heard_against, self.against.weight.T)
        return out.view(*states.shape[:2], -1)


class GraphEncoder(nn.Module):
    """Graph -> vector: residual graph convolutions with mean and max, beside the sum of raw features.

    The sum says which options a candidate has and with which parameters; it keeps a
    single decisive option from drowning in the mean over twenty vertices.

    Args:
        n_features: Vertex features.
        hidden: Width of the vertex states.
        layers: Number of graph convolutions.
    """

    def __init__(self, n_features: int, *, hidden: int, layers: int) -> None:
        super().__init__()
        self.project = nn.Linear(n_features, hidden)
        self.layers = nn.ModuleList(GraphConvolution(hidden, n_out=hidden) for _ in range(layers))
        self.out_features = n_features + 2 * hidden

    def read(self, states: Tensor, *, content: Tensor, adjacency: Tensor) -> Tensor:
        """Return one vector per graph of one size, (graphs, n_features + 2 * hidden).

        Args:
            states: Projected features, (graphs, vertices, hidden).
            content: Sum of each graph's features, (graphs, n_features).
            adjacency: Normalised adjacency, (graphs, vertices, vertices).
        """
        for layer in self.layers:
            states = states + layer(states, adjacency=adjacency).relu_()
        return torch.cat([content, states.mean(dim=1), states.amax(dim=1)], dim=-1)
