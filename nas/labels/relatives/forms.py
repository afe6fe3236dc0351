"""What is built of a relative's genes: a plain encoder, or one that brings the variates together first."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from encoders.encoder import Encoder
from encoders.input_normalization import normalize_input
from encoders.operators.variate_attention import VariateAttention
from nas.labels.relatives.table import Form
from search_space.genotype import EncoderCell


class VariatesFirst(Encoder):
    """Let variates attend to each other, the history of each its embedding; encode the result beside the series.

    Missing values are zeros to the attention. What it gives is normalised as the series is.

    Args:
        cell: The genes of what encodes both; mixed channels.
        variates: Variates of a window.
        window: Steps of a window.
    """

    def __init__(self, cell: EncoderCell, *, variates: int, window: int) -> None:
        super().__init__(cell, variates=2 * variates)
        self.interaction = VariateAttention(window, depth=0, dropout=cell.dropout)

    def forward(self, x: Tensor, *, masked: Tensor | None = None, span: Tensor | None = None) -> Tensor:
        """Represent every step as `Encoder.forward` does; (batch, time, variates) -> (batch, 1, time, features)."""
        values = normalize_input(x, normalization=self.normalization).values
        histories = values.nan_to_num().transpose(1, 2).unsqueeze(2)  # (batch, variates, 1, window)
        together: Tensor = self.interaction(histories).squeeze(2).transpose(1, 2)
        return super().forward(torch.cat([values, together], dim=2), masked=masked, span=span)


class FeatureTokens(Encoder):
    """Make a token of every value of a step, let them attend to each other, and read a token that is no value.

    The token of a value x of variate j is x times the j-th column of the projection, plus a bias of that variate. A
    missing value is the mean.

    Args:
        cell: The genes; mixed channels, and `variate_attention` alone.
        variates: Variates of a window.
        window: Any.
    """

    def __init__(self, cell: EncoderCell, *, variates: int, window: int) -> None:
        del window
        super().__init__(cell, variates=variates)
        self.streams = variates + 1
        bound = cell.hidden**-0.5
        self.places = nn.Parameter(torch.empty(variates + 1, cell.hidden).uniform_(-bound, bound))

    def forward(self, x: Tensor, *, masked: Tensor | None = None, span: Tensor | None = None) -> Tensor:
        """Represent every step by itself; (batch, time, variates) -> (batch, 1, time, features)."""
        if masked is not None:
            x = x.masked_fill(masked.unsqueeze(-1), float("nan"))
        values = normalize_input(x, normalization=self.normalization).values.nan_to_num()
        tokens = values.unsqueeze(-1) * self.projection.weight.T  # (batch, time, variates, hidden)
        tokens = torch.cat([torch.zeros_like(tokens[:, :, :1]), tokens], dim=2) + self.projection.bias + self.places
        latent = tokens.transpose(1, 2)  # (batch, variates + 1, time, hidden)
        for block in self.blocks:
            latent = block(latent, span)
        return self.dropout(self.output(latent[:, :1]))  # type: ignore[no-any-return]


def _plain(cell: EncoderCell, *, variates: int, window: int) -> Encoder:
    del window
    return Encoder(cell, variates=variates)


FORMS: Mapping[Form, Callable[..., Encoder]] = MappingProxyType(
    {"cell": _plain, "variates_first": VariatesFirst, "feature_tokens": FeatureTokens}
)
"""Form -> builder `(cell, variates=, window=)`."""


def build(form: Form, cell: EncoderCell, *, variates: int, window: int) -> Encoder:
    """Return the encoder of a form for windows of that many variates and steps."""
    return FORMS[form](cell, variates=variates, window=window)
