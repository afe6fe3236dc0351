"""What an encoder reads, which blocks it is read out from, and the map behind the readout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from encoders.embedding import Embedding
from encoders.encoder import Encoder
from encoders.input import PARTS, by_stream
from encoders.readouts._readout import max_over
from search_space.genotype import EncoderCell
from search_space.registry import options

NAN = float("nan")
CELL = EncoderCell(
    edges=((0, "dilated_conv"), (1, "gru"), (0, "conv1d")),
    blocks=3,
    hidden=8,
    output=6,
    dropout=0.0,
    normalization="instance",
    channels="mixed",
    readout="max",
)
BANK = replace(CELL, edges=((0, "kernel_bank"),), blocks=1, hidden=168, output=0, readout="shares_4")


def encoder(cell: EncoderCell = CELL, *, variates: int = 3, **changes: Any) -> Encoder:
    torch.manual_seed(11)
    return Encoder(replace(cell, **changes), variates=variates).eval()


def windows(batch: int = 4, time: int = 20, variates: int = 3) -> Tensor:
    return torch.randn(batch, time, variates, generator=torch.Generator().manual_seed(1))


def test_differences_are_missing_where_a_value_is() -> None:
    x = torch.tensor([[[1.0, 2.0], [4.0, NAN], [9.0, 3.0], [16.0, 5.0]]])
    difference = torch.tensor([[NAN, NAN], [3.0, NAN], [5.0, NAN], [7.0, 2.0]])
    torch.testing.assert_close(by_stream(x, read="raw", independent=False)[0, 0], x[0], equal_nan=True)
    torch.testing.assert_close(by_stream(x, read="difference", independent=False)[0, 0], difference, equal_nan=True)
    both = by_stream(x, read="both", independent=False)[0, 0]
    torch.testing.assert_close(both, torch.cat([x[0], difference], dim=1), equal_nan=True)
    streams = by_stream(x, read="both", independent=True)[0]  # (variates, time, 2)
    torch.testing.assert_close(streams, torch.stack([x[0], difference], dim=-1).transpose(0, 1), equal_nan=True)


def test_rises_and_falls_are_the_parts_of_the_difference() -> None:
    x = windows(batch=2)
    x[0, 7:9, 1] = NAN
    steps = np.full(x.shape, NAN, dtype=np.float32)
    for window, step, variate in np.ndindex(2, 19, 3):
        steps[window, step + 1, variate] = x[window, step + 1, variate] - x[window, step, variate]
    rises, falls = np.where(steps < 0, 0, steps), np.where(steps > 0, 0, -steps)
    mixed = by_stream(x, read="signed", independent=False)[:, 0].numpy()
    np.testing.assert_array_equal(mixed, np.concatenate([rises, falls], axis=2))
    streams = by_stream(x, read="signed", independent=True).numpy()  # (batch, variates, time, 2)
    np.testing.assert_array_equal(streams, np.stack([rises, falls], axis=-1).transpose(0, 2, 1, 3))


def test_an_encoder_of_rises_does_not_hear_falls() -> None:
    """With no weight for falls, how far a series falls changes nothing; what it rises by does."""
    model = encoder(normalization="none", input="signed", channels="independent")
    with torch.no_grad():
        model.projection.weight[:, 1] = 0.0
        x = windows(variates=1)
        up, down = by_stream(x, read="signed", independent=False).nan_to_num()[:, 0].chunk(2, dim=2)
        same = (up - 3.0 * down).cumsum(dim=1)
        torch.testing.assert_close(model.represent(same), model.represent(x), rtol=1e-4, atol=1e-5)
        other = (3.0 * up - down).cumsum(dim=1)
        assert (model.represent(other) - model.represent(x)).abs().max() > 1e-3


@pytest.mark.parametrize("read", sorted(PARTS))
@pytest.mark.parametrize("channels", ["independent", "mixed"])
@pytest.mark.parametrize("cell", [CELL, BANK], ids=["graph", "bank"])
@pytest.mark.parametrize("time", [1, 2, 20])
def test_every_input_gives_finite_representations_that_padding_does_not_change(
    read: str, channels: str, cell: EncoderCell, time: int
) -> None:
    model = encoder(cell, input=read, channels=channels)
    x = windows(time=time)
    x[1, : time // 2, 0] = NAN
    model.fit(x)
    with torch.no_grad():
        whole = model.represent(x)
        padded = model.represent(torch.cat([x, torch.full((4, 7, 3), NAN)], dim=1))
        alone = model.represent(x[2:3])
    assert whole.shape == (4, model.streams, model.representation_features) and bool(whole.isfinite().all())
    torch.testing.assert_close(padded, whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(alone, whole[2:3], rtol=1e-4, atol=1e-5)


def test_differences_do_not_see_the_level_and_raw_values_do() -> None:
    x = windows()
    for read, same in (("difference", True), ("signed", True), ("raw", False), ("both", False)):
        model = encoder(normalization="none", input=read)
        with torch.no_grad():
            equal = torch.allclose(model.represent(x + 3.0), model.represent(x), rtol=1e-4, atol=1e-4)
        assert equal is same, read


@pytest.mark.parametrize("taps", [1, 2, 3])
def test_taps_read_the_last_blocks(taps: int) -> None:
    model, x = encoder(normalization="none", taps=taps), windows()
    with torch.no_grad():
        latent = model.projection(x.unsqueeze(1))
        latents = []
        for block in model.blocks:
            latent = block(latent, None)
            latents.append(latent)
        everywhere = torch.ones(4, 20, dtype=torch.bool)
        read = [max_over(model.output(latent), everywhere)]
        read += [max_over(latents[-1 - tap], everywhere) for tap in range(1, taps)]
        torch.testing.assert_close(model.represent(x), torch.cat(read, dim=-1))
    assert model.representation_features == 6 + 8 * (taps - 1)


@pytest.mark.parametrize("readout", sorted(options("readout")))
def test_every_readout_can_be_tapped_and_embedded(readout: str) -> None:
    model, x = encoder(readout=readout, taps=2, embedding=5), windows()
    x[0, 12:] = NAN
    model.fit(x)
    with torch.no_grad():
        found = model.represent(x)
        torch.testing.assert_close(model.represent(x[:1, :12]), found[:1], rtol=1e-4, atol=1e-5)
    assert found.shape == (4, 1, 5 + 2 * 3)  # and mean and deviation of three variates
    again = encoder(readout=readout, taps=2, embedding=5)
    again.load_state_dict(model.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(again.eval().represent(x), found, rtol=0, atol=0)


def test_more_taps_than_blocks_are_all_of_them() -> None:
    assert replace(CELL, taps=7) == replace(CELL, taps=3)


def test_an_embedding_standardises_what_it_maps() -> None:
    rows = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 0.0, 0.1]) + 3.0
    embedding = Embedding(4, 2)
    embedding.standardize.fit(rows)
    standardized = embedding.standardize(rows)
    torch.testing.assert_close(standardized.mean(dim=0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(standardized.std(dim=0, unbiased=False), torch.tensor([1.0, 1.0, 0.0, 1.0]))
    torch.testing.assert_close(embedding(rows), standardized @ embedding.map.weight.T)


def test_a_frozen_bank_learns_nothing_but_its_embedding() -> None:
    learns = [name for name, weight in encoder(BANK, embedding=5).named_parameters() if weight.requires_grad]
    assert learns == ["embedding.map.weight"]
    assert not any(weight.requires_grad for weight in encoder(BANK).parameters())
