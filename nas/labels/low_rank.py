"""Low-rank updates of an encoder's weights, which can be merged into them."""

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils import parametrize


class LowRank(nn.Module):
    """A weight plus the product of two thin matrices.

    Source: LoRA, Hu et al. 2021, arXiv:2106.09685, section 4.1: W + B A with B
    zero and A random at the start, so that nothing changes before training.
    Deliberate differences: the update is not scaled (alpha equals the rank), and
    a convolution counts as the matrix from all taps of its inputs to its outputs.

    Args:
        weight: Its first axis are the outputs.
        rank: Of the update, >= 1; no more than the weight's own.
    """

    def __init__(self, weight: Tensor, *, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.shape[0], weight[0].numel()
        rank = min(rank, outputs, inputs)
        bound = 1.0 / math.sqrt(inputs)
        self.down = nn.Parameter(torch.empty(rank, inputs, device=weight.device).uniform_(-bound, bound))
        self.up = nn.Parameter(torch.zeros(outputs, rank, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the updated weight, of the same shape."""
        return weight + (self.up @ self.down).view_as(weight)


def add_low_rank(encoder: nn.Module, *, rank: int) -> tuple[str, ...]:
    """Freeze an encoder and give every linear and convolution weight a low-rank update that can be trained.

    Everything else stays as it is: biases, norms, filters, and recurrent layers
    such as `GRU`, whose weights are not those of linear layers.

    Args:
        encoder: Changed in place.
        rank: Of every update, >= 1.

    Returns:
        Kinds of modules that keep their own weights, sorted.

    Raises:
        ValueError: If the rank is less than 1.
    """
    if rank < 1:
        raise ValueError(f"rank must be >= 1, got {rank}")
    encoder.requires_grad_(False)
    frozen = set()
    for module in list(encoder.modules()):
        if isinstance(module, nn.Linear | _ConvNd):
            parametrize.register_parametrization(module, "weight", LowRank(module.weight, rank=rank))
        elif next(module.parameters(recurse=False), None) is not None:
            frozen.add(type(module).__name__)
    return tuple(sorted(frozen))


def merge(encoder: nn.Module) -> None:
    """Put every update into its weight, in place: a plain encoder that gives the same outputs up to rounding."""
    for module in list(encoder.modules()):
        if isinstance(module, nn.Linear | _ConvNd) and parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
