"""TimeXer's block: a global token per variate gathers its patches and asks all variates."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.export import first_steps
from encoders.linear import Linear
from encoders.operators._attention import AttentionBlock, attend, head_count, sinusoids
from encoders.operators._operator import Operator
from encoders.operators.patch_attention import PATCH, observed_patches, patches_of
from search_space.registry import register


@register(
    "operator", "cross_variate_attention", source="TimeXer, Wang et al. 2024, arXiv:2402.19072, patch and global tokens"
)
class CrossVariateAttention(Operator):
    """Let the patches of a stream and its global token attend to each other, then the global token to all variates.

    Patches have eight steps. A variate's token, which the global tokens attend
    to, is the mean of its embedded patches; the global token's answer is added
    to all patches on their way back to steps.

    Deliberate differences: TimeXer embeds a whole variate by a matrix over a
    fixed window, ours is a mean, so any length works; its head reads the global
    token at the end, ours must put it into the steps; every variate has a global
    token and asks all variates, itself included, as in the published
    multivariate model, so a single stream asks itself; normalised before each
    branch; the network on every token comes before the cross attention.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.embed = Linear(PATCH * hidden, hidden)
        self.global_token = nn.Parameter(0.02 * torch.randn(hidden))
        self.block = AttentionBlock(hidden, dropout=dropout)
        self.global_norm = nn.LayerNorm(hidden)
        self.variate_norm = nn.LayerNorm(hidden)
        self.cross = CrossAttention(hidden)
        self.spread = Linear(hidden, PATCH * hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Attend over patches, then over variates; (batch, streams, time, hidden)."""
        batch, streams, time, hidden = x.shape
        patches: Tensor = self.embed(patches_of(x))
        count = patches.shape[2]
        keys, share = None, patches.new_full((1, count), 1.0 / count)
        if span is not None:
            observed = observed_patches(span)
            keys = F.pad(observed, (0, 1), value=True).repeat_interleave(streams, dim=0)
            share = (observed / observed.sum(dim=1, keepdim=True).clamp(min=1)).to(patches.dtype)
        variates = (patches * share[:, None, :, None]).sum(dim=2)  # (batch, streams, hidden)

        own = self.global_token.expand(batch, streams, 1, hidden)
        tokens = torch.cat([patches, own], dim=2).flatten(0, 1)  # (batch * streams, count + 1, hidden)
        positions = F.pad(sinusoids(count, like=x), (0, 0, 0, 1))
        tokens = self.block(tokens, positions=positions, keys=keys).view(batch, streams, count + 1, hidden)
        patches, own = tokens[:, :, :-1], tokens[:, :, -1]
        own = own + self.dropout(self.cross(self.global_norm(own), self.variate_norm(variates)))
        steps: Tensor = self.spread(patches + own.unsqueeze(2)).view(batch, streams, count * PATCH, hidden)
        return x + first_steps(steps, time, dim=2)


class CrossAttention(nn.Module):
    """Multi-head attention of some tokens to others."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.heads = head_count(hidden)
        self.query = Linear(hidden, hidden)
        self.key_value = Linear(hidden, 2 * hidden)
        self.output = Linear(hidden, hidden)

    def forward(self, tokens: Tensor, others: Tensor) -> Tensor:
        """Let `tokens` (rows, tokens, hidden) look at `others` (rows, others, hidden); shaped as `tokens`."""
        parts = (self.query(tokens), *self.key_value(others).chunk(2, dim=-1))
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        mixed = attend(query, key, value)  # (rows, heads, tokens, width)
        return self.output(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]
