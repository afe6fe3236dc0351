"""The skip connection."""

from typing import ClassVar

from torch import Tensor

from encoders.operators._operator import Operator
from encoders.strides import thin
from search_space.registry import register


@register("operator", "identity", causal=True, source="AutoCTS, Wu et al. 2022, PVLDB 15(4), identity operator")
class Identity(Operator):
    """Hand the latent on unchanged."""

    grid = 0
    takes_strides: ClassVar[bool] = True

    def forward(self, x: Tensor, span: Tensor | None = None, *, have: int = 1, want: int = 1) -> Tensor:
        """Return x itself; (batch, streams, time, hidden)."""
        return thin(x, have=have, want=want)
