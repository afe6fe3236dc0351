"""The whole strategy: what it pairs, what it ignores, and that it teaches."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch
from torch import Tensor

from contrastive import Strategy
from contrastive.strategy import MOST_ROWS
from search_space.genotype import Choice, EmbedCell, EncoderCell, Genotype, LossCell, PairCell, TrainCell

CROP = (Choice("crop", (("ratio", 0.9),)),)
RESIZE = (Choice("resize", (("ratio", 0.4),)),)
WARP = (Choice("time_warp", (("sigma", 0.5),)),)
PERMUTE = (Choice("permute", (("segments", 5.0),)),)
MASK = (Choice("point_mask", (("ratio", 0.5),)),)
NOISE = (Choice("jitter", (("sigma", 0.3),)), Choice("frequency_mask", (("ratio", 0.2),)))
ENCODER = EncoderCell(
    edges=((0, "identity"),),
    blocks=1,
    hidden=8,
    output=8,
    dropout=0.0,
    normalization="none",
    channels="independent",
    readout="mean",
)


def genotype(
    aug1: tuple[Choice, ...] = (),
    aug2: tuple[Choice, ...] = (),
    *,
    embed: EmbedCell | None = None,
    pair: PairCell | None = None,
    temperature: float = 1.0,
    loss: Choice | None = None,
    similarity: str = "cosine",
) -> Genotype:
    return Genotype(
        aug1=aug1,
        aug2=aug2,
        embed=embed or EmbedCell(jitter=0.0, mask=0.0, norm="none"),
        pair=pair or PairCell(kinds=("instance", "temporal"), pool="max", kernel=2),
        loss=LossCell(loss=loss or Choice("nt_xent", (("temperature", temperature),)), similarity=similarity),
        encoder=ENCODER,
        train=TrainCell(learning_rate=0.001, batch_size=8, weight_averaging=False),
    )


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def normal(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(rng_seed))


def encode(x: Tensor, *, weight: Tensor | float = 1.0) -> Tensor:
    """Nine weighted Fourier features of every value: a stream per variate, shape (B, V, T, 9)."""
    z = x.nan_to_num().transpose(1, 2).unsqueeze(-1) * torch.arange(1.0, 10.0)
    return torch.sin(z + torch.arange(9.0)) * weight


@pytest.mark.parametrize("aug1", [(), CROP, RESIZE, MASK, NOISE, RESIZE + CROP, NOISE + CROP + RESIZE, PERMUTE + WARP])
@pytest.mark.parametrize("aug2", [(), CROP, RESIZE + MASK, PERMUTE + CROP])
def test_loss_is_finite_repeatable_and_has_a_gradient_for_any_size(
    aug1: tuple[Choice, ...], aug2: tuple[Choice, ...]
) -> None:
    cell = EmbedCell(jitter=0.1, mask=0.1, norm="l2")
    pair = PairCell(kinds=("cross_scale", "instance", "neighbor", "temporal"), pool="avg", kernel=3)
    strategy = Strategy(genotype(aug1, aug2, embed=cell, pair=pair), features=9, width=1)
    for batch, steps, variates in itertools.product((1, 4), (1, 2, 24), (1, 3)):
        weight = torch.ones(9, requires_grad=True)
        x = normal(batch, steps, variates)
        x[0, steps // 2 + 1 :] = torch.nan
        weighted = partial(encode, weight=weight)
        losses = [strategy.loss(x, weighted, generator=generator(5)) for _ in range(2)]
        losses[0].backward()
        assert torch.isfinite(losses[0]) and torch.equal(losses[0], losses[1])
        assert weight.grad is not None and torch.isfinite(weight.grad).all()


def test_views_without_augmentations_are_the_window() -> None:
    x = normal(3, 8, 2)
    first, second = Strategy(genotype(), features=9, width=1).views(x, generator=generator())
    assert first.values is x and second.values is x and first.core is None


def test_views_of_short_series_show_observed_steps() -> None:
    """Stretching about the middle of the window would show padding only."""
    x = torch.full((50, 100, 1), torch.nan)
    x[:, :10] = 1.0
    chains = ((*RESIZE, Choice("resize", (("ratio", 0.3),))), CROP)
    for chain in chains:
        for view in Strategy(genotype(chain, RESIZE), features=9, width=1).views(x, generator=generator()):
            assert (~torch.isnan(view.values)).any(dim=1).all()


@pytest.mark.parametrize("aug1", [(), CROP, RESIZE, WARP, PERMUTE])
def test_padding_is_paired_with_nothing(aug1: tuple[Choice, ...]) -> None:
    x = normal(6, 40, 1)
    x[:3, 15:] = torch.nan
    strategy = Strategy(genotype(aug1, aug1), features=9, width=1)

    def spoiled(w: Tensor) -> Tensor:
        padding = torch.isnan(w[..., 0])
        return torch.where(padding[:, None, :, None], 1e3 * torch.ones(()), encode(w))

    expected = strategy.loss(x, encode, generator=generator(1))
    torch.testing.assert_close(strategy.loss(x, spoiled, generator=generator(1)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("batch", "variates"), [(8, 1), (20, 3), (100, 2)])
def test_a_time_code_is_aligned_through_crop_and_resize(batch: int, variates: int) -> None:
    """Representations that know only their time are closest to their positive: a triplet loss without margin is 0."""
    x = torch.linspace(0.0, 1.0, 48).view(1, 48, 1).repeat(batch, 1, variates)
    x[: batch // 4, 30:] = torch.nan
    x[batch // 4 : batch // 2, :10] = torch.nan

    def code(w: Tensor) -> Tensor:
        angle = w.nan_to_num().transpose(1, 2).unsqueeze(-1) * 3.0
        return torch.cat([angle.cos(), angle.sin()], dim=-1)

    pair = PairCell(kinds=("temporal",), pool="max", kernel=0)
    strategy = Strategy(
        genotype(CROP, RESIZE, pair=pair, loss=Choice("triplet", (("margin", 0.0),))), features=2, width=1
    )
    assert float(strategy.loss(x, code, generator=generator(3))) < 1e-4
    offsets = [0.0, 0.2]  # the views differ in length, so each is encoded on its own
    assert float(strategy.loss(x, lambda w: code(w + offsets.pop()), generator=generator(3))) > 1e-3


@pytest.mark.parametrize(("aug1", "aug2"), [((), PERMUTE), (PERMUTE, PERMUTE), (PERMUTE + CROP, WARP + PERMUTE)])
def test_a_time_code_is_aligned_through_permuted_segments(aug1: tuple[Choice, ...], aug2: tuple[Choice, ...]) -> None:
    x = torch.linspace(0.0, 1.0, 48).view(1, 48, 1).repeat(40, 1, 2)
    x[:10, 30:] = torch.nan
    pair = PairCell(kinds=("temporal",), pool="max", kernel=0)
    strategy = Strategy(
        genotype(aug1, aug2, pair=pair, loss=Choice("triplet", (("margin", 0.0),))), features=2, width=1
    )

    def code(w: Tensor) -> Tensor:
        angle = w.nan_to_num().transpose(1, 2).unsqueeze(-1) * 3.0
        return torch.cat([angle.cos(), angle.sin()], dim=-1)

    def place_code(w: Tensor) -> Tensor:
        return code(torch.linspace(0.0, 1.0, w.shape[1]).view(1, -1, 1).expand_as(w))

    assert float(strategy.loss(x, code, generator=generator(3))) < 1e-4
    assert float(strategy.loss(x, place_code, generator=generator(3))) > 1e-2


def test_streams_count_as_instances() -> None:
    x = normal(4, 12, 3)
    flat = x.transpose(1, 2).reshape(12, 12, 1)
    strategy = Strategy(genotype(), features=9, width=1)
    torch.testing.assert_close(
        strategy.loss(x, encode, generator=generator()), strategy.loss(flat, encode, generator=generator())
    )


def test_at_most_so_many_rows_are_contrasted() -> None:
    """Independent unit rows at temperature infinity: the instance loss is log(2 rows - 1)."""
    pair = PairCell(kinds=("instance",), pool="max", kernel=0)
    strategy = Strategy(genotype(pair=pair, temperature=1e6), features=9, width=1)
    for batch, rows in ((10, 10), (MOST_ROWS, MOST_ROWS), (3 * MOST_ROWS, MOST_ROWS)):
        loss = strategy.loss(normal(batch, 4, 1), encode, generator=generator())
        assert float(loss) == pytest.approx(float(torch.tensor(2.0 * rows - 1.0).log()), rel=1e-4)


def test_the_subset_of_rows_is_the_same_in_both_views() -> None:
    pair = PairCell(kinds=("instance",), pool="max", kernel=0)
    strategy = Strategy(genotype(pair=pair, temperature=0.01), features=300, width=1)

    def one_hot(w: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(w[..., 0].long(), 300).unsqueeze(1).float()

    x = torch.arange(300.0).view(300, 1, 1)
    assert float(strategy.loss(x, one_hot, generator=generator())) == pytest.approx(0.0, abs=1e-6)


def test_divergence_is_not_hidden() -> None:
    for kernel, kinds in ((2, ("instance", "temporal")), (0, ("neighbor",))):
        strategy = Strategy(genotype(CROP, pair=PairCell(kinds=kinds, pool="max", kernel=kernel)), features=9, width=1)
        loss = strategy.loss(normal(4, 8, 1), lambda w: encode(w) * torch.inf, generator=generator())
        assert not torch.isfinite(loss)


def test_it_holds_no_weights() -> None:
    for norm in ("none", "l2", "layernorm", "batchnorm"):
        cell = EmbedCell(jitter=0.1, mask=0.1, norm=norm)
        assert not Strategy(genotype(embed=cell), features=9, width=1).state_dict()


def test_training_with_it_makes_windows_recognisable() -> None:
    """A linear encoder learns to ignore the variate that the augmentation drowns in noise."""
    generator_, weight = generator(), torch.tensor([[0.7], [0.7]], requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.05)
    pair = PairCell(kinds=("instance",), pool="avg", kernel=0)
    strategy = Strategy(
        genotype(
            (Choice("jitter", (("sigma", 0.5),)),),
            (Choice("jitter", (("sigma", 0.5),)),),
            pair=pair,
            similarity="neg_euclidean",
        ),
        features=1,
        width=1,
    )
    x = torch.zeros(32, 3, 2)
    x[..., 0] = 3.0 * torch.randn(32, 1, generator=generator_)
    for _ in range(60):
        optimizer.zero_grad()
        strategy.loss(x, lambda w: (w @ (weight / weight.norm())).unsqueeze(1), generator=generator_).backward()
        optimizer.step()
    signal, noise = weight.detach().abs().flatten().tolist()
    assert signal > 4.0 * noise
