"""Low-rank updates: nothing at first, of low rank later, and gone without a trace when merged."""

from __future__ import annotations

import copy

import pytest
import torch

from encoders.encoder import Encoder
from nas.labels.low_rank import LowRank, add_low_rank, merge
from search_space.genotype import EncoderCell

OPERATORS = ("conv1d", "dilated_conv", "gated_dilated_conv", "patch_attention", "temporal_attention", "gru")


def encoder(operator: str) -> Encoder:
    cell = EncoderCell(((0, operator), (1, "identity"), (1, operator)), 1, 16, 12, 0.0, "instance", "mixed", "mean")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Encoder(cell, variates=3).eval()


def disturb(model: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, LowRank):
                module.up.normal_(generator=generator)


@pytest.mark.parametrize("operator", OPERATORS)
def test_nothing_changes_before_training_and_merging_keeps_the_outputs(operator: str) -> None:
    plain, x = encoder(operator), torch.randn(4, 20, 3, generator=torch.Generator().manual_seed(2))
    adapted = copy.deepcopy(plain)
    add_low_rank(adapted, rank=3)
    with torch.no_grad():
        assert torch.equal(adapted(x), plain(x))
        disturb(adapted)
        updated = adapted(x)
        assert not torch.allclose(updated, plain(x), atol=1e-2)
        merge(adapted)
        torch.testing.assert_close(adapted(x), updated, rtol=1e-5, atol=1e-5)
    fresh = encoder(operator)
    fresh.load_state_dict(adapted.state_dict())  # strict: the names are those of a plain encoder
    with torch.no_grad():
        torch.testing.assert_close(fresh(x), updated, rtol=1e-5, atol=1e-5)


def test_the_update_has_the_rank_that_was_asked_for() -> None:
    plain = encoder("dilated_conv")
    adapted = copy.deepcopy(plain)
    add_low_rank(adapted, rank=3)
    disturb(adapted)
    merge(adapted)
    before = plain.state_dict()
    ranks = {}
    for name, value in adapted.state_dict().items():
        update = (value - before[name]).double()
        if value.ndim > 1:
            ranks[name] = int(torch.linalg.matrix_rank(update.flatten(1), rtol=1e-4))
            assert ranks[name] == min(3, value.shape[0], value[0].numel()), name
        else:
            assert not update.any(), name
    assert ranks


def test_only_updates_can_be_trained_and_what_stays_is_named() -> None:
    model = encoder("gru")
    assert add_low_rank(model, rank=2) == ("GRU",)
    trained = {name.rsplit(".", 1)[1] for name, value in model.named_parameters() if value.requires_grad}
    assert trained == {"up", "down"}
    assert "LayerNorm" in add_low_rank(encoder("patch_attention"), rank=2)


def test_a_rank_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="rank must be >= 1, got 0"):
        add_low_rank(encoder("conv1d"), rank=0)
