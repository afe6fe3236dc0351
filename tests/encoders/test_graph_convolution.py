"""The diffusion graph convolution beside the published sum."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from encoders.operators.graph_convolution import DIFFUSION_STEPS, GraphConvolution

HIDDEN = 6


def noise(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def built() -> GraphConvolution:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        operator = GraphConvolution(HIDDEN, depth=0, dropout=0.0).double()
        nn.init.normal_(operator.source_and_target.weight)
        nn.init.normal_(operator.bias)
    return operator


def test_output_is_the_sum_over_powers_of_the_adjacency() -> None:
    operator = built()
    x = noise(2, 4, 7, HIDDEN)
    adjacency = operator.adjacency(x, None)
    expected = x + operator.bias
    for power, weight in enumerate(operator.weights.weight.view(DIFFUSION_STEPS + 1, HIDDEN, HIDDEN)):
        spread = torch.einsum("bvw,bwth->bvth", torch.linalg.matrix_power(adjacency, power), x)
        expected = expected + spread @ weight.T
    torch.testing.assert_close(operator(x), expected)


def test_rows_of_the_adjacency_sum_to_one_and_differ() -> None:
    adjacency = built().adjacency(noise(2, 5, 9, HIDDEN), None)
    assert (adjacency > 0).all()
    torch.testing.assert_close(adjacency.sum(dim=2), torch.ones(2, 5, dtype=torch.float64))
    assert (adjacency[0] - adjacency[1]).abs().max() > 1e-3  # each window has its own graph
    assert (adjacency[0] - adjacency[0].T).abs().max() > 1e-3  # and it has directions


def test_adjacency_sees_the_observed_span_only() -> None:
    operator = built()
    x = noise(2, 3, 8, HIDDEN)
    x[0, :, 5:] = 0.0
    span = torch.ones(2, 8, dtype=torch.bool)
    span[0, 5:] = False
    torch.testing.assert_close(operator.adjacency(x, span)[:1], operator.adjacency(x[:1, :, :5], None))


def test_order_of_the_streams_does_not_matter() -> None:
    operator = built()
    x = noise(2, 5, 6, HIDDEN)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(operator(x[:, order]), operator(x)[:, order])


def test_one_stream_only_meets_itself() -> None:
    operator = built()
    x = noise(2, 1, 6, HIDDEN)
    together = operator.weights.weight.view(DIFFUSION_STEPS + 1, HIDDEN, HIDDEN).sum(dim=0)
    torch.testing.assert_close(operator(x), x + x @ together.T + operator.bias)
