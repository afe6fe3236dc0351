"""Every registered contrastive option keeps the promises of its kind, by being registered."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from contrastive.groups import PairGroup
from contrastive.hierarchy import build_scales
from contrastive.similarities._base import Similarity
from contrastive.views import View, whole_window
from search_space import registry

AUGMENTATIONS = sorted(registry.options("augmentation"))
MOVING = [name for name in AUGMENTATIONS if registry.get("augmentation", name).moves_time]
NORMS = sorted(registry.options("embedding_norm"))
PAIRS = sorted(registry.options("pair"))
SIMILARITIES = sorted(registry.options("similarity"))
LOSSES = sorted(registry.options("loss"))
SIZES = list(itertools.product((1, 4), (1, 2, 7, 24), (1, 3)))


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def normal(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(rng_seed))


def parameter_choices(kind: str, name: str) -> list[dict[str, float]]:
    """The weakest and the strongest choice of all parameters at once."""
    choices = registry.get(kind, name).choices
    return [{key: extreme(values) for key, values in choices.items()} for extreme in (min, max)]


def build_strongest(kind: str, name: str) -> Any:
    return registry.build(kind, name, **parameter_choices(kind, name)[1])


def same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a.nan_to_num(123.0), b.nan_to_num(123.0))


# ---- augmentations


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize(("batch", "steps", "variates"), SIZES)
def test_augmentation_keeps_shape_dtype_input_and_time_order(name: str, batch: int, steps: int, variates: int) -> None:
    for parameters, dtype in itertools.product(parameter_choices("augmentation", name), (torch.float32, torch.float64)):
        x = normal(batch, steps, variates).to(dtype)
        x[0, : steps // 3] = torch.nan
        view = whole_window(x)
        kept_values, kept_times = x.clone(), view.times.clone()
        augmentation = registry.build("augmentation", name, **parameters)
        result = augmentation(view, generator=generator())
        assert same(x, kept_values) and torch.equal(view.times, kept_times)
        assert result.values.dtype == dtype and result.values.shape[::2] == (batch, variates)
        assert result.times.shape == result.values.shape[:2]
        assert result.values.shape[1] == steps or (augmentation.shortens and 1 <= result.values.shape[1] < steps)
        assert result.times.min() >= 0 and result.times.max() <= steps - 1
        assert not result.ordered or (result.times.diff(dim=1) >= 0).all()
        if not registry.get("augmentation", name).moves_time:
            assert torch.equal(result.times, view.times) and result.ordered


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_view_out_of_order_does_not_pass_for_an_ordered_one(name: str) -> None:
    shuffled = torch.rand(4, 24, generator=generator(1)).argsort(dim=1)
    view = replace(whole_window(normal(4, 24, 3)).at(shuffled), ordered=False)
    assert not build_strongest("augmentation", name)(view, generator=generator(3)).ordered


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_depends_on_the_generator_alone(name: str) -> None:
    view = whole_window(normal(4, 24, 3))
    augmentation = build_strongest("augmentation", name)
    results = [augmentation(view, generator=generator(rng_seed)) for rng_seed in (1, 1, 2)]
    assert same(results[0].values, results[1].values) and torch.equal(results[0].times, results[1].times)
    assert not same(results[0].values, results[2].values)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_treats_equal_windows_differently(name: str) -> None:
    x = normal(1, 24, 2).expand(6, 24, 2)
    if registry.get("augmentation", name).needs.get("batch", 1) > 1:
        x = torch.cat([x, normal(1, 24, 2, rng_seed=1).expand(6, 24, 2)])  # equal windows have nothing to mix
    view = whole_window(x)
    result = build_strongest("augmentation", name)(view, generator=generator(4))
    assert not all(same(result.values[0], other) for other in result.values[1:6])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_missing_moves_with_its_step_and_does_not_spread(name: str) -> None:
    option = registry.get("augmentation", name)
    x = normal(4, 40, 2)
    x[:, 10:14, 0] = torch.nan
    x[1, :, 1] = torch.nan
    result = build_strongest("augmentation", name)(whole_window(x), generator=generator(5))
    nearest = (result.times + 1e-6).round().long().unsqueeze(-1).expand_as(result.values)
    before, after = torch.isnan(x).gather(1, nearest), torch.isnan(result.values)
    if option.moves_time:
        # Half-way between two steps either one may be the nearest.
        clear = ((result.times - result.times.floor() - 0.5).abs() > 1e-3).unsqueeze(-1)
        assert torch.equal(before & clear, after & clear)
    elif (after & ~before).any():
        # What an option declares missing itself, it declares in all variates.
        assert (before | ~after | after.all(dim=-1, keepdim=True)).all() and not (before & ~after).any()
    else:
        assert torch.equal(before, after)


@pytest.mark.parametrize("name", MOVING)
def test_time_moving_augmentation_shows_what_its_times_say(name: str) -> None:
    """A window that equals its own time must come out as the reported times."""
    x = torch.arange(30.0).view(1, 30, 1).expand(5, 30, 2)
    result = build_strongest("augmentation", name)(whole_window(x), generator=generator(2))
    torch.testing.assert_close(result.values, result.times.unsqueeze(-1).expand_as(result.values), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(MOVING, 2)))
def test_chained_time_moves_keep_the_core(first: str, second: str) -> None:
    x = torch.arange(50.0).view(1, 50, 1).expand(40, 50, 1)
    core = torch.stack([torch.arange(40.0), torch.arange(40.0) + 8.0], dim=1)
    view = whole_window(x, core=core)
    for name in (first, second):
        view = build_strongest("augmentation", name)(view, generator=generator(8))
    assert isinstance(view, View)
    torch.testing.assert_close(view.values.squeeze(-1), view.times, atol=1e-3, rtol=0)
    times = view.times_in_order()
    assert (times.diff(dim=1) >= 0).all() and times.diff(dim=1).max() < 6.0  # no hole in what is shown
    assert (times[:, 0] <= core[:, 0] + 1e-3).all() and (times[:, -1] >= core[:, 1] - 1e-3).all()


@pytest.mark.parametrize("kind", ["augmentation", "loss", "weighting", "auxiliary"])
def test_parameters_out_of_range_are_refused(kind: str) -> None:
    sizes = {"features": 4, "width": 1} if kind == "auxiliary" else {}
    for name, option in registry.options(kind).items():
        for parameter in option.choices:
            legal = {key: values[0] for key, values in option.choices.items()}
            with pytest.raises(ValueError, match=parameter):
                registry.build(kind, name, **sizes, **{**legal, parameter: -0.1})


# ---- embedding norms


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("shape", [(1, 1, 8), (1, 5, 8), (4, 5, 8), (3, 8)])
def test_norm_keeps_shape_and_has_finite_gradients_even_at_zero(name: str, shape: tuple[int, ...]) -> None:
    z = normal(*shape)
    z[0] = 0.0
    z.requires_grad_(True)
    normed = registry.build("embedding_norm", name, 8)(z)
    assert normed.shape == shape
    normed.square().sum().backward()
    assert z.grad is not None and torch.isfinite(normed).all() and torch.isfinite(z.grad).all()


@pytest.mark.parametrize("name", NORMS)
def test_norm_ignores_the_scale_and_holds_no_weights(name: str) -> None:
    norm = registry.build("embedding_norm", name, 16)
    z = normal(4, 5, 16)
    torch.testing.assert_close(norm(z), norm(30.0 * z), atol=1e-3, rtol=1e-3)
    assert not list(norm.parameters())


# ---- similarities


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarity_is_symmetric_and_agrees_with_single_pairs(name: str) -> None:
    similarity = registry.build("similarity", name)
    a, b = normal(3, 4, 6), normal(3, 5, 6, rng_seed=1)
    result = similarity(a, b)
    assert result.shape == (3, 4, 5)
    torch.testing.assert_close(result, similarity(b, a).transpose(1, 2))
    torch.testing.assert_close(result[1, 2, 3], similarity(a[1:2, 2:3], b[1:2, 3:4]).squeeze(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarity_is_largest_at_equality_among_equal_lengths(name: str) -> None:
    rows = torch.nn.functional.normalize(normal(1, 20, 6), dim=-1)
    assert torch.equal(registry.build("similarity", name)(rows, rows).argmax(dim=-1), torch.arange(20).unsqueeze(0))


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarity_has_finite_gradients_at_zero_and_at_equality(name: str) -> None:
    rows = torch.zeros(1, 3, 4)
    rows[0, 1:] = 1.0
    rows.requires_grad_(True)
    registry.build("similarity", name)(rows, rows).sum().backward()
    assert rows.grad is not None and torch.isfinite(rows.grad).all()


# ---- pairs


def groups_of(name: str, *, batch: int, steps: int, kernel: int) -> list[PairGroup]:
    scales = build_scales(normal(batch, steps, 3), normal(batch, steps, 3, rng_seed=1), pool="max", kernel=kernel)
    pair = registry.build("pair", name)
    return [group for level in range(len(scales)) if (group := pair(scales, level)) is not None]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("kernel", [0, 2, 3])
@pytest.mark.parametrize("steps", [1, 2, 7, 24])
@pytest.mark.parametrize("batch", [1, 4])
def test_pair_groups_are_consistent(name: str, batch: int, steps: int, kernel: int) -> None:
    groups = groups_of(name, batch=batch, steps=steps, kernel=kernel)
    needs = registry.get("pair", name).needs
    if batch < needs.get("instances", 1) or steps < needs.get("time", 1):
        assert not groups
    for group in groups:
        assert group.anchors.shape[::2] == group.candidates.shape[::2]
        shape = (group.anchors.shape[1], group.candidates.shape[1])
        assert group.positives.shape == group.excluded.shape == group.same_view.shape == shape
        assert not (group.positives & group.excluded).any() and not (group.positives & group.same_view).any()
        negatives = ~(group.positives | group.excluded | group.same_view)
        assert group.positives.any(dim=1).all() and negatives.any(dim=1).all()


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_kind_gives_pairs_with_and_without_hierarchy(name: str) -> None:
    assert groups_of(name, batch=3, steps=8, kernel=0) and groups_of(name, batch=3, steps=8, kernel=2)


# ---- losses


def closeness_for(name: str, similarity: str = "cosine") -> Similarity | None:
    return registry.build("similarity", similarity) if registry.get("loss", name).compares else None


def losses_over_pairs(name: str, z1: Tensor, z2: Tensor, *, similarity: str = "cosine", kernel: int = 2) -> Tensor:
    loss, closeness = build_strongest("loss", name), closeness_for(name, similarity)
    scales = build_scales(z1, z2, pool="avg", kernel=kernel)
    pairs = [registry.build("pair", pair) for pair in PAIRS]
    groups = [pair(scales, level) for pair in pairs for level in range(len(scales))]
    return torch.stack([loss(group, closeness) for group in groups if group is not None])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_loss_and_gradient_are_finite_at_random_equal_and_zero_representations(name: str, similarity: str) -> None:
    for rows in (normal(4, 7, 5), torch.ones(4, 7, 5), torch.zeros(4, 7, 5)):
        z1, z2 = rows.clone().requires_grad_(True), rows.clone().requires_grad_(True)
        losses = losses_over_pairs(name, z1, z2, similarity=similarity)
        losses.sum().backward()
        assert torch.isfinite(losses).all()
        assert z1.grad is not None and torch.isfinite(z1.grad).all()
        assert z2.grad is not None and torch.isfinite(z2.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_loss_does_not_depend_on_the_order_of_instances_or_views(name: str) -> None:
    z1, z2, order = normal(5, 8, 6), normal(5, 8, 6, rng_seed=1), torch.tensor([3, 0, 4, 1, 2])
    losses = losses_over_pairs(name, z1, z2)
    torch.testing.assert_close(losses, losses_over_pairs(name, z1[order], z2[order]))
    torch.testing.assert_close(losses, losses_over_pairs(name, z2, z1))


@pytest.mark.parametrize("name", LOSSES)
def test_loss_falls_when_positives_come_closer(name: str) -> None:
    loss, similarity = build_strongest("loss", name), closeness_for(name)
    z1, other = normal(6, 4, 16), normal(6, 4, 16, rng_seed=1)
    values = []
    for share in (0.0, 0.5, 1.0):
        scales = build_scales(z1, torch.lerp(other, z1, share), pool="avg", kernel=2)
        group = registry.build("pair", "instance")(scales, 0)
        values.append(float(loss(group, similarity)))
    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize("name", LOSSES)
def test_loss_shows_values_that_are_not_finite(name: str) -> None:
    z1 = normal(3, 4, 5)
    z1[0, 0, 0] = torch.inf
    assert not torch.isfinite(losses_over_pairs(name, z1, normal(3, 4, 5))).all()
