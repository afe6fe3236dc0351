"""A small net that weights anchors, and the meta step that trains it."""

from abc import abstractmethod
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrastive.checks import checked
from contrastive.weightings._base import Compare, Origin, Rows, Weighting
from contrastive.weightings._look_ahead import look_ahead
from search_space.genotype.rules import POSITIVE

_HIDDEN = 100
_MOMENTUM = 0.9
_LAYERS = ("inner_weight", "inner_bias", "outer_weight", "outer_bias")


class MetaNetWeighting(Weighting):
    """Weight an anchor by what a net (linear, ReLU, linear, sigmoid) says of it.

    Every fifth iteration the net takes a step down the loss that windows held out of
    the batch would have after a descent on the weighted losses of the others
    (`look_ahead`). Net and momentum are buffers, so a training that goes on has them, and
    the training's own optimiser leaves them alone. Nothing is learned from a batch of
    fewer than four windows or from one whose losses are not finite.

    Args:
        n_inputs: Numbers that the net reads of an anchor.
        rate: Learning rate of the net, > 0.

    Raises:
        ValueError: If `rate` is not greater than 0.
    """

    looks_ahead_every: ClassVar[int] = 5

    def __init__(self, *, n_inputs: int, rate: float) -> None:
        super().__init__()
        self.rate = checked(f"{type(self).__name__}.rate", rate, POSITIVE)
        layers = [nn.Linear(*sizes) for sizes in pairwise((n_inputs, _HIDDEN, 1))]
        tensors = [tensor.detach().clone() for layer in layers for tensor in (layer.weight, layer.bias)]
        for name, tensor in zip(_LAYERS, tensors, strict=True):
            self.register_buffer(name, tensor)
            self.register_buffer(f"{name}_momentum", torch.zeros_like(tensor))

    @abstractmethod
    def _inputs(self, losses: Tensor, *, iteration: int, call: int, origin: Origin | None) -> Tensor:
        """Return what the net reads; written by the author of an option.

        Args:
            losses: Shape (G, A).
            iteration: Training steps taken so far.
            call: Number of this call in its iteration.
            origin: Where the anchors come from, None where nobody knows.

        Returns:
            Shape (G, A, inputs).
        """

    def learn(self, z1: Tensor, z2: Tensor, compare: Compare, *, iteration: int, rows: Rows) -> None:
        """Take a meta step where one is due."""
        if (iteration + 1) % self.looks_ahead_every == 0:
            self._meta_step(z1, z2, compare, iteration=iteration, rows=rows)

    def _meta_step(self, z1: Tensor, z2: Tensor, compare: Compare, *, iteration: int, rows: Rows) -> None:
        seen = look_ahead(z1, z2, compare, rows=rows)
        if not seen:
            return
        scale = torch.cat([call.slopes.flatten() for call in seen]).square().mean().sqrt()
        if not bool(scale > 0) or not bool(scale.isfinite()):
            return
        net = [getattr(self, name).detach().requires_grad_() for name in _LAYERS]
        with torch.enable_grad(), torch.autocast(z1.device.type, enabled=False):
            gains = []
            for at, (losses, slopes, origin) in enumerate(seen):
                weights = _read(net, self._inputs(losses, iteration=iteration, call=at, origin=origin))
                gains.append((weights / weights.mean() * slopes).mean() / scale)
            slopes_of_net = torch.autograd.grad(-torch.stack(gains).mean(), net)
        for name, slope in zip(_LAYERS, slopes_of_net, strict=True):
            momentum = _MOMENTUM * getattr(self, f"{name}_momentum") + slope
            setattr(self, f"{name}_momentum", momentum)
            setattr(self, name, getattr(self, name) - self.rate * momentum)

    def _said(self, inputs: Tensor) -> Tensor:
        """Return what the net says, shape (G, A) for inputs of shape (G, A, inputs)."""
        with torch.autocast(inputs.device.type, enabled=False):
            return _read([getattr(self, name) for name in _LAYERS], inputs)


def _read(net: list[Tensor], inputs: Tensor) -> Tensor:
    inner_weight, inner_bias, outer_weight, outer_bias = net
    hidden = functional.linear(inputs.to(inner_weight.dtype), inner_weight, inner_bias).relu()
    return torch.sigmoid(functional.linear(hidden, outer_weight, outer_bias)).squeeze(-1)
