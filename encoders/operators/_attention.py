"""Self-attention over a row of tokens, and the sinusoids that tell their places."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.linear import Linear

_HEAD_WIDTH = 16
# Up to so many keys the plain products are faster on a CPU than the fused kernel, whose blocks are larger.
FEW_KEYS = 32


def attend(query: Tensor, key: Tensor, value: Tensor, *, allowed: Tensor | None = None) -> Tensor:
    """Return scaled dot-product attention, through torch's fused kernel where there are many keys.

    Args:
        query: (rows, heads, tokens, width).
        key: (rows, heads, keys, width).
        value: (rows, heads, keys, width).
        allowed: True where a key may be looked at, at least one; broadcasts to (rows, heads, tokens, keys).

    Returns:
        (rows, heads, tokens, width).
    """
    if torch.compiler.is_compiling() or key.shape[2] > FEW_KEYS or key.device.type != "cpu":
        return F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
    scores = (query * key.shape[3] ** -0.5) @ key.transpose(2, 3)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    mixed: Tensor = scores.softmax(dim=3) @ value
    return mixed


class SelfAttention(nn.Module):
    """Multi-head scaled dot-product attention.

    Many tokens never have the matrix of all their pairs held (`attend`), so 4,000
    steps fit; weights inside it are not dropped out, because that would bring the
    matrix back. A row whose keys are all masked attends to all of them, so that
    nothing becomes NaN (its result lies outside the span).
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.heads = head_count(hidden)
        self.query_key_value = Linear(hidden, 3 * hidden)
        self.output = Linear(hidden, hidden)

    def forward(self, tokens: Tensor, *, keys: Tensor | None) -> Tensor:
        """Let every token look at the tokens that `keys` allows.

        Args:
            tokens: (rows, tokens, hidden).
            keys: True where a token may be looked at, or None for all; (rows, tokens).

        Returns:
            (rows, tokens, hidden).
        """
        rows, length, hidden = tokens.shape
        projection = self.query_key_value
        if length == 1:  # one key has weight 1: the result is its value
            value = F.linear(tokens, projection.weight[2 * hidden :], projection.bias[2 * hidden :])
            return self.output(value)  # type: ignore[no-any-return]
        parts = projection(tokens).view(rows, length, 3, self.heads, hidden // self.heads)
        query, key, value = (part.transpose(1, 2) for part in parts.unbind(2))  # (rows, heads, tokens, width)
        allowed = None
        if keys is not None:
            allowed = (keys | ~keys.any(dim=1, keepdim=True))[:, None, None, :]
        mixed = attend(query, key, value, allowed=allowed)
        return self.output(mixed.transpose(1, 2).reshape(rows, length, hidden))  # type: ignore[no-any-return]

    def weights(self, tokens: Tensor, *, keys: Tensor | None) -> Tensor:
        """Return what every token counts for every other, all of it held at once, (rows, heads, tokens, tokens).

        Args:
            tokens: As for `forward`.
            keys: As for `forward`.
        """
        query, key, _ = self.query_key_value(tokens).unflatten(2, (3, self.heads, -1)).transpose(1, 3).unbind(2)
        scores: Tensor = (query * key.shape[3] ** -0.5) @ key.transpose(2, 3)
        if keys is not None:
            allowed = (keys | ~keys.any(dim=1, keepdim=True))[:, None, None, :]
            scores = scores.masked_fill(~allowed, float("-inf"))
        return scores.softmax(dim=3)


class AttentionBlock(nn.Module):
    """Attention, then a two-layer network on every token, each normalised before and added.

    Args:
        hidden: Width of a token.
        dropout: Probability of zeroing a value of either branch before it is added.
        attention: The kind of attention, called like `SelfAttention`, which is the default.
    """

    def __init__(self, hidden: int, *, dropout: float, attention: type[SelfAttention] = SelfAttention) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden)
        self.attention = attention(hidden)
        self.network_norm = nn.LayerNorm(hidden)
        self.network = nn.Sequential(Linear(hidden, 2 * hidden), nn.GELU(), Linear(2 * hidden, hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, *, positions: Tensor | None = None, keys: Tensor | None = None) -> Tensor:
        """Update the tokens.

        Args:
            tokens: (rows, tokens, hidden).
            positions: Added to what the attention reads, not to the tokens; (tokens, hidden).
            keys: True where a token may be looked at, or None for all; (rows, tokens).

        Returns:
            (rows, tokens, hidden).
        """
        read = self.attention_norm(tokens)
        if positions is not None:
            read = read + positions
        tokens = tokens + self.dropout(self.attention(read, keys=keys))
        return tokens + self.dropout(self.network(self.network_norm(tokens)))  # type: ignore[no-any-return]


def head_count(hidden: int) -> int:
    """Return the number of heads that a latent of this width is divided into: about one per 16 features."""
    return math.gcd(hidden, max(1, hidden // _HEAD_WIDTH))


def sinusoids(length: int, *, like: Tensor) -> Tensor:
    """Return the positions of Vaswani et al. 2017, section 3.5, sines first, then cosines.

    Args:
        length: Number of tokens.
        like: Gives device, dtype and width; (..., hidden).

    Returns:
        (length, hidden).
    """
    hidden = like.shape[-1]
    half = (hidden + 1) // 2
    steps = torch.arange(length, device=like.device, dtype=torch.float32)
    rates = torch.exp(torch.arange(half, device=like.device, dtype=torch.float32) * (-math.log(10_000.0) / half))
    angles = steps[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :hidden].to(like.dtype)
