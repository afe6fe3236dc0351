"""Diffusion over a learned graph of the variates."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import Operator
from search_space.registry import register

DIFFUSION_STEPS = 2
_NODE_WIDTH = 10


@register(
    "operator",
    "graph_convolution",
    source="AutoCTS, Wu et al. 2022, PVLDB 15(4), DGCN; Graph WaveNet, Wu et al. 2019, arXiv:1906.00121, eqs. (5), (6)",
)
class GraphConvolution(Operator):
    """Add what two steps of diffusion between the streams bring to the latent: x + sum of A^k x W_k + b, k = 0, 1, 2.

    A = softmax(relu(E1 E2^T)) says how much each stream (row) takes from the
    others. Deliberate differences: E1 and E2 are learned projections of a
    stream's mean over the observed span instead of one free vector per variate,
    so any number of streams works and a new series brings its own graph (it
    sees the whole window, hence not causal); no given road network; batch
    normalisation gives way to the residual connection. With one stream A = 1.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.source_and_target = Linear(hidden, 2 * _NODE_WIDTH)
        self.weights = Linear(hidden, (DIFFUSION_STEPS + 1) * hidden, bias=False)
        self.bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Diffuse across streams; (batch, streams, time, hidden)."""
        adjacency = self.adjacency(x, span)
        batch, streams, time, hidden = x.shape
        parts = self.weights(x).view(batch, streams, time, -1, hidden).unbind(3)
        # Horner's rule: W0 x + A (W1 x + A W2 x).
        diffused = parts[-1]
        for part in parts[-2::-1]:
            diffused = part + (adjacency @ diffused.flatten(2)).view(x.shape)
        return x + self.dropout(diffused + self.bias)  # type: ignore[no-any-return]

    def adjacency(self, x: Tensor, span: Tensor | None) -> Tensor:
        """Return what each stream takes from each; rows sum to 1; (batch, streams, streams)."""
        steps = x.shape[2] if span is None else span.sum(dim=1).clamp_min(1)[:, None, None]
        mean = x.sum(dim=2) / steps  # the latent is zero outside the span
        source, target = self.source_and_target(mean).chunk(2, dim=-1)
        return torch.softmax(F.relu(source @ target.transpose(1, 2)), dim=-1)
