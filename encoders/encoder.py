"""The encoder: input normalisation, projection, stacked cells, output map and readout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from encoders.cell import Cell
from encoders.export import surely
from encoders.input_normalization import NORMALIZATIONS, check_normalization, normalize_input
from encoders.linear import Linear
from encoders.operators._kernel_bank import KernelBank
from encoders.operators._kernel_sets import KernelSets
from encoders.operators._operator import within_span
from encoders.readouts._by_feature import FeatureReadout, counted_steps
from encoders.strides import thin
from search_space import registry
from search_space.genotype.encoder_dag import inner_nodes
from search_space.genotype.rules import CHANNELS
from search_space.registry import unknown_name

if TYPE_CHECKING:
    from search_space.genotype import EncoderCell

_AT_A_TIME = 1 << 21
"""Values of a run that a bank works on at a time."""


class Encoder(nn.Module):
    """What turns windows into representations, as an encoder cell of the search space says.

    A missing value contributes nothing, a step of a stream with no observed
    value has a zero latent at the input (as TS2Vec masks; the operators may fill
    it from its neighbours), and steps outside the observed span are zero
    throughout: padding a series with NaN at its end does not change what is
    computed at its own steps. With independent channels any number of variates
    may come at call time.

    Deliberate difference from TS2Vec: a linear map instead of a last
    convolution block widens the latent to the output; dropout follows it, as there.

    Args:
        cell: The encoder's genes.
        variates: Variates of a window, >= 1.

    Attributes:
        cell: The genes it was built from.
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
        if cell.channels not in CHANNELS:
            raise ValueError(unknown_name("channels", cell.channels, CHANNELS))
        check_normalization(cell.normalization)
        self.cell, self.variates = cell, variates
        self.independent = cell.channels == "independent"
        self.normalization = cell.normalization
        self.streams = variates if self.independent else 1
        self.features = cell.features

        per_stream = variates // self.streams
        self.projection = Linear(per_stream, cell.hidden)
        self.blocks = nn.ModuleList(
            Cell(cell.edges, hidden=cell.hidden, first_depth=block * inner_nodes(cell.edges), dropout=cell.dropout)
            for block in range(cell.blocks)
        )
        self.output = Linear(cell.hidden, cell.output) if cell.output else nn.Identity()
        self.dropout = nn.Dropout(cell.dropout)
        self.readout = registry.build("readout", cell.readout, self.features)
        self._prepare()

        statistics = per_stream * NORMALIZATIONS[cell.normalization]
        self.representation_features: int = self.readout.out_features + statistics
        operators = {name for _, name in cell.edges}
        self.causal = cell.normalization == "none" and all(registry.get("operator", name).causal for name in operators)

    def _prepare(self) -> None:
        """Let a bank that is alone say how it reads the input; where it is frozen, all of the encoder is."""
        only = self._only_operator
        if only is not None:
            only.prepare(self.projection)
            if not only.trained and not self.cell.output:
                self.requires_grad_(False)

    @property
    def bank(self) -> KernelBank | None:
        """The bank of kernels that is all there is between the input and the readout, which takes it run by run.

        None where there is more between them, or where the readout needs features of several runs.
        """
        only, readout = self._only_operator, self.readout
        if only is None or self.cell.output or not isinstance(readout, FeatureReadout):
            return None
        return only if all(readout.takes(run.features) for run in only.runs) else None

    @property
    def _only_operator(self) -> KernelBank | None:
        """The operator of an encoder that has no other, where it is a bank."""
        only = self.blocks[0].operators[0]  # type: ignore[index]
        return only if len(self.blocks) == len(self.cell.edges) == 1 and isinstance(only, KernelBank) else None

    def fit(self, x: Tensor) -> None:
        """Fit what is fitted once, before training: dilations to the windows' length, thresholds to their responses.

        Args:
            x: Training windows, NaN where a value is missing; (batch, time, variates).
        """
        for module in self.modules():
            if isinstance(module, KernelSets):
                module.fit(x.shape[1])
        if not self.readout.fitted:
            return
        was_training = self.training
        self.eval()
        with torch.no_grad():
            seen = observed_span(x).repeat_interleave(self.streams, dim=0)  # (rows, time)
            if self.bank is not None:
                pieces = self.bank.responses(self._series(x), self.projection.weight)
            else:
                z, _ = self._encode(x, masked=None, span=observed_span(x))
                pieces = iter([(slice(None), z.flatten(0, 1).transpose(1, 2))])
            for part, values in pieces:
                self.readout.fit(values.transpose(0, 1)[:, seen], part)
        self.train(was_training)

    def refit(self, other: Encoder) -> None:
        """Take over what another encoder of the same cell was fitted to, but nothing that it learnt."""
        self.load_state_dict(dict(other.named_buffers()), strict=False)
        if self.readout.fitted:
            self.readout.restart()

    def _series(self, x: Tensor) -> Tensor:
        """Return normalised streams with zeros for what is missing; (batch * streams, variates of a stream, time)."""
        values, _ = normalize_input(x, normalization=self.normalization)
        by_stream = values.transpose(1, 2)  # (batch, variates, time)
        by_stream = by_stream.reshape(-1, self.variates // self.streams, x.shape[1])
        return by_stream.nan_to_num(nan=0.0)

    def forward(self, x: Tensor, *, masked: Tensor | None = None, span: Tensor | None = None) -> Tensor:
        """Represent every step.

        Without `span`, missing steps at the ends of a window are padding; in
        training they are taken for steps that an augmentation masked, which are
        represented from their neighbours as in TS2Vec.

        Args:
            x: Windows, NaN where a value is missing; (batch, time, variates).
            masked: True at steps whose values are hidden from the encoder but
                which stay part of the window, so that they are represented from
                the other steps; (batch, time).
            span: True at the steps that belong to the window, one stretch; the
                others are padding; (batch, time).

        Returns:
            Zeros at padding; (batch, streams, time, features).

        Raises:
            ValueError: If a shape is not as stated.
        """
        self._check(x, masked=masked, span=span)
        if span is None and not self.training:
            span = observed_span(x)
        return self._encode(x, masked=masked, span=span)[0]

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
        self._check(x, masked=masked, span=None)
        if self.bank is not None:
            return self._represent_by_bank(x, self.bank, masked=masked)
        span = observed_span(x)
        z, statistics = self._encode(x, masked=masked, span=span, stride=self.readout.stride)
        pooled: Tensor = self.readout(z, span[:, -z.shape[2] :])
        return torch.cat([pooled, statistics], dim=-1)

    def _represent_by_bank(self, x: Tensor, bank: KernelBank, *, masked: Tensor | None) -> Tensor:
        """Represent run by run: the latent of all features at all steps never exists."""
        if masked is not None:
            x = x.masked_fill(masked.unsqueeze(-1), float("nan"))
        streams = x.shape[2] if self.independent else 1
        _, statistics = normalize_input(x, normalization=self.normalization)
        series = self._series(x)
        counted = counted_steps(observed_span(x), streams=streams).to(series.dtype)
        # so much is worked on at a time, unless gradients keep it anyway
        largest = max(run.features.stop - run.features.start for run in bank.runs)
        rows = len(series) if self.training else max(1, _AT_A_TIME // (largest * series.shape[-1]))
        pooled = torch.cat(
            [
                torch.cat(
                    [
                        self.readout.summary(values, some_counted, part).flatten(1)
                        for part, values in bank.responses(some, self.projection.weight)
                    ],
                    dim=-1,
                )
                for some, some_counted in zip(torch.split(series, rows), torch.split(counted, rows), strict=True)
            ]
        ).reshape(x.shape[0], streams, -1)
        return torch.cat([pooled, statistics.reshape(x.shape[0], streams, -1)], dim=-1)

    def _encode(
        self, x: Tensor, *, masked: Tensor | None, span: Tensor | None, stride: int = 1
    ) -> tuple[Tensor, Tensor]:
        # -> (batch, streams, time of that stride, features), (batch, streams, statistics of a stream)
        if masked is not None:
            x = x.masked_fill(masked.unsqueeze(-1), float("nan"))
        values, statistics = normalize_input(x, normalization=self.normalization)
        if span is not None and surely(span.all()):
            span = None  # nothing is padding: the operators need no mask
        strides = self._strides(stride if span is None else 1)
        latent = within_span(self._project(values, stride=strides[0]), span)
        for block, wanted in zip(self.blocks, strides[1:], strict=True):
            latent = block(latent, span, stride=wanted)
        z = within_span(self.dropout(self.output(latent)), span)
        return z, statistics.reshape(x.shape[0], z.shape[1], -1)

    def _strides(self, stride: int) -> list[int]:
        """Return which steps of the input and of every block's output those of the last block are made of."""
        strides = [stride]
        for block in reversed(self.blocks):
            strides.insert(0, block.input_stride(strides[0]))  # type: ignore[operator]
        return strides

    def _project(self, values: Tensor, *, stride: int) -> Tensor:
        # (batch, time, variates) -> (batch, streams, time, variates of a stream)
        by_stream = values.transpose(1, 2).unsqueeze(-1) if self.independent else values.unsqueeze(1)
        by_stream = thin(by_stream, have=1, want=stride)
        missing = by_stream.isnan()
        if surely(~missing.any()):
            return self.projection(by_stream)  # type: ignore[no-any-return]
        latent: Tensor = self.projection(by_stream.masked_fill(missing, 0.0))
        return latent.masked_fill(missing.all(dim=-1, keepdim=True), 0.0)

    def _check(self, x: Tensor, *, masked: Tensor | None, span: Tensor | None) -> None:
        fits = x.ndim == 3 and min(x.shape[1:]) >= 1 and (self.independent or x.shape[2] == self.variates)
        if not fits:
            variates = "variates >= 1" if self.independent else f"variates = {self.variates}"
            raise ValueError(f"Encoder: x must be (batch, time >= 1, {variates}), got {tuple(x.shape)}")
        for name, steps in (("masked", masked), ("span", span)):
            if steps is not None and steps.shape != x.shape[:2]:
                raise ValueError(
                    f"Encoder: {name} must be (batch, time) = {tuple(x.shape[:2])}, got {tuple(steps.shape)}"
                )


def observed_span(x: Tensor) -> Tensor:
    """Return True from the first to the last step at which any variate is observed.

    Args:
        x: Windows, NaN where a value is missing; (batch, time, variates).

    Returns:
        All False for a window without observed steps; (batch, time), bool.
    """
    observed = ~x.isnan().all(dim=2)
    since_first = observed.cumsum(dim=1) > 0
    until_last = observed.flip(1).cumsum(dim=1).flip(1) > 0
    return since_first & until_last
