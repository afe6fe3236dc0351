"""The encoder: input normalisation, projection, stacked cells, output map and readout."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from encoders.cell import Cell
from encoders.input_normalization import NORMALIZATIONS, check_normalization, normalize_input
from encoders.operators._operator import within_span
from search_space import registry
from search_space.encoder_dag import inner_nodes
from search_space.registry import unknown_name

if TYPE_CHECKING:
    from search_space.cells import EncoderCell

_CHANNELS = ("independent", "mixed")


class _Encoded(NamedTuple):
    z: Tensor  # (batch, streams, time, features)
    span: Tensor  # (batch, time)
    statistics: Tensor  # (batch, streams, statistics of a stream)


class Encoder(nn.Module):
    """What turns windows into representations, as an encoder cell of the search space says.

    A missing value contributes nothing, a step of a stream with no observed
    value has a zero latent at the input (as TS2Vec masks; the operators may fill
    it from its neighbours), and steps outside the observed span are zero
    throughout: padding a series with NaN at its end does not change what is
    computed at its own steps.

    Deliberate difference from TS2Vec: a linear map instead of a last
    convolution block widens the latent to the output; dropout follows it, as there.

    Args:
        cell: The encoder's genes.
        variates: Variates of a window, >= 1.

    Attributes:
        streams: `variates` with independent channels, otherwise 1.
        features: Width of the representation of a step.
        representation_features: Width of `represent`: the readout's, plus the
            statistics that the normalisation took away from the stream.
        causal: Whether a step's representation uses no later step: all
            operators are causal and nothing is normalised over the window.

    Raises:
        ValueError: If a name is unknown or a size out of range.
    """

    def __init__(self, cell: EncoderCell, *, variates: int) -> None:
        super().__init__()
        if variates < 1:
            raise ValueError(f"Encoder: variates must be >= 1, got {variates}")
        if cell.channels not in _CHANNELS:
            raise ValueError(unknown_name("channels", cell.channels, _CHANNELS))
        check_normalization(cell.normalization)
        self.variates = variates
        self.independent = cell.channels == "independent"
        self.normalization = cell.normalization
        self.streams = variates if self.independent else 1
        self.features = cell.output

        per_stream = variates // self.streams
        self.projection = nn.Linear(per_stream, cell.hidden)
        self.blocks = nn.ModuleList(
            Cell(cell.edges, hidden=cell.hidden, first_depth=block * inner_nodes(cell.edges), dropout=cell.dropout)
            for block in range(cell.blocks)
        )
        self.output = nn.Linear(cell.hidden, cell.output)
        self.dropout = nn.Dropout(cell.dropout)
        self.readout = registry.build("readout", cell.readout, cell.output)

        statistics = per_stream * NORMALIZATIONS[cell.normalization]
        self.representation_features: int = self.readout.out_features + statistics
        operators = {name for _, name in cell.edges}
        self.causal = cell.normalization == "none" and all(registry.get("operator", name).causal for name in operators)

    def forward(self, x: Tensor, *, masked: Tensor | None = None) -> Tensor:
        """Represent every step.

        Args:
            x: Windows, NaN where a value is missing; (batch, time, variates).
            masked: True at steps whose values are hidden from the encoder but
                which stay part of the window, so that they are represented from
                the other steps; (batch, time).

        Returns:
            Zeros outside the observed span; (batch, streams, time, features).

        Raises:
            ValueError: If a shape is not as stated.
        """
        return self._encode(x, masked).z

    def represent(self, x: Tensor, *, masked: Tensor | None = None) -> Tensor:
        """Represent every stream of a window by one vector.

        The readout of the observed span, followed by the stream's statistics
        (variate by variate when the channels are mixed), so that a
        normalisation does not lose the level of the window.

        Args:
            x: Windows, NaN where a value is missing; (batch, time, variates).
            masked: As for `forward`; (batch, time).

        Returns:
            Finite for any window; (batch, streams, representation_features).

        Raises:
            ValueError: If a shape is not as stated.
        """
        encoded = self._encode(x, masked)
        pooled: Tensor = self.readout(encoded.z, encoded.span)
        return torch.cat([pooled, encoded.statistics], dim=-1)

    def _encode(self, x: Tensor, masked: Tensor | None) -> _Encoded:
        self._check(x, masked)
        span = observed_span(~x.isnan().all(dim=2))
        if masked is not None:
            x = x.masked_fill(masked.unsqueeze(-1), float("nan"))
        values, statistics = normalize_input(x, normalization=self.normalization)
        padded = None if bool(span.all()) else span
        latent = within_span(self._project(values), padded)
        for block in self.blocks:
            latent = block(latent, padded)
        z = within_span(self.dropout(self.output(latent)), padded)
        return _Encoded(z, span, statistics.reshape(x.shape[0], self.streams, -1))

    def _project(self, values: Tensor) -> Tensor:
        # (batch, time, variates) -> (batch, streams, time, variates of a stream)
        by_stream = values.transpose(1, 2).unsqueeze(-1) if self.independent else values.unsqueeze(1)
        missing = by_stream.isnan()
        if not bool(missing.any()):
            return self.projection(by_stream)  # type: ignore[no-any-return]
        latent: Tensor = self.projection(by_stream.masked_fill(missing, 0.0))
        return latent.masked_fill(missing.all(dim=-1, keepdim=True), 0.0)

    def _check(self, x: Tensor, masked: Tensor | None) -> None:
        if x.ndim != 3 or x.shape[2] != self.variates or x.shape[1] < 1:
            raise ValueError(f"Encoder: x must be (batch, time >= 1, variates = {self.variates}), got {tuple(x.shape)}")
        if masked is not None and masked.shape != x.shape[:2]:
            raise ValueError(f"Encoder: masked must be (batch, time) = {tuple(x.shape[:2])}, got {tuple(masked.shape)}")


def observed_span(observed: Tensor) -> Tensor:
    """Return True from the first to the last observed step of each window.

    Args:
        observed: (batch, time), bool.

    Returns:
        All False for a window without observed steps; (batch, time), bool.
    """
    since_first = observed.cumsum(dim=1) > 0
    until_last = observed.flip(1).cumsum(dim=1).flip(1) > 0
    return since_first & until_last
