"""A combination of encoders is its members side by side, whatever they are made of."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from encoders.combined import MOST_MEMBERS, CombinedEncoder, combined
from encoders.encoder import Encoder
from search_space.genotype import EncoderCell
from search_space.presets import preset

NAN = float("nan")
VARIATES = 3
# two with independent channels, three that mix them
NAMES = ("minirocket", "hydra_spectral", "ts2vec", "patchtst", "dlinear")
SETS = [names for size in (2, 3, 4) for names in itertools.combinations(NAMES, size)]


def windows(batch: int = 3, *, variates: int = VARIATES) -> Tensor:
    x = torch.randn(batch, 24, variates, generator=torch.Generator().manual_seed(1))
    x[0, 20:] = NAN
    x[1, 3, 0] = NAN
    return x


@cache
def member(name: str) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = Encoder(preset(name).encoder, variates=VARIATES)
    encoder.fit(torch.randn(8, 24, VARIATES, generator=torch.Generator().manual_seed(2)))
    return encoder.eval()


def combination(names: Sequence[str]) -> CombinedEncoder:
    return CombinedEncoder([member(name) for name in names])


@pytest.mark.parametrize("names", SETS, ids="+".join)
@torch.no_grad()
def test_each_feature_is_that_of_the_member_it_belongs_to(names: tuple[str, ...]) -> None:
    together, x = combination(names), windows()
    z = together.represent(x)
    assert z.shape == (3, together.streams, together.representation_features)
    flat, of = z.flatten(1), torch.as_tensor(together.member_of_feature)
    for number, one in enumerate(together.members):
        assert one is member(names[number])
        assert torch.equal(flat[:, of == number], one.represent(x).flatten(1))
    assert tuple(np.bincount(together.member_of_feature)) == together.blocks


@torch.no_grad()
def test_streams_stay_where_members_have_as_many() -> None:
    together, x = combination(("patchtst", "dlinear")), windows()
    z = torch.cat([one.represent(x) for one in together.members], dim=-1)
    assert together.independent and together.streams == VARIATES and torch.equal(together.represent(x), z)
    width = together.representation_features
    assert (together.member_of_feature.reshape(VARIATES, width) == together.member_of_feature[:width]).all()
    more = windows(variates=5)
    assert together.represent(more).shape == (3, 5, width)
    mixed = combination(("patchtst", "ts2vec"))
    assert not mixed.independent and mixed.streams == 1
    with pytest.raises(ValueError, match="variates = 3"):
        mixed.represent(more)


@pytest.mark.parametrize("names", [NAMES[:4], ("dlinear", "patchtst")], ids="+".join)
@torch.no_grad()
def test_a_case_is_represented_alone_as_in_a_batch(names: tuple[str, ...]) -> None:
    together, x = combination(names), windows(5)
    alone = torch.cat([together.represent(one[None]) for one in x])
    torch.testing.assert_close(alone, together.represent(x), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_what_is_masked_is_masked_for_all_members() -> None:
    together, x = combination(NAMES[:4]), windows()[1:]
    masked = torch.zeros(2, 24, dtype=torch.bool)
    masked[:, -1] = True
    other = x.clone()
    other[:, -1] = 9.0
    assert torch.equal(together.represent(x, masked=masked), together.represent(other, masked=masked))
    assert not torch.allclose(together.represent(x), together.represent(other))


@torch.no_grad()
def test_steps_are_represented_side_by_side_too() -> None:
    x = windows()
    for names in (("patchtst", "dlinear"), ("patchtst", "ts2vec")):
        together = combination(names)
        steps = together(x)
        assert steps.shape == (3, together.streams, 24, together.features)
        each = [one(x).transpose(1, 2).flatten(2) for one in together.members]  # (batch, time, streams * features)
        merged = steps.transpose(1, 2).flatten(2)
        assert merged.shape[-1] == sum(z.shape[-1] for z in each)
        torch.testing.assert_close(merged.sort(dim=-1).values, torch.cat(each, dim=-1).sort(dim=-1).values)


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
def test_a_combination_is_exported_like_an_encoder() -> None:
    mixed = EncoderCell(((0, "dilated_conv"),), 1, 4, 4, 0.0, "none", "mixed", "max")
    independent = EncoderCell(((0, "conv1d"),), 1, 4, 4, 0.0, "instance", "independent", "mean")
    together = CombinedEncoder([Encoder(cell, variates=VARIATES) for cell in (mixed, independent)]).eval()
    graph = torch.export.export(together, (windows(),)).module()
    x = windows().roll(5, dims=1)
    torch.testing.assert_close(graph(x), together(x))


def test_one_is_itself_and_equals_are_refused() -> None:
    one, other = member("ts2vec"), member("patchtst")
    assert combined([one]) is one and one.members == (one,)
    assert combined([other, one]).members == (other, one)
    with pytest.raises(ValueError, match="2 to 4 different ones"):
        CombinedEncoder([one, one])
    with pytest.raises(ValueError, match="member 2 is equal to another"):
        combined([one, other, copy.deepcopy(one)])
    trained = copy.deepcopy(one)
    with torch.no_grad():
        trained.output.weight.add_(0.1)
    assert combined([one, trained]).members == (one, trained)


def test_what_cannot_be_combined() -> None:
    cell = member("dlinear").cell
    many = [Encoder(cell, variates=1) for _ in range(MOST_MEMBERS + 1)]
    for members in ([], many):
        with pytest.raises(ValueError, match=f"2 to 4 different ones, got {len(members)}"):
            combined(members)
    with pytest.raises(ValueError, match=r"variates differ, got \[1, 2\]"):
        combined([many[0], Encoder(cell, variates=2)])


def test_it_is_causal_where_all_members_are() -> None:
    cell = EncoderCell(((0, "gated_dilated_conv"),), 1, 4, 4, 0.0, "none", "mixed", "last")
    causal = [Encoder(cell, variates=VARIATES) for _ in range(2)]
    assert CombinedEncoder(causal).causal and not CombinedEncoder([causal[0], member("ts2vec")]).causal
