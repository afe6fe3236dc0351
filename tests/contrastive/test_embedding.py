"""The Embed cell in closed form."""

from __future__ import annotations

import pytest
import torch

from contrastive.embedding import EmbeddingTransformation
from contrastive.embeddings.batchnorm import EPSILON, BatchNorm
from search_space.registry import UnknownOptionError


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def test_no_strength_and_no_norm_is_the_identity() -> None:
    z = torch.randn(4, 5, 3, generator=generator())
    assert EmbeddingTransformation(jitter=0.0, mask=0.0, norm="none", features=3)(z, generator=generator()) is z


def test_jitter_is_relative_to_the_spread_of_each_feature() -> None:
    z = torch.randn(60, 80, 3, generator=generator()) * torch.tensor([0.0, 1.0, 100.0]) + 7.0
    noise = EmbeddingTransformation(jitter=0.2, mask=0.0, norm="none", features=3)(z, generator=generator(1)) - z
    torch.testing.assert_close(noise.std(dim=(0, 1)), 0.2 * z.std(dim=(0, 1)), rtol=0.05, atol=1e-6)


def test_mask_removes_features_of_a_row_at_all_steps() -> None:
    z = torch.ones(200, 6, 50)
    masked = EmbeddingTransformation(jitter=0.0, mask=0.3, norm="none", features=50)(z, generator=generator())
    assert torch.equal(masked, masked[:, :1].expand_as(masked)) and set(masked.unique().tolist()) == {0.0, 1.0}
    assert abs(float(masked.mean()) - 0.7) < 0.02 and not torch.equal(masked[0], masked[1])


def test_norm_comes_last() -> None:
    z = torch.randn(4, 5, 8, generator=generator())
    transformed = EmbeddingTransformation(jitter=0.5, mask=0.5, norm="l2", features=8)(z, generator=generator())
    torch.testing.assert_close(transformed.norm(dim=-1), torch.ones(4, 5))


def test_jitter_does_not_pass_gradient_through_its_scale() -> None:
    z = torch.randn(4, 5, 8, generator=generator()).requires_grad_(True)
    EmbeddingTransformation(jitter=0.5, mask=0.0, norm="none", features=8)(z, generator=generator()).sum().backward()
    assert z.grad is not None and torch.equal(z.grad, torch.ones_like(z))


@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_batchnorm_is_the_closed_form_also_far_from_zero(offset: float) -> None:
    z = torch.randn(40, 50, 16, generator=generator()) * torch.linspace(0.01, 3.0, 16) + offset
    exact = z.double()
    variance, mean = torch.var_mean(exact, dim=(0, 1), correction=0)
    expected = (exact - mean) * (variance + EPSILON).rsqrt()
    torch.testing.assert_close(BatchNorm(16)(z).double(), expected, rtol=1e-3, atol=1e-3)


def test_batchnorm_of_a_single_row_is_zero_with_no_gradient() -> None:
    z = torch.randn(1, 1, 8, generator=generator()).requires_grad_()
    normed = BatchNorm(8)(z)
    normed.sum().backward()
    assert z.grad is not None and not normed.any() and not z.grad.any()


def test_batchnorm_has_the_gradient_of_the_closed_form() -> None:
    z, slope = (torch.randn(4, 5, 8, generator=generator(seed), dtype=torch.float64) for seed in (0, 1))
    leaves = [z.clone().requires_grad_(), (z + 7.0).requires_grad_()]
    variance, mean = torch.var_mean(leaves[0], dim=(0, 1), correction=0)
    (((leaves[0] - mean) * (variance + EPSILON).rsqrt()) * slope).sum().backward()
    (BatchNorm(8)(leaves[1]) * slope).sum().backward()
    assert leaves[0].grad is not None and leaves[1].grad is not None
    torch.testing.assert_close(leaves[1].grad, leaves[0].grad)


def test_bad_parameters_are_named() -> None:
    with pytest.raises(ValueError, match=r"EmbedCell\.jitter: must be a finite number >= 0, got -1"):
        EmbeddingTransformation(jitter=-1.0, mask=0.0, norm="none", features=2)
    with pytest.raises(ValueError, match=r"EmbedCell\.mask: must be a finite number in \[0, 1\), got 1"):
        EmbeddingTransformation(jitter=0.0, mask=1.0, norm="none", features=2)
    with pytest.raises(UnknownOptionError, match="layernorm"):
        EmbeddingTransformation(jitter=0.0, mask=0.0, norm="layer_norm", features=2)
