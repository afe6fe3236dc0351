"""The library of float32 products: exact where it is used, and its setting comes back."""

from __future__ import annotations

import pytest
import torch

from contrastive.fast_products import fast_products, onednn_is_exact


def test_products_stay_float32_and_settings_come_back() -> None:
    products = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = products.fp32_precision
    a = torch.randn(200, 300, generator=torch.Generator().manual_seed(0))
    with fast_products(a.device):
        assert products.fp32_precision == ("bf16" if onednn_is_exact() else before)
        found = a @ a.T
    assert products.fp32_precision == before
    torch.testing.assert_close(found.double(), a.double() @ a.double().T, rtol=1e-4, atol=1e-4)
    with pytest.raises(KeyError), fast_products(a.device):
        raise KeyError
    assert products.fp32_precision == before


def test_a_processor_that_rounds_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = torch.Tensor.__matmul__

    def rounding(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if a.dtype is not torch.float32:
            return exact(a, b)
        return exact(a.bfloat16().float(), b.bfloat16().float())

    monkeypatch.setattr(torch.Tensor, "__matmul__", rounding)
    onednn_is_exact.cache_clear()
    assert not onednn_is_exact()
    monkeypatch.undo()
    onednn_is_exact.cache_clear()
