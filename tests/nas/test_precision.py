"""What a precision changes, and that the settings of before come back."""

from __future__ import annotations

import pytest
import torch

from nas.loop import Trainer
from nas.model import ContrastiveModel
from nas.precision import onednn_is_exact, precision
from search_space.presets import preset


class OneBatch:
    """A batch source that gives the same windows every time."""

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(4, 40, 2, generator=torch.Generator().manual_seed(0))


def test_products_stay_float32_and_settings_come_back() -> None:
    products = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = products.fp32_precision
    a = torch.randn(200, 300, generator=torch.Generator().manual_seed(0))
    with precision():
        assert not torch.is_autocast_enabled("cpu")
        assert products.fp32_precision == ("bf16" if onednn_is_exact() else before)
        found = a @ a.T
    assert products.fp32_precision == before
    torch.testing.assert_close(found.double(), a.double() @ a.double().T, rtol=1e-4, atol=1e-4)
    with pytest.raises(KeyError), precision("bfloat16"):
        assert torch.is_autocast_enabled("cpu")
        raise KeyError
    assert products.fp32_precision == before and not torch.is_autocast_enabled("cpu")


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


def test_bfloat16_trains_like_float32_but_not_the_same() -> None:
    losses: dict[str, list[float]] = {}
    for name in ("float32", "bfloat16"):
        torch.manual_seed(0)
        model = ContrastiveModel(preset("ts2vec", kind="forecasting"), variates=2)
        batches = OneBatch()
        trainer = Trainer(model, batches=batches, generator=torch.Generator().manual_seed(0), precision=name)  # type: ignore[arg-type]
        losses[name] = [trainer.step() for _ in range(6)]
        assert all(parameter.dtype is torch.float32 for parameter in model.parameters())
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.1)
