"""Costs: exact where they can be, by hand in small cases, and the sum of pieces against the whole."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compute import products
from encoders.encoder import Encoder
from encoders.linear import Linear
from nas.cost import cost
from nas.cost.counting import Counts, count_kernels, trace, traces
from nas.cost.encoder_cost import encoder_counts, encoder_weights
from nas.cost.seconds import Speed
from nas.cost.strategy_cost import strategy_cost
from nas.training.model import ContrastiveModel
from search_space import registry
from search_space.drawing import sample_candidates
from search_space.genotype import Choice, Genotype
from search_space.presets import preset
from search_space.space import default_space, full_space

WINDOWS, VARIATES, STEPS = 6, 3, 24
LIGHT = {"EncoderCell.hidden": 16, "EncoderCell.output": 64}
ADDED = {f"LossCell.{name}.own_steps": 0.0 for name in registry.options("auxiliary")}


def drawn(n: int, rng_seed: int, **changes: Any) -> list[Genotype]:
    return sample_candidates(n, np.random.default_rng(rng_seed), full_space().restrict({**LIGHT, **changes}))


def traced_encoder(genotype: Genotype) -> Counts:
    encoder = Encoder(genotype.encoder, variates=VARIATES)
    x = torch.randn(WINDOWS, STEPS, VARIATES)
    found = trace(lambda inputs: encoder(inputs[0]), [x], parameters=[*encoder.parameters(), *encoder.buffers()])
    given = 4 * x.numel() if found.keeps_input else 0
    return dataclasses.replace(found.counts, kept_bytes=found.counts.kept_bytes + given)


def one_edge(op: str, **changes: Any) -> Genotype:
    data = preset("ts2vec").to_dict()
    cell = {"edges": [[0, op]], "blocks": 1, "hidden": 8, "output": 5, "dropout": 0.0, **changes}
    return Genotype.from_dict({**data, "EncoderCell": {**data["EncoderCell"], **cell}})


@pytest.mark.parametrize("genotype", drawn(25, 0), ids=lambda genotype: genotype.key)
@pytest.mark.parametrize("variates", [1, 4])
def test_parameters_are_exact(genotype: Genotype, variates: int) -> None:
    encoder = Encoder(genotype.encoder, variates=variates)
    assert cost_of_weights(genotype, variates) == sum(parameter.numel() for parameter in encoder.parameters())
    assert encoder_weights(genotype.encoder, variates=variates).tensors == len(list(encoder.parameters()))


def cost_of_weights(genotype: Genotype, variates: int) -> int:
    return encoder_weights(genotype.encoder, variates=variates).numbers


def test_multiply_adds_of_a_linear_encoder_by_hand() -> None:
    # projection 3 -> 8 and output 8 -> 5 at every step
    counts = encoder_counts(one_edge("identity").encoder, windows=WINDOWS, variates=VARIATES, steps=STEPS)
    assert counts.multiply_adds == WINDOWS * STEPS * (3 * 8 + 8 * 5)
    # backwards: by weights and by inputs, but the window itself needs no gradient
    assert counts.training_multiply_adds == counts.multiply_adds + WINDOWS * STEPS * (3 * 8 + 2 * 8 * 5)


def test_multiply_adds_of_a_convolution_by_hand() -> None:
    # two convolutions of three taps from 8 to 8 channels
    whole = encoder_counts(one_edge("dilated_conv").encoder, windows=WINDOWS, variates=VARIATES, steps=STEPS)
    linear = encoder_counts(one_edge("identity").encoder, windows=WINDOWS, variates=VARIATES, steps=STEPS)
    assert whole.multiply_adds - linear.multiply_adds == WINDOWS * STEPS * 2 * 3 * 8 * 8


def test_multiply_adds_of_a_recurrence_by_hand() -> None:
    # a GRU of 8: three gates read input and state; backwards each product twice, some of them in place
    whole = encoder_counts(one_edge("gru").encoder, windows=WINDOWS, variates=VARIATES, steps=STEPS)
    linear = encoder_counts(one_edge("identity").encoder, windows=WINDOWS, variates=VARIATES, steps=STEPS)
    own = whole - linear
    assert own.multiply_adds == WINDOWS * STEPS * 2 * 3 * 8 * 8
    assert own.training_multiply_adds == 3 * own.multiply_adds


def test_activation_bytes_of_a_linear_encoder_by_hand() -> None:
    # the projection keeps the window, the output map keeps the latent; four bytes each
    for channels, streams in (("mixed", 1), ("independent", VARIATES)):
        cell = one_edge("identity", channels=channels).encoder
        counts = encoder_counts(cell, windows=WINDOWS, variates=VARIATES, steps=STEPS)
        assert counts.kept_bytes == 4 * WINDOWS * STEPS * (VARIATES + streams * 8)


def test_a_kept_value_counts_once_and_a_kept_storage_once() -> None:
    x = torch.randn(3, 5, requires_grad=True)
    twice = trace(lambda inputs: (inputs[0] * inputs[0]).exp() + inputs[0].sin(), [x], parameters=[])
    assert twice.keeps_input and twice.counts.kept_bytes == 4 * 15  # the exponential keeps its result
    linear = nn.Linear(5, 2)
    plain = trace(lambda inputs: linear(inputs[0]), [x], parameters=list(linear.parameters()))
    assert plain.keeps_input and plain.counts.kept_bytes == 0 and plain.counts.multiply_adds == 3 * 5 * 2
    same = trace(lambda inputs: inputs[0].view(5, 3), [x], parameters=[])
    assert same.hands_on and same.counts.kernels <= 1 and not same.keeps_input


@pytest.mark.parametrize("genotype", drawn(20, 1), ids=lambda genotype: genotype.key)
def test_the_pieces_of_an_encoder_add_up_to_the_whole(genotype: Genotype) -> None:
    whole = traced_encoder(genotype)
    pieces = encoder_counts(genotype.encoder, windows=WINDOWS, variates=VARIATES, steps=STEPS)
    # periods that an operator finds in noise differ from batch to batch
    exact = not any(op == "times_block" for _, op in genotype.encoder.edges)
    tolerance = 1e-6 if exact else 0.25
    assert pieces.multiply_adds == pytest.approx(whole.multiply_adds, rel=tolerance)
    assert pieces.training_multiply_adds == pytest.approx(whole.training_multiply_adds, rel=tolerance)
    # the fused LSTM's workspace is no affine function of the batch
    assert pieces.kept_bytes == pytest.approx(whole.kept_bytes, rel=0.1 if exact else 0.25)
    assert pieces.moved_bytes == pytest.approx(whole.moved_bytes, rel=0.2)
    assert pieces.kernels == pytest.approx(whole.kernels, rel=0.2)


IN_PLACE = ["jitter", "rescale", "flip", "magnitude_warp"]


@pytest.mark.parametrize(
    "genotype",
    [
        *drawn(20, 2, **ADDED, **{"AugCell1.options": IN_PLACE, "AugCell2.options": IN_PLACE}),
        *drawn(3, 3, **ADDED, **{"LossCell.loss": "none"}),
    ],
    ids=lambda genotype: genotype.key,
)
def test_encoder_and_strategy_add_up_to_an_iteration(genotype: Genotype) -> None:
    model = ContrastiveModel(genotype, variates=VARIATES).train()
    x = torch.randn(8, STEPS, VARIATES)
    generator = torch.Generator().manual_seed(0)

    def loss(inputs: Any) -> Tensor:
        return model.loss(inputs[0], generator=generator)

    whole = trace(loss, [x], parameters=[*model.parameters(), *model.buffers()]).counts
    found = cost(genotype, variates=VARIATES, steps=STEPS, batch_size=8)
    exact = not any(op == "times_block" for _, op in genotype.encoder.edges)
    assert found.multiply_adds == pytest.approx(whole.multiply_adds, rel=0.01 if exact else 0.25)
    tolerance = 0.15 if exact and not genotype.embed.head else 0.3
    assert found.activation_bytes == pytest.approx(whole.kept_bytes, rel=tolerance)
    assert found.memory_bytes == found.activation_bytes + 20 * found.parameters


def test_a_cropped_view_costs_its_mean_length() -> None:
    whole = strategy_cost(preset("simclr"), batch=8, variates=VARIATES, steps=STEPS)
    plain = strategy_cost(preset("notes_best"), batch=8, variates=VARIATES, steps=STEPS)
    assert whole.unlike and 0.5 < whole.share < 1.0
    assert not plain.unlike and plain.share == 1.0


def test_an_auxiliary_loss_that_encodes_again_costs_another_pass() -> None:
    genotype = preset("patchtst")
    assert strategy_cost(genotype, batch=8, variates=VARIATES, steps=STEPS).more_windows == 1
    without = dataclasses.replace(genotype, loss=dataclasses.replace(genotype.loss, auxiliary=None))
    with_it, bare = (cost(one, variates=VARIATES, steps=STEPS, batch_size=8) for one in (genotype, without))
    assert with_it.multiply_adds / bare.multiply_adds == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize("name", sorted(registry.options("weighting")))
def test_a_weighting_is_priced(name: str) -> None:
    parameters = tuple((key, values[0]) for key, values in registry.get("weighting", name).choices.items())
    plain, chance = preset("ts2vec"), torch.random.get_rng_state()
    weighted = dataclasses.replace(plain, loss=dataclasses.replace(plain.loss, weighting=Choice(name, parameters)))
    bare, found = (strategy_cost(one, batch=8, variates=VARIATES, steps=STEPS).counts for one in (plain, weighted))
    assert torch.equal(torch.random.get_rng_state(), chance)
    # the losses of all anchors are computed once more before they are weighted
    assert found.training_multiply_adds > 1.2 * bare.training_multiply_adds
    assert found.moved_bytes > bare.moved_bytes and found.kernels > bare.kernels


def weighted_cost(name: str, **parameters: float) -> Counts:
    plain = preset("ts2vec")
    choice = Choice(name, tuple(parameters.items()))
    weighted = dataclasses.replace(plain, loss=dataclasses.replace(plain.loss, weighting=choice))
    return strategy_cost(weighted, batch=8, variates=VARIATES, steps=STEPS).counts


def test_looking_ahead_costs_its_share_of_an_iteration() -> None:
    hard, meta = weighted_cost("hard", tilt=1.0), weighted_cost("meta_weight_net", rate=0.1)
    more = (meta - hard).training_multiply_adds / hard.training_multiply_adds
    assert 0.05 < more < 0.5 and meta.kept_bytes == pytest.approx(hard.kept_bytes, rel=0.05)


def test_every_head_costs_its_own_comparison() -> None:
    two, four = (weighted_cost("routed", heads=heads, softness=0.1) for heads in (2.0, 4.0))
    assert four.training_multiply_adds / two.training_multiply_adds == pytest.approx(2.0, rel=0.1)
    parameters = (("heads", 3.0), ("softness", 0.1))
    jitter = (Choice("jitter", (("sigma", 0.1),)),)
    plain = dataclasses.replace(one_edge("identity"), aug1=jitter, aug2=jitter)
    genotype = dataclasses.replace(plain, loss=dataclasses.replace(plain.loss, weighting=Choice("routed", parameters)))
    model = ContrastiveModel(genotype, variates=VARIATES).train()
    x, generator = torch.randn(8, STEPS, VARIATES), torch.Generator().manual_seed(0)
    weights = [*model.parameters(), *model.buffers()]
    whole = trace(lambda inputs: model.loss(inputs[0], generator=generator), [x], parameters=weights).counts
    found = cost(genotype, variates=VARIATES, steps=STEPS, batch_size=8)
    assert found.multiply_adds == pytest.approx(whole.multiply_adds, rel=0.02)
    assert found.activation_bytes == pytest.approx(whole.kept_bytes, rel=0.3)


def test_own_steps_cost_what_they_do_and_another_update() -> None:
    genotype = preset("patchtst")
    auxiliary = genotype.loss.auxiliary
    assert auxiliary is not None

    def with_own(steps: float) -> Any:
        choice = Choice(auxiliary.name, (*auxiliary.parameters, ("own_steps", steps)))
        loss = dataclasses.replace(genotype.loss, auxiliary=choice)
        return cost(dataclasses.replace(genotype, loss=loss), variates=VARIATES, steps=STEPS, batch_size=8)

    added, half, whole = with_own(0.0), with_own(0.5), with_own(1.0)
    bare = cost(
        dataclasses.replace(genotype, loss=dataclasses.replace(genotype.loss, auxiliary=None)),
        variates=VARIATES, steps=STEPS, batch_size=8,
    )  # fmt: skip
    assert bare.counts.kernels < half.counts.kernels < whole.counts.kernels > added.counts.kernels
    assert whole.multiply_adds == added.multiply_adds
    assert half.multiply_adds == pytest.approx((bare.multiply_adds + whole.multiply_adds) / 2)
    # either step has what it keeps to itself, but the second optimiser has moments of its own
    assert bare.activation_bytes == whole.activation_bytes < added.activation_bytes
    assert whole.memory_bytes - whole.activation_bytes == 28 * whole.parameters


def test_counts_are_those_of_any_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> bool:
        raise AssertionError("the processor was asked")

    monkeypatch.setattr(products, "onednn_is_exact", refuse)
    layer = Linear(64, 64)
    x = torch.randn(600, 64)  # a product large enough for the faster library
    counts = trace(lambda inputs: layer(inputs[0]), [x], parameters=list(layer.parameters())).counts
    assert counts.multiply_adds == 600 * 64 * 64


def test_what_a_kernel_writes_counts_once() -> None:
    x, room = torch.randn(4, 4), torch.empty(4, 4)
    plain, into_room = (count_kernels(partial(torch.mm, x, x, **given)) for given in ({}, {"out": room}))
    assert plain == into_room and plain.moved_bytes == 3 * 4 * 16


def test_costs_grow_with_the_batch_and_are_the_same_again() -> None:
    genotype = sample_candidates(1, np.random.default_rng(0), default_space())[0]
    costs = [cost(genotype, variates=2, steps=STEPS, batch_size=size) for size in (8, 16, 32)]
    assert costs == [cost(genotype, variates=2, steps=STEPS, batch_size=size) for size in (8, 16, 32)]
    for name in ("multiply_adds", "activation_bytes", "seconds_per_iteration"):
        values = [getattr(one, name) for one in costs]
        assert values == sorted(values) and values[0] > 0
    assert len({one.parameters for one in costs}) == 1
    with pytest.raises(ValueError, match="must be >= 1, got 2, 0 and 8"):
        cost(genotype, variates=2, steps=0, batch_size=8)


def test_seconds_are_those_of_what_is_done() -> None:
    speed = Speed(base=1.0, per_multiply_add=0.5, per_byte=0.25, per_kernel=2.0)
    assert speed.seconds(Counts(7.0, 2.0, 9.0, 4.0, 3.0)) == 1.0 + 0.5 * 2.0 + 0.25 * 4.0 + 2.0 * 3.0


def test_tracing_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    cost(preset("patchtst"), variates=5, steps=17)
    assert torch.equal(before, torch.get_rng_state())


def test_affine_counts_are_read_off_two_sizes() -> None:
    weight = torch.randn(7, 7)

    def product(rows: int) -> Any:
        x = torch.randn(rows, 7, requires_grad=True)
        return trace(lambda inputs: inputs[0] @ weight, [x], parameters=[weight])

    for size in (1, 2):
        assert traces(product, size=size).at(10).multiply_adds == 10 * 7 * 7
