"""The encoder: input normalisation, projection, stacked cells, output map and readout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from encoders.by_run import read_by_run, readable_by_run
from encoders.cell import Cell
from encoders.embedding import Embedding
from encoders.export import surely
from encoders.input import PARTS, by_stream, observed_span
from encoders.input_normalization import NORMALIZATIONS, check_normalization, normalize_input
from encoders.linear import Linear
from encoders.operators._kernel_bank import KernelBank
from encoders.operators._kernel_sets import KernelSets
from encoders.operators._operator import within_span
from encoders.readouts._by_feature import counted_steps
from encoders.strides import thin
from search_space import registry
from search_space.genotype.encoder_dag import inner_nodes
from search_space.genotype.rules import CHANNELS
from search_space.registry import unknown_name

if TYPE_CHECKING:
    from search_space.genotype import EncoderCell


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
        width: Values of a stream at a step that are read: those of its variates, twice as many with their differences.
        features: Width of the representation of a step.
        representation_features: Width of `represent`: the embedding's or else the readout's, plus
            the statistics that the normalisation took away from the stream.
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
        self.width = per_stream * PARTS[cell.input]
        self.projection = Linear(self.width, cell.hidden)
        self.blocks = nn.ModuleList(
            Cell(cell.edges, hidden=cell.hidden, first_depth=block * inner_nodes(cell.edges), dropout=cell.dropout)
            for block in range(cell.blocks)
        )
        self.output = Linear(cell.hidden, cell.output) if cell.output else nn.Identity()
        self.dropout = nn.Dropout(cell.dropout)
        self.readout = registry.build("readout", cell.readout, self.features)
        tapped = range(cell.taps - 1)
        self.taps = nn.ModuleList(registry.build("readout", cell.readout, cell.hidden) for _ in tapped)
        read = sum(readout.out_features for readout in (self.readout, *self.taps))
        self.embedding = Embedding(read, cell.embedding) if cell.embedding else None
        self._prepare()

        statistics = per_stream * NORMALIZATIONS[cell.normalization]
        self.representation_features: int = (cell.embedding or read) + statistics
        operators = {name for _, name in cell.edges}
        self.causal = cell.normalization == "none" and all(registry.get("operator", name).causal for name in operators)

    def _prepare(self) -> None:
        """Let a bank that is alone say how it reads the input; where it is frozen, all of the encoder is."""
        only = self._only_operator
        if only is not None:
            only.prepare(self.projection, PARTS[self.cell.input])
            if not only.trained and not self.cell.output:
                self.requires_grad_(False)
                if self.embedding is not None:
                    self.embedding.requires_grad_(True)

    @property
    def members(self) -> tuple[Encoder]:
        """Itself alone; a combination (`encoders.combined`) has several."""
        return (self,)

    @property
    def bank(self) -> KernelBank | None:
        """The bank of kernels that is all there is between the input and the readout, which takes it run by run.

        None where there is more between them, or where the readout needs features of several runs; in an exported
        graph always, as every run would bring all operations of the readout.
        """
        if torch.compiler.is_compiling():
            return None
        only, drops = self._only_operator, self.training and self.cell.dropout > 0
        return only if only and not (drops or self.cell.output) and readable_by_run(only, self.readout) else None

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
        was_training = self.training
        self.eval()
        with torch.no_grad():
            if self.readout.fitted:
                self._fit_readouts(x)
            if self.embedding is not None:
                self.embedding.standardize.fit(self._read(x, masked=None)[0].flatten(0, 1))
        self.train(was_training)

    def _fit_readouts(self, x: Tensor) -> None:
        seen = observed_span(x).repeat_interleave(self.streams, dim=0)  # (rows, time)
        if self.bank is not None:
            for part, values in self.bank.responses(self._series(x), self.projection.weight):
                self.readout.fit(values.transpose(0, 1)[:, seen], part)
            return
        latents = self._encode(x, masked=None, span=observed_span(x))[0]
        for readout, latent in zip((self.readout, *self.taps), reversed(latents), strict=True):
            readout.fit(latent.flatten(0, 1)[seen].T)

    def refit(self, other: Encoder) -> None:
        """Take over what another encoder of the same cell was fitted to, but nothing that it learnt."""
        self.load_state_dict(dict(other.named_buffers()), strict=False)
        if self.readout.fitted:
            for readout in (self.readout, *self.taps):
                readout.restart()

    def _series(self, x: Tensor) -> Tensor:
        """Return normalised streams with zeros for what is missing; (batch * streams, width, time)."""
        values, _ = normalize_input(x, normalization=self.normalization)
        return self._streams(values).flatten(0, 1).transpose(1, 2).nan_to_num(nan=0.0)

    def _streams(self, values: Tensor) -> Tensor:
        """Return what is read of normalised windows, (batch, streams, time, width)."""
        return by_stream(values, read=self.cell.input, independent=self.independent)

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
        return self._encode(x, masked=masked, span=span)[0][-1]

    def represent(self, x: Tensor, *, masked: Tensor | None = None) -> Tensor:
        """Represent every stream of a window by one vector.

        The readout of the observed span, or its embedding, followed by the
        stream's statistics (variate by variate when the channels are mixed), so
        that a normalisation does not lose the level of the window.

        Args:
            x: Windows, NaN where a value is missing; (batch, time, variates).
            masked: As for `forward`; (batch, time).

        Returns:
            Finite for any window; (batch, streams, representation_features).

        Raises:
            ValueError: If a shape is not as stated.
        """
        self._check(x, masked=masked, span=None)
        pooled, statistics = self._read(x, masked=masked)
        return torch.cat([pooled if self.embedding is None else self.embedding(pooled), statistics], dim=-1)

    def read(self, x: Tensor) -> Tensor:
        """Return what the readout gives, before an embedding: (batch, time, variates) -> (batch, streams, features)."""
        self._check(x, masked=None, span=None)
        return self._read(x, masked=None)[0]

    def _read(self, x: Tensor, *, masked: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return what readouts give, last block first, and statistics; (batch, streams, features) each."""
        if self.bank is not None:
            return self._read_by_bank(x, self.bank, masked=masked)
        span = observed_span(x)
        latents, statistics = self._encode(x, masked=masked, span=span, stride=self.readout.stride)
        readouts = zip((self.readout, *self.taps), reversed(latents), strict=True)
        return torch.cat([readout(z, span[:, -z.shape[2] :]) for readout, z in readouts], dim=-1), statistics

    def _read_by_bank(self, x: Tensor, bank: KernelBank, *, masked: Tensor | None) -> tuple[Tensor, Tensor]:
        if masked is not None:
            x = x.masked_fill(masked.unsqueeze(-1), float("nan"))
        streams = x.shape[2] if self.independent else 1
        _, statistics = normalize_input(x, normalization=self.normalization)
        series = self._series(x)
        counted = counted_steps(observed_span(x), streams=streams).to(series.dtype)
        read = read_by_run(bank, self.readout, series=series, weight=self.projection.weight, counted=counted)
        return read.reshape(x.shape[0], streams, -1), statistics.reshape(x.shape[0], streams, -1)

    def _encode(
        self, x: Tensor, *, masked: Tensor | None, span: Tensor | None, stride: int = 1
    ) -> tuple[list[Tensor], Tensor]:
        # -> tapped blocks and the output, (batch, streams, time of that stride, width) each,
        #    and statistics, (batch, streams, statistics of a stream)
        if masked is not None:
            x = x.masked_fill(masked.unsqueeze(-1), float("nan"))
        values, statistics = normalize_input(x, normalization=self.normalization)
        if span is not None and surely(span.all()):
            span = None  # nothing is padding: the operators need no mask
        strides = self._strides(stride if span is None else 1)
        latent = within_span(self._project(values, stride=strides[0]), span)
        last, tapped = len(self.blocks) - 1, []
        for place, (block, wanted) in enumerate(zip(self.blocks, strides[1:], strict=True)):
            latent = block(latent, span, stride=wanted)
            if last - len(self.taps) <= place < last:
                tapped.append(latent)
        z = within_span(self.dropout(self.output(latent)), span)
        return [*tapped, z], statistics.reshape(x.shape[0], z.shape[1], -1)

    def _strides(self, stride: int) -> list[int]:
        """Return which steps of the input and of every block's output those of the last block are made of."""
        strides = [stride]
        for block in reversed(self.blocks):
            strides.insert(0, block.input_stride(strides[0]))  # type: ignore[operator]
        return strides

    def _project(self, values: Tensor, *, stride: int) -> Tensor:
        streams = thin(self._streams(values), have=1, want=stride)
        missing = streams.isnan()
        if surely(~missing.any()):
            return self.projection(streams)  # type: ignore[no-any-return]
        latent: Tensor = self.projection(streams.masked_fill(missing, 0.0))
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
