"""The skip connection."""

from __future__ import annotations

from torch import Tensor

from encoders.operators._operator import Operator
from search_space.registry import register


@register("operator", "identity", causal=True, source="AutoCTS, Wu et al. 2022, PVLDB 15(4), identity operator")
class Identity(Operator):
    """Hand the latent on unchanged."""

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Return x itself; (batch, streams, time, hidden)."""
        return x
