"""A small network on every variate whose weights the other variates say."""

import itertools
import math

import torch
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import Operator
from search_space.registry import register

WIDTHS = (16, 8, 4)
"""Of the small network: its input and its two layers."""


@register(
    "operator",
    "co_action",
    causal=True,
    source="CAN, Bian et al. 2022, WSDM, arXiv:2011.05625, co-action unit",
)
class CoAction(Operator):
    """Run each variate through a small network made of what the others show, and put the result beside the variate.

    At every step a linear map of a variate's latent is its weights, another its
    input; the layers are tanh(W h), and the results of both are concatenated with
    the latent and mapped to its width. So variates meet before time: what follows
    reads each with what the others make of it.

    Deliberate differences: the paper has such a network per pair of features;
    here the weights of all others are averaged first, so that the cost grows with
    the variates and not with their square, and any number in any order works
    (with two it is the paper's unit, a single one is its own other); the input is
    not raised to powers; weights come from the latent instead of a table of ids.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.shapes = tuple(itertools.pairwise(WIDTHS))
        self.norm = nn.LayerNorm(hidden)
        self.feed = Linear(hidden, WIDTHS[0])
        self.induce = Linear(hidden, sum(math.prod(shape) for shape in self.shapes))
        self.join = Linear(hidden + sum(WIDTHS[1:]), hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Let variates interact at every step; (batch, streams, time, hidden)."""
        read = self.norm(x)
        weights = of_others(self.induce(read))
        layers = torch.split(weights, [math.prod(shape) for shape in self.shapes], dim=-1)
        values, results = self.feed(read).unsqueeze(-2), [x]  # (batch, streams, time, 1, width)
        for layer, (inputs, outputs) in zip(layers, self.shapes, strict=True):
            matrix = layer.view(*x.shape[:3], inputs, outputs) / math.sqrt(inputs)
            values = torch.tanh(values @ matrix)
            results.append(self.dropout(values.squeeze(-2)))
        joined: Tensor = self.join(torch.cat(results, dim=-1))
        return joined


def of_others(x: Tensor) -> Tensor:
    """Return for every stream the mean over the others; one alone is its own other; (batch, streams, time, width)."""
    others = x.shape[1] - 1
    return (x.sum(dim=1, keepdim=True) - x) / others if others else x
