"""The encoder: shapes, missing values, unequal lengths, causality."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from encoders.encoder import Encoder
from encoders.input import observed_span
from encoders.input_normalization import NORMALIZATIONS
from search_space.genotype import EncoderCell
from search_space.registry import UnknownOptionError, options

NAN = float("nan")
CELL = EncoderCell(
    edges=((0, "dilated_conv"), (0, "identity"), (1, "temporal_attention"), (1, "conv1d"), (2, "patch_attention")),
    blocks=2,
    hidden=16,
    output=6,
    dropout=0.1,
    normalization="none",
    channels="independent",
    readout="mean",
)
CAUSAL = replace(
    CELL,
    edges=(
        (0, "gated_dilated_conv"),
        (0, "gru"),
        (1, "variate_attention"),
        (2, "decomposition_linear"),
        (1, "identity"),
    ),
)
BOTH_CHANNELS = pytest.mark.parametrize("channels", ["independent", "mixed"])
ALL_NORMALIZATIONS = pytest.mark.parametrize("normalization", sorted(NORMALIZATIONS))


def encoder(cell: EncoderCell = CELL, *, variates: int = 3, **changes: Any) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return Encoder(replace(cell, **changes), variates=variates).double().eval()


def windows(batch: int = 2, time: int = 20, variates: int = 3) -> Tensor:
    return torch.randn(batch, time, variates, generator=torch.Generator().manual_seed(1)).double() + 2.0


@BOTH_CHANNELS
@ALL_NORMALIZATIONS
@pytest.mark.parametrize("readout", sorted(options("readout")))
@pytest.mark.parametrize("time", [1, 9])
def test_shapes_are_as_the_attributes_say(channels: str, normalization: str, readout: str, time: int) -> None:
    model = encoder(channels=channels, normalization=normalization, readout=readout)
    x = windows(time=time)
    assert model.streams == (3 if channels == "independent" else 1)
    assert model(x).shape == (2, model.streams, time, model.features)
    representation = model.represent(x)
    assert representation.shape == (2, model.streams, model.representation_features)
    assert representation.isfinite().all()


def test_blocks_deepen_the_dilations() -> None:
    model = encoder(CAUSAL, blocks=3)
    assert [block.operators[0].dilation for block in model.blocks] == [1, 8, 64]


def test_gradient_reaches_every_parameter_of_every_block() -> None:
    for cell in (CELL, CAUSAL):
        model = encoder(cell).train()
        x = windows()
        x[0, 4, 1] = NAN
        model(x).square().sum().backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().sum() > 0, name


def test_dropout_acts_in_training_only() -> None:
    model = encoder(dropout=0.5)
    x = windows()
    torch.testing.assert_close(model.represent(x), model.represent(x), rtol=0.0, atol=0.0)
    assert (model.train()(x) == 0).double().mean() > 0.3


def test_independent_channels_share_weights() -> None:
    model = encoder()
    x = windows()
    order = [2, 0, 1]
    torch.testing.assert_close(model(x[:, :, order]), model(x)[:, order])
    single = encoder(variates=1)
    torch.testing.assert_close(model(x)[:, 1:2], single(x[:, :, 1:2]))
    torch.testing.assert_close(single(x), model(x))
    torch.testing.assert_close(single.represent(x), model.represent(x))


def test_statistics_follow_the_readout() -> None:
    x = windows()
    instance = encoder(normalization="instance")
    bare = encoder()
    std = (x.var(dim=1, correction=0) + 1e-5).sqrt()
    normalised = (x - x.mean(dim=1, keepdim=True)) / std.unsqueeze(1)
    expected = torch.cat([bare.represent(normalised), x.mean(dim=1)[..., None], std.log()[..., None]], dim=-1)
    torch.testing.assert_close(instance.represent(x), expected)


def test_mixed_statistics_go_variate_by_variate() -> None:
    x = windows()
    representation = encoder(normalization="last", channels="mixed").represent(x)
    torch.testing.assert_close(representation[:, 0, -3:], x[:, -1])


@BOTH_CHANNELS
@ALL_NORMALIZATIONS
@pytest.mark.parametrize("cell", [CELL, CAUSAL], ids=["all", "causal"])
@pytest.mark.parametrize("readout", sorted(options("readout")))
def test_padding_at_the_end_changes_nothing(cell: EncoderCell, channels: str, normalization: str, readout: str) -> None:
    model = encoder(cell, channels=channels, normalization=normalization, readout=readout)
    x = windows()
    padded = x.clone()
    padded[0, 13:] = NAN
    torch.testing.assert_close(model.represent(padded)[:1], model.represent(x[:1, :13]))
    torch.testing.assert_close(model.represent(padded)[1:], model.represent(x[1:]))
    torch.testing.assert_close(model(padded)[:1, :, :13], model(x[:1, :13]))
    assert (model(padded)[0, :, 13:] == 0).all()


@BOTH_CHANNELS
@ALL_NORMALIZATIONS
def test_a_hidden_value_changes_nothing_and_nan_never_spreads(channels: str, normalization: str) -> None:
    model = encoder(channels=channels, normalization=normalization, readout="last")
    x = windows()
    masked = torch.zeros(2, 20, dtype=torch.bool)
    masked[0, 19] = masked[1, 5] = True
    changed = x.masked_fill(masked.unsqueeze(-1), 1e6)
    missing = x.masked_fill(masked.unsqueeze(-1), NAN)
    for call in (model, model.represent):
        expected = call(x, masked=masked)
        assert expected.isfinite().all()
        torch.testing.assert_close(call(changed, masked=masked), expected)
    # inside the span a missing value and a masked step are the same
    torch.testing.assert_close(model(missing)[1], model(x, masked=masked)[1])
    # the masked last step stays part of the window and is represented from the others
    assert model(x, masked=masked)[0, :, 19].abs().max() > 1e-3


def test_a_missing_value_contributes_nothing_to_the_latent() -> None:
    model = encoder(channels="mixed", edges=((0, "identity"),))
    x = windows()
    x[0, 4, 1] = NAN
    x[0, 6] = NAN
    z = model(x)
    weight, bias = model.projection.weight, model.projection.bias
    torch.testing.assert_close(z[0, 0, 4], model.output(weight[:, [0, 2]] @ x[0, 4, [0, 2]] + bias))
    torch.testing.assert_close(z[0, 0, 6], model.output.bias)


@BOTH_CHANNELS
@ALL_NORMALIZATIONS
@pytest.mark.parametrize("cell", [CELL, CAUSAL], ids=["all", "causal"])
def test_windows_and_variates_without_values_stay_finite(cell: EncoderCell, channels: str, normalization: str) -> None:
    model = encoder(cell, channels=channels, normalization=normalization, readout="attention")
    x = windows()
    x[0] = NAN
    x[1, :, 2] = NAN
    representation = model.represent(x)
    assert representation.isfinite().all()
    assert (representation[0] == 0).all()
    model(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("edges", [CELL.edges, CAUSAL.edges], ids=["all", "causal"])
@ALL_NORMALIZATIONS
def test_causal_tells_the_truth(edges: Any, normalization: str) -> None:
    model = encoder(edges=edges, normalization=normalization)
    x = windows()
    later = x.clone()
    later[:, 12:] *= -3.0
    difference = (model(later) - model(x))[:, :, :12].abs().max()
    assert model.causal == (edges == CAUSAL.edges and normalization == "none")
    assert (difference < 1e-9) == model.causal


def test_the_input_is_not_modified() -> None:
    x = windows()
    x[0, 15:] = NAN
    kept = x.clone()
    encoder(normalization="instance").represent(x, masked=torch.ones(2, 20, dtype=torch.bool))
    torch.testing.assert_close(x, kept, equal_nan=True)


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
@pytest.mark.parametrize("cell", [CELL, CAUSAL], ids=["all", "causal"])
def test_an_exported_graph_takes_any_missing_values(cell: EncoderCell) -> None:
    model = encoder(cell, blocks=1, normalization="instance")
    graph = torch.export.export(model, (windows(),)).module()
    x = windows()
    x[0, 3, 1] = x[1, 15:] = NAN
    for case in (windows(), x):
        torch.testing.assert_close(graph(case), model(case))


def test_observed_span_covers_gaps_but_not_the_ends() -> None:
    observed = torch.tensor([[0, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1]]).bool()
    x = torch.zeros(3, 6, 2)
    x[..., 0] = NAN
    x[..., 1].masked_fill_(~observed, NAN)
    assert observed_span(x).int().tolist() == [[0, 1, 1, 1, 1, 0], [0] * 6, [1] * 6]


def test_in_training_missing_ends_are_represented_from_their_neighbours() -> None:
    model = encoder(dropout=0.0)
    x = windows()
    masked = torch.zeros(2, 20, dtype=torch.bool)
    masked[0, 17:] = masked[1, 0] = True
    missing = x.masked_fill(masked.unsqueeze(-1), NAN)
    as_masked, as_padding = model(x, masked=masked), model(missing)
    model.train()
    torch.testing.assert_close(model(missing), as_masked)
    torch.testing.assert_close(model(missing, span=~masked), as_padding)
    assert (as_masked[0, :, 17:].abs().amax(dim=-1) > 1e-6).all()


@pytest.mark.parametrize("shape", [(2, 20), (2, 20, 4), (2, 0, 3)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"x must be \(batch, time >= 1, variates = 3\), got"):
        encoder(channels="mixed")(torch.zeros(shape).double())


def test_independent_channels_need_a_variate() -> None:
    with pytest.raises(ValueError, match=r"x must be \(batch, time >= 1, variates >= 1\), got \(2, 20, 0\)"):
        encoder()(torch.zeros(2, 20, 0).double())


@pytest.mark.parametrize("name", ["masked", "span"])
def test_a_wrong_mask_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be \(batch, time\) = \(2, 20\), got \(2, 20, 3\)"):
        encoder()(windows(), **{name: torch.zeros(2, 20, 3, dtype=torch.bool)})


def test_bad_genes_are_refused() -> None:
    with pytest.raises(ValueError, match="variates must be >= 1, got 0"):
        encoder(variates=0)
    with pytest.raises(ValueError, match="unknown channels 'mixd'; did you mean 'mixed'"):
        encoder(channels="mixd")
    with pytest.raises(ValueError, match="unknown normalization 'lst'; did you mean 'last'"):
        encoder(normalization="lst")
    with pytest.raises(UnknownOptionError, match="unknown readout 'maks'"):
        encoder(readout="maks")
