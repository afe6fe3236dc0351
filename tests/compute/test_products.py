"""The library of float32 products: exact where it is used, and its setting comes back; a linear map that uses it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from compute import products
from compute.products import fast_products, linear, onednn_is_exact


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


def test_the_last_to_leave_puts_the_setting_back() -> None:
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    first, second = (fast_products(torch.device("cpu")) for _ in range(2))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # as another thread may, while the second is still inside
    assert settings.fp32_precision == ("bf16" if onednn_is_exact() else before)
    second.__exit__(None, None, None)
    assert settings.fp32_precision == before


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


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("frozen", ["nothing", "x", "weight"])
def test_a_large_linear_map_and_its_gradients_are_those_of_torch(
    frozen: str, with_bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 300, 40, 32, generator=generator).transpose(1, 2)  # not contiguous
    weight = torch.randn(48, 32, generator=generator)
    bias = torch.randn(48, generator=generator) if with_bias else None
    slope = torch.randn(6, 40, 300, 48, generator=generator)
    uses = []
    applied = products._LargeLinear.apply
    monkeypatch.setattr(products._LargeLinear, "apply", lambda *args: uses.append(1) or applied(*args))

    def results(multiply: Callable[..., Tensor]) -> list[Tensor | None]:
        leaves = [
            None if leaf is None else leaf.detach().clone().requires_grad_(name != frozen)
            for name, leaf in (("x", x), ("weight", weight), ("bias", bias))
        ]
        y = multiply(*leaves)
        (y * slope).sum().backward()
        return [y, *(None if leaf is None else leaf.grad for leaf in leaves)]

    expected, found = results(F.linear), results(linear)
    assert len(uses) == onednn_is_exact()
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


def test_small_products_and_other_numbers_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Tensor) -> Tensor:
        raise AssertionError("taken for a large product")

    monkeypatch.setattr(products._LargeLinear, "apply", refuse)
    large, weight = torch.randn(4096, 64), torch.randn(64, 64)
    assert linear(large[:32], weight, None).shape == (32, 64)  # few rows
    assert linear(large[:, :4], weight[:, :4], None).shape == (4096, 64)  # narrow
    assert linear(large.double(), weight.double(), None).dtype is torch.float64
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(large, weight, None).dtype is torch.bfloat16
