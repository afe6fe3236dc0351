"""Regularisers of single relatives: what is added to the loss of a training step.

They are the terms that notes on these models name beside the loss; the papers have none of them. Sums over features
and steps there are means here where the loss is one, so that a weight means the same for every width and window.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from encoders.operators.cross_variate_attention import CrossAttention
from encoders.operators.decomposition_linear import DecompositionLinear, compose
from encoders.operators.patch_attention import PatchAttention
from encoders.operators.times_block import TimesBlock

Watch = Callable[[nn.Module, Callable[[Tensor], None]], RemovableHandle | None]


class Regularizer(NamedTuple):
    """How a penalty comes about.

    Attributes:
        watch: `(module, note)`: has what a module computes in training noted; None where there is nothing to note.
        formula: `(model, noted)`: the penalty.
    """

    watch: Watch
    formula: Callable[[nn.Module, list[Tensor]], Tensor]


def gram_error(matrix: Tensor) -> Tensor:
    """Return the squared Frobenius norm of W'W - I for W (rows, columns), a scalar: 0 for orthonormal columns."""
    gram = matrix.T @ matrix
    return (gram - torch.eye(len(gram), device=gram.device, dtype=gram.dtype)).square().sum()


def orthogonality(model: nn.Module, noted: list[Tensor]) -> Tensor:
    """Return the sum of `gram_error` over the matrices that hold the variates apart.

    Of TimeXer the query, key and value maps of every cross attention, (hidden, hidden); of iTransformer the embedding
    of a variate's history, its composed filters (lags, hidden).
    """
    del noted
    matrices: list[Tensor] = []
    for module in model.modules():
        if isinstance(module, CrossAttention):
            matrices += [module.query.weight, *module.key_value.weight.chunk(2)]
        elif isinstance(module, DecompositionLinear):
            matrices.append(compose(module.trend_filter, module.remainder_filter))
    return torch.stack([gram_error(matrix) for matrix in matrices]).sum()


def steadiness(features: Tensor) -> Tensor:
    """Return the mean squared change of features (..., time, hidden) from step to step; 0 for a single step."""
    changes = features[..., 1:, :] - features[..., :-1, :]
    return changes.square().mean() if changes.numel() else features.sum() * 0.0


def unevenness(shares: Tensor) -> Tensor:
    """Return the mean Kullback-Leibler divergence of distributions from the even one, in nats; (..., keys)."""
    divergence: Tensor = torch.special.xlogy(shares, shares * shares.shape[-1]).sum(dim=-1)
    return divergence.mean()


def _nothing(module: nn.Module, note: Callable[[Tensor], None]) -> None:
    del module, note


def _added_by_periods(module: nn.Module, note: Callable[[Tensor], None]) -> RemovableHandle | None:
    """Have noted what a block of TimesNet adds to its input."""

    def hook(block: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        if block.training:
            note(output - inputs[0])

    if not isinstance(module, TimesBlock):
        return None
    handle: RemovableHandle = module.register_forward_hook(hook)
    return handle


def _attention_to_patches(module: nn.Module, note: Callable[[Tensor], None]) -> RemovableHandle | None:
    """Have noted what patches count for each other."""

    def hook(attention: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        if attention.training:
            note(attention.weights(*inputs, **named))

    if not isinstance(module, PatchAttention):
        return None
    handle: RemovableHandle = module.block.attention.register_forward_pre_hook(hook, with_kwargs=True)
    return handle


def _mean_of(formula: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, list[Tensor]], Tensor]:
    """Return the formula's mean over what blocks had noted."""

    def of(model: nn.Module, noted: list[Tensor]) -> Tensor:
        del model
        return torch.stack([formula(each) for each in noted]).mean()

    return of


FORMULAS: Mapping[str, Regularizer] = MappingProxyType(
    {
        "orthogonality": Regularizer(_nothing, orthogonality),
        "frequency_consistency": Regularizer(_added_by_periods, _mean_of(steadiness)),
        "patch_distribution": Regularizer(_attention_to_patches, _mean_of(unevenness)),
    }
)


@contextlib.contextmanager
def penalty_of(name: str, model: nn.Module) -> Iterator[Callable[[], Tensor]]:
    """Watch a model inside the block, and yield what returns the penalty of its latest pass in training.

    Args:
        name: A key of `FORMULAS`.
        model: One that has what the regulariser acts on.
    """
    noted: list[Tensor] = []
    watched = (FORMULAS[name].watch(module, noted.append) for module in model.modules())
    handles = [handle for handle in watched if handle is not None]

    def penalty() -> Tensor:
        value = FORMULAS[name].formula(model, noted)
        noted.clear()
        return value

    try:
        yield penalty
    finally:
        for handle in handles:
            handle.remove()
