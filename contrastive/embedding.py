"""The Embed cell: what happens to representations in training only, before they are paired."""

import torch
from torch import Tensor, nn

from contrastive.checks import SHARE, checked
from search_space import registry
from search_space.genotype.rules import NOT_NEGATIVE


class EmbeddingTransformation(nn.Module):
    """A linear map, then noise, masked features and a norm (AutoCL's embedding transformation).

    The map is SimCLR's projection head (Chen et al. 2020, arXiv:2002.05709, section 4.2) without a hidden layer: what
    the loss asks of it, such as forgetting, it need not ask of the representation.

    `mask` removes features and not time steps: a step set to 0 has the same
    similarity to everything, so it would only dilute the loss, while a missing
    feature makes the others carry the pair. A row keeps its mask at all steps,
    else pooling over time would undo it.

    Args:
        jitter: Standard deviation of Gaussian noise as a multiple of each
            feature's own standard deviation over the batch (detached), >= 0.
        mask: Probability that a feature of a row is set to 0, in [0, 1).
        norm: Name of an embedding_norm option, or "none".
        features: Number of features D.
        head: Width of the map; 0 for none.

    Raises:
        ValueError: If a strength is out of its range or the norm is unknown.
    """

    def __init__(self, *, jitter: float, mask: float, norm: str, features: int, head: int = 0) -> None:
        super().__init__()
        self.jitter = checked("EmbedCell.jitter", jitter, NOT_NEGATIVE)
        self.mask = checked("EmbedCell.mask", mask, SHARE)
        self.head: nn.Module = nn.Linear(features, head, bias=False) if head else nn.Identity()
        width = head or features
        self.norm: nn.Module = nn.Identity() if norm == "none" else registry.build("embedding_norm", norm, width)

    def forward(self, z: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return the transformed representations.

        Args:
            z: Both views' rows, one after the other, shape (2R, T, D).
            generator: Source of all chance, on the device of `z`.
        """
        z = self.head(z)
        if self.jitter > 0.0:
            rows = z.detach().flatten(0, 1)
            deviation = (rows - rows.mean(dim=0)).square_().mean(dim=0).sqrt()  # (D,); an eighth of the time of `std`
            scale = self.jitter * deviation
            noise = torch.randn(z.shape, generator=generator, device=z.device, dtype=z.dtype)
            z = z + scale * noise
        if self.mask > 0.0:
            shape = (z.shape[0], 1, z.shape[2])
            kept = torch.rand(shape, generator=generator, device=z.device) >= self.mask
            z = z * kept.to(z.dtype)
        normed: Tensor = self.norm(z)
        return normed
