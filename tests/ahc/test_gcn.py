"""Graph convolutions against loops, closed forms and an independent library."""

from __future__ import annotations

import pytest
import torch

from ahc.gcn import GraphConvolution, normalise


def test_one_direction_equals_torch_geometric() -> None:
    dense = pytest.importorskip("torch_geometric.nn", reason="the oracle is torch_geometric")
    generator = torch.Generator().manual_seed(0)
    adjacency = (torch.rand(4, 7, 7, generator=generator) < 0.4).double()
    adjacency = torch.triu(adjacency, diagonal=1)
    adjacency = adjacency + adjacency.transpose(1, 2)  # its normalisation is for undirected graphs
    states = torch.randn(4, 7, 5, generator=generator, dtype=torch.float64)
    oracle = dense.DenseGCNConv(5, 3).double()
    layer = GraphConvolution(5, n_out=3).double()
    with torch.no_grad():
        layer.along.weight.copy_(oracle.lin.weight)
        layer.against.weight.zero_()
        layer.itself.weight.zero_()
        layer.itself.bias.copy_(oracle.bias)
    with_loops = normalise(adjacency + torch.eye(7, dtype=torch.float64))
    torch.testing.assert_close(layer(states, adjacency=with_loops), oracle(states, adjacency), rtol=0, atol=1e-6)


def test_normalisation_of_directed_edges() -> None:
    adjacency = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    # out-degrees 2, 1, 0 and in-degrees 0, 1, 2
    expected = torch.tensor([[0.0, 2**-0.5, 0.5], [0.0, 0.0, 2**-0.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(normalise(adjacency), expected)


def test_messages_flow_along_against_and_to_itself() -> None:
    generator = torch.Generator().manual_seed(1)
    adjacency = torch.rand(2, 4, 4, generator=generator)
    states = torch.randn(2, 4, 3, generator=generator)
    layer = GraphConvolution(3, n_out=6)
    out = layer(states, adjacency=adjacency)
    for graph in range(2):
        for v in range(4):
            expected = layer.itself(states[graph, v])
            for u in range(4):
                expected = expected + adjacency[graph, u, v] * layer.along(states[graph, u])
                expected = expected + adjacency[graph, v, u] * layer.against(states[graph, u])
            torch.testing.assert_close(out[graph, v], expected, rtol=1e-4, atol=1e-5)
