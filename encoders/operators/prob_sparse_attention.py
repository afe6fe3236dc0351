"""Attention over time in which only the steps with the most to ask do so."""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from encoders.operators._attention import SelfAttention
from encoders.operators._operator import GraphLengths
from encoders.operators.temporal_attention import TemporalAttention
from search_space.registry import register

SAMPLING_FACTOR = 5


class ProbSparseSelfAttention(SelfAttention):
    """`SelfAttention` for the queries with the largest sparsity measure, head by head.

    The measure is the largest score of a query minus its mean score, over a
    sample of min(n, 5 ceil(ln n)) of the n keys. Deliberate differences: the
    sample is not drawn at random but lies evenly over the keys, the same for
    all queries, in training too, so that equal windows get equal latents; the
    mean is taken over the sample, as eq. (4) has it, where the published code
    divides by n.
    """

    def forward(self, tokens: Tensor, *, keys: Tensor | None) -> Tensor:
        """Let the chosen tokens look at the tokens that `keys` allows; the others get the mean value.

        Args:
            tokens: (rows, tokens, hidden).
            keys: True where a token may be looked at, one stretch per row, or None for all; (rows, tokens).

        Returns:
            (rows, tokens, hidden).
        """
        rows, length, hidden = tokens.shape
        if _sample_size(length) == length:
            return super().forward(tokens, keys=keys)
        parts = self.query_key_value(tokens).view(rows, length, 3, self.heads, hidden // self.heads)
        query, key, value = (part.transpose(1, 2) for part in parts.unbind(2))  # (rows, heads, tokens, width)
        if keys is None:
            allowed, mean = None, value.mean(dim=2, keepdim=True)
            inside = tokens.new_ones(1, length, dtype=torch.bool)
        else:
            inside = keys | ~keys.any(dim=1, keepdim=True)
            allowed = inside[:, None, None]
            share = inside / inside.sum(dim=1, keepdim=True)
            mean = share.to(value.dtype)[:, None, None] @ value
        chosen, attends = _most_decided(query.detach(), key.detach(), inside)
        chosen = chosen.unsqueeze(-1).expand(-1, -1, -1, query.shape[-1])
        mixed = F.scaled_dot_product_attention(query.gather(2, chosen), key, value, attn_mask=allowed)
        mixed = mixed.where(attends[:, None, :, None], mean)
        everywhere = mean.expand_as(value).scatter(2, chosen, mixed)
        return self.output(everywhere.transpose(1, 2).reshape(rows, length, hidden))  # type: ignore[no-any-return]


@register(
    "operator",
    "prob_sparse_attention",
    source="Informer, Zhou et al. 2021, arXiv:2012.07436, eq. (3) and (4); INF-T of AutoCTS, PVLDB 15(4)",
)
class ProbSparseAttention(TemporalAttention):
    """Let the most decided steps attend to all steps of their stream; the others get the mean.

    Of n steps, min(n, 5 ceil(ln n)) attend, at least one; up to 15 steps that is
    full attention. Deliberate differences: a block as in `temporal_attention`
    around it, without Informer's distilling, which shortens the window.
    """

    attention: ClassVar[type[SelfAttention]] = ProbSparseSelfAttention
    graph: ClassVar[GraphLengths] = "one"
    compares: ClassVar[bool] = True


def _most_decided(query: Tensor, key: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Return the queries of largest measure, and which of them attend: a shorter row has fewer.

    Args:
        query: (rows, heads, tokens, width).
        key: (rows, heads, tokens, width).
        inside: True at the tokens of a row, one stretch, never empty; (rows or 1, tokens).

    Returns:
        Places (rows, heads, chosen) and bool (rows or 1, chosen).
    """
    lengths = inside.sum(dim=1, keepdim=True)  # (rows or 1, 1)
    sizes = (SAMPLING_FACTOR * lengths.double().log().ceil()).long().clamp(min=1).minimum(lengths)
    turns = torch.arange(_sample_size(query.shape[2]), device=query.device)
    counted = turns < sizes  # (rows or 1, sample)
    first = inside.int().argmax(dim=1, keepdim=True)
    sample = first + (turns * lengths // sizes).minimum(lengths - 1)
    places = sample[:, None, :, None].expand(len(key), key.shape[1], -1, key.shape[3])
    scores = query @ key.gather(2, places).transpose(2, 3)  # (rows, heads, tokens, sample)
    ignored = ~counted[:, None, None]
    largest = scores.masked_fill(ignored, -math.inf).amax(dim=-1)
    mean = scores.masked_fill(ignored, 0.0).sum(dim=-1) / sizes.unsqueeze(1)
    measure = (largest - mean).masked_fill(~inside.unsqueeze(1), -math.inf)
    return measure.topk(len(turns), dim=-1).indices, counted


def _sample_size(length: int) -> int:
    """Return how many of n queries attend, and to how many keys they are compared: min(n, 5 ceil(ln n)), >= 1."""
    return max(1, min(length, SAMPLING_FACTOR * math.ceil(math.log(length))))
