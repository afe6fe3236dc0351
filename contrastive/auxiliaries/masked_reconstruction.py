"""Prediction of patches that the encoder did not see."""

import torch
from torch import Tensor, nn

from contrastive.auxiliaries._base import CHOICES, USUAL, Auxiliary, Encode, mean_squared_error, targets_of
from search_space.registry import register

PATCH = 12
HIDDEN_SHARE = 0.4
FEWEST_PATCHES = 5


@register(
    "auxiliary",
    "masked_reconstruction",
    choices=CHOICES,
    usual=USUAL,
    source="PatchTST, Nie et al. 2023, arXiv:2211.14730, section 3.2 (masked patches) and appendix A.1.4",
)
class MaskedReconstruction(Auxiliary):
    """Hide random patches of every stream and predict their values linearly from the representations.

    40 % of the disjoint patches (rounded down, but one of two or more) are missing
    to the encoder; only their observed values count, with squared error.
    Deliberate differences: patches have 12 steps as in the source, but fewer where
    the window would have less than five of them; the linear map goes from the
    representation of a step to that step's values, since encoders of this space
    represent steps and not patches; hidden values are missing, not zero.
    """

    def __init__(self, features: int, *, width: int, weight: float, own_steps: float = 0.0) -> None:
        super().__init__(features, width=width, weight=weight, own_steps=own_steps)
        self.decoder = nn.Linear(features, width)

    def _loss(self, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor:
        batch, steps, variates = x.shape
        streams = variates // self.width
        hidden = draw_hidden(batch * streams, steps=steps, generator=generator, device=x.device)
        hidden = hidden.view(batch, streams, steps, 1).expand(-1, -1, -1, self.width)
        shown = x.masked_fill(hidden.transpose(1, 2).flatten(2), float("nan"))  # (B, T, V)
        targets = targets_of(x, width=self.width)
        return mean_squared_error(self.decoder(encode(shown)), targets.values, counts=hidden & targets.observed)


def draw_hidden(rows: int, *, steps: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Draw the steps that each row hides; a window of one step hides none.

    Returns:
        True where hidden, shape (rows, steps).
    """
    patch = max(1, min(PATCH, steps // FEWEST_PATCHES))
    n_patches = -(-steps // patch)
    # The small number keeps 0.4 * 5 from being rounded down to 1.
    n_hidden = min(max(1, int(HIDDEN_SHARE * n_patches + 1e-6)), n_patches - 1)
    rank = torch.rand((rows, n_patches), generator=generator, device=device).argsort(dim=1).argsort(dim=1)
    return (rank < n_hidden).repeat_interleave(patch, dim=1)[:, :steps]
