"""Which of torch's libraries multiplies float32 matrices on a CPU."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from compute.global_state import SharedSetting

_ROUNDING = 1e-5
# Multiply-adds, and the narrower side of a weight, from which on oneDNN is the faster library.
_MANY = 2_000_000
_WIDE = 16

_only_torchs: ContextVar[bool] = ContextVar("only_torchs_products", default=False)


@contextlib.contextmanager
def fast_products(device: torch.device) -> Iterator[None]:
    """Let oneDNN multiply float32 matrices within the block where that is exact; the settings of before come back.

    It is for large products: attention's many small ones are slower that way.

    Args:
        device: Where the matrices are; nothing changes elsewhere than on a CPU.
    """
    if device.type != "cpu" or _only_torchs.get() or not onednn_is_exact():
        yield
        return
    with _onednn_multiplies.changed():
        yield


@contextlib.contextmanager
def only_torchs_products() -> Iterator[None]:
    """Leave all products within the block to torch, so that what runs there does not depend on the processor."""
    before = _only_torchs.set(True)
    try:
        yield
    finally:
        _only_torchs.reset(before)


def products_of(x: Tensor, weight: Tensor) -> contextlib.AbstractContextManager[None]:
    """Return a block for products of this size: `fast_products` where there is much to multiply.

    Args:
        x: (..., inputs).
        weight: (outputs, inputs).
    """
    return fast_products(x.device) if _is_large(x, weight) else contextlib.nullcontext()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return x @ weight.T + bias, by the faster library where there is much to multiply, and so its gradients.

    Args:
        x: (..., inputs).
        weight: (outputs, inputs).
        bias: (outputs,), or None for none.

    Returns:
        (..., outputs).
    """
    if not _is_large(x, weight):
        return F.linear(x, weight, bias)
    result: Tensor = _LargeLinear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return result


def _is_large(x: Tensor, weight: Tensor) -> bool:
    return (
        not torch.compiler.is_compiling()  # first: an exported graph must not depend on a size
        and x.numel() * weight.shape[0] >= _MANY
        and min(weight.shape) >= _WIDE
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not _only_torchs.get()
        and onednn_is_exact()
    )


class _LargeLinear(torch.autograd.Function):
    """A linear map with a gradient of its own: torch would take its products by the library set at that time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return (..., outputs) of x (..., inputs), weight (outputs, inputs) and bias (outputs,)."""
        ctx.save_for_backward(x, weight)
        with fast_products(x.device):
            return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Return the gradients by the arguments of `forward`; None where none is wanted."""
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = None, None, None
        rows = gradient.reshape(-1, gradient.shape[-1])
        with fast_products(x.device):
            if ctx.needs_input_grad[0]:
                of_x = (rows @ weight).view(x.shape)
            if ctx.needs_input_grad[1]:
                of_weight = (x.reshape(-1, x.shape[-1]).T @ rows).T  # oneDNN is slower at the transpose of this
            if ctx.needs_input_grad[2]:
                of_bias = rows.sum(dim=0)
        return of_x, of_weight, of_bias


@cache
def onednn_is_exact() -> bool:
    """Return whether this CPU's oneDNN products stay float32 when it may use bfloat16 inside.

    Torch multiplies float32 matrices by MKL, which on a processor that is not
    Intel's leaves half of its vector width unused. Allowing bfloat16 hands them to
    oneDNN, which uses it only where it has matrix units for it (AMX): elsewhere the
    result is float32, and twice as fast on such a processor. A product of two small
    matrices tells.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(64, 64, generator=generator) for _ in range(2))
    with _onednn_multiplies.changed():
        product = a @ b
    return bool((product.double() - a.double() @ b.double()).abs().max() < 64 * _ROUNDING)


def _settings() -> Any:
    """Return torch's settings of oneDNN's matrix products."""
    return torch.backends.mkldnn.matmul  # type: ignore[attr-defined]


def _precision() -> str:
    return str(_settings().fp32_precision)


def _set_precision(precision: str) -> None:
    _settings().fp32_precision = precision


_onednn_multiplies = SharedSetting(_precision, _set_precision, inside="bf16")
