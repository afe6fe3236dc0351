"""Self-attention over patches of neighbouring steps."""

import torch
import torch.nn.functional as F
from torch import Tensor

from encoders.export import first_steps
from encoders.linear import Linear
from encoders.operators._attention import AttentionBlock, sinusoids
from encoders.operators._operator import Operator
from search_space.registry import register

PATCH = 8
"""Steps in one patch; patches do not overlap."""


@register("operator", "patch_attention", source="PatchTST, Nie et al. 2023, arXiv:2211.14730, section 3.1")
class PatchAttention(Operator):
    """Embed patches of eight steps, let them attend to each other, and add the result to their steps.

    Deliberate differences: stride equals the patch length; the last patch is
    filled with zeros instead of the last value, so that padding at the end of a
    batch changes nothing; patches are mapped back to steps, because an operator
    keeps its shape.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.embed = Linear(PATCH * hidden, hidden)
        self.block = AttentionBlock(hidden, dropout=dropout)
        self.spread = Linear(hidden, PATCH * hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Attend over patches; (batch, streams, time, hidden)."""
        batch, streams, time, hidden = x.shape
        tokens = self.embed(patches_of(x).flatten(0, 1))  # (batch * streams, patches, hidden)
        keys = None if span is None else observed_patches(span).repeat_interleave(streams, dim=0)
        tokens = self.block(tokens, positions=sinusoids(tokens.shape[1], like=x), keys=keys)
        steps: Tensor = self.spread(tokens).view(batch, streams, -1, hidden)
        return x + first_steps(steps, time, dim=2)


def patches_of(x: Tensor) -> Tensor:
    """Return the patches of (batch, streams, time, hidden), the last filled up; (batch, streams, patches, width)."""
    batch, streams, time, hidden = x.shape
    count = (time + PATCH - 1) // PATCH
    if torch.compiler.is_compiling():
        filled = first_steps(F.pad(x, (0, 0, 0, PATCH - 1)), count * PATCH, dim=2)
    else:
        filled = F.pad(x, (0, 0, 0, count * PATCH - time)) if count * PATCH > time else x
    return filled.reshape(batch, streams, count, PATCH * hidden)


def observed_patches(span: Tensor) -> Tensor:
    """Return which patches have a step in the span (batch, time); (batch, patches)."""
    count = (span.shape[1] + PATCH - 1) // PATCH
    filled = first_steps(F.pad(span, (0, PATCH - 1)), count * PATCH, dim=1)
    return filled.reshape(span.shape[0], count, PATCH).any(dim=-1)
