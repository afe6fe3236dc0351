"""What a precision changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nas.training.loop import Trainer
from nas.training.model import ContrastiveModel
from search_space import registry
from search_space.genotype import Choice
from search_space.presets import preset


class OneBatch:
    """A batch source that gives the same windows every time."""

    n_windows = 4

    def draw_with_places(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(4, 40, 2, generator=torch.Generator().manual_seed(0)), torch.arange(4)


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


@pytest.mark.parametrize("name", sorted(registry.options("weighting")))
def test_weightings_are_the_same_in_both_up_to_rounding(name: str) -> None:
    parameters = tuple((key, values[0]) for key, values in registry.get("weighting", name).choices.items())
    plain = preset("ts2vec", kind="forecasting")
    genotype = replace(plain, loss=replace(plain.loss, weighting=Choice(name, parameters)))
    losses = {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        model, chance = ContrastiveModel(genotype, variates=2), torch.Generator().manual_seed(0)
        trainer = Trainer(model, batches=OneBatch(), generator=chance, precision=precision)  # type: ignore[arg-type]
        losses[precision] = [trainer.step() for _ in range(6)]  # of which the fifth looks ahead
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.15)
