"""A mixture of experts with a gate of its own for every variate."""

import math

import torch
from torch import Tensor

from encoders.linear import Linear
from encoders.operators._operator import within_span
from encoders.operators.moe import EXPERTS, Moe
from search_space.registry import register


@register(
    "operator",
    "mmoe",
    causal=True,
    source="MMoE, Ma et al. 2018, KDD, doi:10.1145/3219819.3220007, eqs. (4) and (5)",
)
class Mmoe(Moe):
    """Let all variates share experts, as in `moe`, but weigh them by a gate of every variate's own.

    The paper has one gate per task: softmax(W_k x). Without labels the streams
    stand for tasks: each is represented, and forecast or judged, for itself, and
    what they may share is what the gates decide. As there may be any number of
    streams in any order, a gate is not stored but made of what its stream has
    shown up to the step: W_s = W + A m, with m the mean of the normalised latent
    so far. Where A is zero all streams have one gate, the paper's OMoE, and the
    operator is `moe`.

    Deliberate differences: these gates; no network per task behind the experts,
    for the readout and the probe are that; two-layer experts and the residual
    connection are those of `moe`.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.of_history = Linear(hidden, EXPERTS * hidden, bias=False)  # A, expert by expert

    def _weights(self, read: Tensor, span: Tensor | None) -> Tensor:
        own = self.of_history(mean_so_far(read, span)).view(*read.shape[:3], EXPERTS, self.hidden)
        apart = (own @ read.unsqueeze(-1)).squeeze(-1) / math.sqrt(self.hidden)
        weights: Tensor = torch.softmax(self.router(read) + apart, dim=-1)
        return weights


def mean_so_far(x: Tensor, span: Tensor | None) -> Tensor:
    """Return at every step the mean over the steps of the span up to it; (batch, streams, time, hidden).

    Args:
        x: (batch, streams, time, hidden).
        span: True at the steps that count, or None for all; (batch, time).
    """
    if span is None:
        return x.cumsum(dim=2) / torch.arange(1, x.shape[2] + 1, device=x.device)[:, None]
    return within_span(x, span).cumsum(dim=2) / span.cumsum(dim=1).clamp(min=1)[:, None, :, None]
