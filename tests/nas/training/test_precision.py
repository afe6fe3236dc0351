"""What a precision changes."""

from __future__ import annotations

import pytest
import torch

from nas.training.loop import Trainer
from nas.training.model import ContrastiveModel
from search_space.presets import preset


class OneBatch:
    """A batch source that gives the same windows every time."""

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(4, 40, 2, generator=torch.Generator().manual_seed(0))


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
