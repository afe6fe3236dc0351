"""Families of kernels, what they read of two inputs, and banks with every readout that takes features in parts."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from encoders.encoder import Encoder
from encoders.halves import first_half
from encoders.operators._kernel_bank import KernelBank
from encoders.operators._kernel_sets import KernelSets
from encoders.readouts._by_feature import FeatureReadout
from search_space import registry
from search_space.genotype import EncoderCell
from search_space.presets import preset

BANKS = [name for name, option in registry.options("operator").items() if issubclass(option.target, KernelBank)]
READOUTS = [name for name, option in registry.options("readout").items() if issubclass(option.target, FeatureReadout)]
HIDDEN = 384
banks = pytest.mark.parametrize("bank", BANKS)


def cell(bank: str, readout: str = "shares_4", *, hidden: int = HIDDEN) -> EncoderCell:
    return replace(preset("minirocket").encoder, edges=((0, bank),), readout=readout, hidden=hidden)


def waves(n: int = 6, steps: int = 60, variates: int = 3, *, rng_seed: int = 0) -> Tensor:
    return torch.randn(n, steps, variates, generator=torch.Generator().manual_seed(rng_seed)).cumsum(dim=1)


def built(genes: EncoderCell, *, rng_seed: int = 1) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(rng_seed)
        encoder = Encoder(genes, variates=3)
    encoder.fit(waves())
    return encoder.eval()


def alone(bank: str, *, hidden: int = HIDDEN, columns: int = 6, inputs: int = 2) -> tuple[KernelBank, nn.Linear]:
    """Return a bank, fitted to 100 steps, and the projection that it prepared."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        built: KernelBank = registry.build("operator", bank, hidden, depth=0, dropout=0.0)
        projection = nn.Linear(columns, hidden)
        built.prepare(projection, inputs)
    for sets in built.modules():
        if isinstance(sets, KernelSets):
            sets.fit(100)
    return built, projection


@pytest.mark.parametrize("bank", ["gaussian_kernel_bank", "trained_gaussian_kernel_bank"])
def test_normal_kernels_have_mean_zero_and_length_one(bank: str) -> None:
    kernels = built(cell(bank, hidden=640)).bank.kernels  # type: ignore[union-attr]
    assert isinstance(kernels, Tensor) and len(kernels.unique(dim=0)) == 640
    torch.testing.assert_close(kernels.mean(dim=1), torch.zeros(640), atol=1e-6, rtol=0)
    torch.testing.assert_close(kernels.norm(dim=1), torch.ones(640))
    assert 0.9 < kernels.std() * 3 < 1.1


@pytest.mark.parametrize("hidden", [8, 64, 72, 200, 640, 1000])
@pytest.mark.parametrize("inputs", [1, 2])
def test_dilations_part_no_group_of_normal_kernels(hidden: int, inputs: int) -> None:
    bank, _ = alone("gaussian_kernel_bank", hidden=hidden, inputs=inputs)
    assert all(run.features.start % 8 == run.features.stop % 8 == 0 for run in bank.runs)
    assert built(cell("gaussian_kernel_bank", "hydra", hidden=hidden)).bank is not None


@banks
@pytest.mark.parametrize("inputs", [1, 2])
def test_runs_are_all_features_in_order(bank: str, inputs: int) -> None:
    runs = list(alone(bank, inputs=inputs)[0].runs)
    assert [run.features.start for run in runs] == [0, *(run.features.stop for run in runs[:-1])]
    assert runs[-1].features.stop == HIDDEN


def test_the_halves_of_a_mixed_bank_have_their_own_kernels_and_dilations() -> None:
    bank, _ = alone("mixed_kernel_bank", inputs=1)
    first = first_half(HIDDEN)
    two_valued, normal = bank.halves  # type: ignore[misc]
    assert two_valued.kernels.shape == (first, 9) and set(two_valued.kernels.unique().tolist()) == {-1.0, 2.0}
    assert normal.kernels.shape == (HIDDEN - first, 9) and len(normal.kernels.unique()) > HIDDEN
    for half in (two_valued, normal):
        assert [half.dilations[0], half.dilations[-1]] == [1, 12]
    assert built(cell("mixed_kernel_bank", "multirocket_hydra")).bank is not None


@pytest.mark.parametrize("bank", [name for name in BANKS if name != "mixed_kernel_bank"])
def test_sets_read_the_inputs_in_turns_and_pairs_share_a_dilation(bank: str) -> None:
    sets, projection = alone(bank)
    runs = list(sets.runs)
    assert [run.columns for run in runs] == [slice(0, 3), slice(3, 6)] * (len(runs) // 2) + [slice(0, 3)] * (
        len(runs) % 2
    )
    dilations = [run.dilation for run in runs]
    assert dilations[::2][: len(dilations) // 2] == dilations[1::2] and (dilations[0], dilations[-1]) == (1, 12)
    for run in runs:
        own = projection.weight[run.features, run.columns]
        assert (own.sum(dim=1) >= 1).all() and own.sum() == projection.weight[run.features].sum()


@banks
def test_what_reads_one_input_does_not_see_the_other(bank: str) -> None:
    sets, projection = alone(bank)
    x = torch.randn(2, 6, 50, generator=torch.Generator().manual_seed(0))
    before = dict(enumerate(sets.responses(x, projection.weight)))
    for changed in (slice(0, 3), slice(3, 6)):
        y = x.clone()
        y[:, changed] += 1.0 + torch.rand(2, 3, 50)
        for number, (run, (_, values)) in enumerate(zip(sets.runs, sets.responses(y, projection.weight), strict=True)):
            same = (values == before[number][1]).flatten(1).all(dim=1)
            assert same.all() if run.columns != changed else not same.any()


@banks
@pytest.mark.parametrize("inputs", [1, 2])
def test_responses_are_what_forward_makes_of_the_projection(bank: str, inputs: int) -> None:
    sets, projection = alone(bank, inputs=inputs)
    x = torch.randn(2, 6, 50, generator=torch.Generator().manual_seed(0))
    latent = sets(projection(x.transpose(1, 2)).unsqueeze(1))[:, 0].transpose(1, 2)
    found = torch.cat([values for _, values in sets.responses(x, projection.weight)], dim=1)
    torch.testing.assert_close(found, latent, atol=1e-5, rtol=1e-5)


@banks
def test_two_inputs_come_back_with_the_weights(bank: str) -> None:
    saved, projection = alone(bank)
    other = copy.deepcopy(saved)
    for sets in other.modules():
        if isinstance(sets, KernelSets):
            sets.fit(17)
    assert list(other.runs) != list(saved.runs)
    other.load_state_dict(saved.state_dict())
    assert list(other.runs) == list(saved.runs)
    x = torch.randn(2, 6, 50)
    for (_, one), (_, two) in zip(
        other.responses(x, projection.weight), saved.responses(x, projection.weight), strict=True
    ):
        assert (one == two).all()


@banks
@pytest.mark.parametrize("inputs", [1, 2])
def test_shapes_and_runs_can_be_asked_for_without_memory(bank: str, inputs: int) -> None:
    real, _ = alone(bank, inputs=inputs)
    with torch.device("meta"):
        shapes, projection = alone(bank, inputs=inputs)
    assert projection.weight.is_meta and list(shapes.runs) == list(real.runs)
    assert [tensor.shape for tensor in shapes.state_dict().values()] == [
        tensor.shape for tensor in real.state_dict().values()
    ]


@banks
@pytest.mark.parametrize("readout", READOUTS)
def test_run_by_run_equals_the_whole_latent(bank: str, readout: str) -> None:
    encoder, x = built(cell(bank, readout)).double(), waves(rng_seed=5).double()
    x[0, 40:] = torch.nan
    x[1, 10:20, 0] = torch.nan
    span = ~x.isnan().all(dim=2)
    if readout not in ("hydra", "multirocket_hydra"):
        assert encoder.bank is not None
    whole = encoder.readout(encoder(x), span)
    torch.testing.assert_close(encoder.represent(x), whole, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    ("bank", "readout", "by_run"),
    [
        ("gaussian_kernel_bank", "hydra", True),
        ("mixed_kernel_bank", "multirocket_hydra", True),
        ("kernel_bank", "hydra", False),
        ("kernel_bank", "multirocket_hydra", False),
    ],
)
def test_a_readout_that_needs_several_runs_is_given_the_whole_latent(bank: str, readout: str, by_run: bool) -> None:
    assert (built(cell(bank, readout)).bank is not None) == by_run


@banks
@pytest.mark.parametrize("readout", READOUTS)
def test_saved_and_loaded_represent_alike(bank: str, readout: str) -> None:
    encoder = built(cell(bank, readout))
    with torch.random.fork_rng():
        loaded = Encoder(cell(bank, readout), variates=3).eval()
    loaded.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(loaded.represent(waves()), encoder.represent(waves()), atol=0, rtol=0)
    again = Encoder(cell(bank, readout), variates=3)
    again.load_state_dict({**encoder.state_dict(), **dict(encoder.named_parameters())})
    again.refit(encoder)
    torch.testing.assert_close(again.eval().represent(waves()), encoder.represent(waves()), atol=0, rtol=0)


@pytest.mark.parametrize("readout", ["hydra", "statistics", "patches_4", "multirocket_4"])
def test_the_gradient_reaches_kernels_run_by_run(readout: str) -> None:
    encoder = built(cell("trained_gaussian_kernel_bank", readout)).train()
    encoder.represent(waves()).square().sum().backward()
    gradient = encoder.bank.kernels.grad  # type: ignore[union-attr]
    assert isinstance(gradient, Tensor) and gradient.isfinite().all() and (gradient.abs().sum(dim=1) > 0).all()
    assert not encoder.projection.weight.requires_grad


@pytest.mark.parametrize("bank", ["kernel_bank", "gaussian_kernel_bank", "mixed_kernel_bank"])
@pytest.mark.parametrize("readout", ["hydra", "mean", "multirocket_hydra"])
def test_a_frozen_bank_alone_learns_nothing(bank: str, readout: str) -> None:
    assert not any(weights.requires_grad for weights in built(cell(bank, readout)).parameters())
    behind = built(replace(cell(bank, readout), output=16))
    assert behind.bank is None and behind.output.weight.requires_grad


def test_bases_say_nothing_of_their_own() -> None:
    base = KernelBank(4, depth=0, dropout=0.0)
    with pytest.raises(NotImplementedError, match="must implement runs"):
        _ = base.runs
    with pytest.raises(NotImplementedError, match="must implement responses"):
        base.responses(torch.zeros(1, 1, 1), torch.zeros(4, 1))
    with pytest.raises(NotImplementedError, match="must implement read"):
        base.prepare(nn.Linear(1, 4))
    with pytest.raises(NotImplementedError, match="must implement _drawn"):
        KernelSets._drawn(4)
