"""How exactly encoders compute: float32, or bfloat16 where asked for; and which library multiplies float32."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch

_ROUNDING = 1e-5


@contextlib.contextmanager
def precision(name: str = "float32", *, device: torch.device | str = "cpu") -> Iterator[None]:
    """Compute within the block at a precision; the settings of before come back after it.

    In `bfloat16` encoders run under torch's autocast and the products of a loss's
    gradient are rounded, 8 significant bits each; losses, sums and weights stay
    float32.

    Args:
        name: One of `nas.engine_options.PRECISIONS`.
        device: Where the encoder is.
    """
    kind = torch.device(device).type
    products = _cpu_products()
    before = products.fp32_precision
    with torch.autocast(kind, dtype=torch.bfloat16, enabled=name == "bfloat16"):
        try:
            if kind == "cpu" and onednn_is_exact():
                products.fp32_precision = "bf16"
            yield
        finally:
            products.fp32_precision = before


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
    products = _cpu_products()
    before = products.fp32_precision
    try:
        products.fp32_precision = "bf16"
        found = a @ b
    finally:
        products.fp32_precision = before
    return bool((found.double() - a.double() @ b.double()).abs().max() < 64 * _ROUNDING)


def _cpu_products() -> Any:
    """Return torch's settings of oneDNN's matrix products."""
    return torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
