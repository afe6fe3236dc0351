"""A mixture of small feed-forward networks, weighed anew at each step."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import Operator
from search_space.registry import register

EXPERTS = 4


@register(
    "operator",
    "moe",
    causal=True,
    source="Adaptive mixtures of experts, Jacobs et al. 1991, at each step as in Shazeer et al. 2017, arXiv:1701.06538",
)
class Moe(Operator):
    """Add the weighed sum of several two-layer networks to the latent; a softmax of the step itself weighs them.

    With one expert it is the plain feed-forward branch of a transformer. All
    experts together are as wide as a transformer's usual network (4 * hidden).

    Deliberate differences from Shazeer et al.: all experts are evaluated, as in
    Jacobs et al., so that no expert can starve and neither noise nor a balancing
    loss is needed; they share the hidden layer's matrix product, because the
    weights act between the two layers: W2 (w * gelu(W1 x)) summed over experts.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.norm = nn.LayerNorm(hidden)
        self.router = Linear(hidden, EXPERTS)
        self.first = Linear(hidden, EXPERTS * hidden)  # expert by expert
        self.second = nn.Parameter(torch.empty(EXPERTS, hidden, hidden))
        self.second_bias = nn.Parameter(torch.empty(EXPERTS, hidden))
        bound = 1.0 / math.sqrt(hidden)
        nn.init.uniform_(self.second, -bound, bound)
        nn.init.uniform_(self.second_bias, -bound, bound)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Weigh the experts at each step; (batch, streams, time, hidden)."""
        read = self.norm(x)
        weights = self._weights(read, span)
        inner = F.gelu(self.first(read)).view(*weights.shape, self.hidden) * weights.unsqueeze(-1)
        added = inner.flatten(-2) @ self.second.flatten(0, 1) + weights @ self.second_bias
        result: Tensor = x + self.dropout(added)
        return result

    def _weights(self, read: Tensor, span: Tensor | None) -> Tensor:
        """Return how much each expert counts, from the normalised latent; (batch, streams, time, experts)."""
        weights: Tensor = torch.softmax(self.router(read), dim=-1)
        return weights
