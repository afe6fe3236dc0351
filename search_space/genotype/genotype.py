"""`Genotype`: one complete choice, checked at the door and known by a stable key."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from search_space import registry
from search_space.genotype.cells import (
    Chain,
    EmbedCell,
    EncoderCell,
    LossCell,
    PairCell,
    TrainCell,
)
from search_space.genotype.encoder_dag import canonical_edges
from search_space.genotype.migrations import SCHEMA, upgrade
from search_space.genotype.parsing import READERS
from search_space.genotype.rules import CELLS
from search_space.genotype.validation import Problems

_to_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True)
class Genotype:
    """One point of the search space.

    Always in normal form, however it is made: augmentations of zero strength are
    gone, pair kinds and the two edges of a node are sorted, and a pooling that
    nothing asks for is `max`. `from_dict` is the only door for data from
    outside; the constructor trusts its caller.
    """

    aug1: Chain
    aug2: Chain
    embed: EmbedCell
    pair: PairCell
    loss: LossCell
    encoder: EncoderCell
    train: TrainCell

    def __post_init__(self) -> None:
        for name in ("aug1", "aug2"):
            chain: Chain = getattr(self, name)
            if any(choice.does_nothing for choice in chain):
                object.__setattr__(self, name, tuple(choice for choice in chain if not choice.does_nothing))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Genotype:
        """Read the dict form, the notes' form included (see `notes`).

        Raises:
            GenotypeError: With every problem of the input, one per line.
        """
        problems = Problems()
        given = problems.mapping("genotype", data)
        problems.raise_any()
        assert given is not None
        given = upgrade(given)
        problems.cell("", given, required=("schema", *CELLS))
        cells = [READERS[name](given[name], problems) for name in CELLS if name in given]
        problems.raise_any()
        return cls(*cells)

    def to_dict(self) -> dict[str, Any]:
        """Return the dict form: plain lists, dicts, numbers and names, ready for JSON."""
        return {
            "schema": SCHEMA,
            "AugCell1": [choice.to_list() for choice in self.aug1],
            "AugCell2": [choice.to_list() for choice in self.aug2],
            "EmbedCell": self.embed.to_dict(),
            "PairCell": self.pair.to_dict(tuple(registry.options("pair"))),
            "LossCell": self.loss.to_dict(),
            "EncoderCell": self.encoder.to_dict(),
            "TrainCell": {**vars(self.train)},
        }

    @cached_property
    def canonical(self) -> str:
        """The JSON text that equivalent genotypes share.

        Beyond the normal form: the two views are in order, because every loss
        treats them alike and the genotype names no first view; the graph is that
        of `encoder_dag.canonical_edges`. Only kinds that are on are listed, so a
        new pair kind leaves old keys alone, and so does a new schema number.
        """
        encoder = self.encoder
        return _to_json(
            {
                "views": sorted([(step.name, step.parameters) for step in chain] for chain in (self.aug1, self.aug2)),
                "EmbedCell": self.embed.to_dict(),
                "PairCell": self.pair.to_dict(),
                "LossCell": self.loss.to_dict(),
                "EncoderCell": {
                    **encoder.hyperparameters(),
                    "nodes": encoder.n_inner,
                    "edges": canonical_edges(encoder.edges),
                },
                "TrainCell": vars(self.train),
            }
        )

    @property
    def has_closed_form(self) -> bool:
        """Whether nothing descends: the embedding that is best for the loss is computed (`contrastive.closed_form`)."""
        return self.loss.loss.name == "log_det" and bool(self.encoder.embedding) and self.contrasts_readouts

    @property
    def contrasts_readouts(self) -> bool:
        """Whether the loss sees what the readout gives of whole windows, by way of a map that Embed or Encoder has.

        So it is where all pairs are of instances, at one scale, and no auxiliary loss asks for steps; elsewhere the
        loss sees the representations of steps.
        """
        mapped = bool(self.embed.head or self.encoder.embedding)
        return mapped and self.pair.kinds == ("instance",) and not self.pair.kernel and self.loss.auxiliary is None

    @cached_property
    def key(self) -> str:
        """The first 16 hex digits of the SHA-256 of `canonical`: the genotype's name everywhere."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:16]

    @cached_property
    def untrained_key(self) -> str:
        """What genotypes share whose untrained encoders are the same, drawn with one rng_seed, 16 hex digits."""
        encoder = self.encoder
        alike = {
            **encoder.hyperparameters(),
            "nodes": encoder.n_inner,
            "edges": encoder.edges,
            "closed form": self.has_closed_form,
        }
        return hashlib.sha256(_to_json(alike).encode()).hexdigest()[:16]

    @property
    def design(self) -> Hashable:
        """What kind of encoder it is: its graph, readout, input and window; those that share it are its shades."""
        encoder = self.encoder
        return encoder.edges, encoder.readout, encoder.input, encoder.window

    def describe(self) -> str:
        """Return the genotype in words, seven lines."""
        embed, pair, loss, encoder, train = self.embed, self.pair, self.loss, self.encoder, self.train
        norm = "no norm" if embed.norm == "none" else f"{embed.norm} norm"
        head = f", mapped to {embed.head} for the loss" if embed.head else ""
        hierarchy = f"{pair.pool} pooling by {pair.kernel} per level" if pair.kernel else "no hierarchy"
        if not pair.kernel and pair.pools:
            hierarchy += f", {pair.pool} pooling of the window"
        operators = Counter(op for _, op in encoder.edges)
        listed = ", ".join(f"{count} {op}" for op, count in sorted(operators.items()))
        nodes = f"{encoder.n_inner} node{'s' * (encoder.n_inner > 1)}"
        blocks = f"{encoder.blocks} block{'s' * (encoder.blocks > 1)}"
        return "\n".join(
            (
                f"View 1: {_chain_in_words(self.aug1)}",
                f"View 2: {_chain_in_words(self.aug2)}",
                f"Representations in training: noise {embed.jitter:g}, mask {embed.mask:g}, {norm}{head}",
                f"Pairs: {' and '.join(pair.kinds)}; {hierarchy}",
                f"Loss: {_loss_in_words(loss)}",
                f"Encoder: {nodes} ({listed}) x {blocks}, hidden {encoder.hidden}, output {encoder.features}, "
                f"dropout {encoder.dropout:g}, normalization {encoder.normalization}, "
                f"channels {encoder.channels}, readout {encoder.readout}{_more_of(encoder)}",
                f"Training: {train}",
            )
        )


_INPUT_IN_WORDS = {
    "raw": "",
    "difference": ", of first differences",
    "both": ", of values and first differences",
    "signed": ", of rises and falls apart",
}


def _more_of(encoder: EncoderCell) -> str:
    """Return what is not as usual."""
    parts = _INPUT_IN_WORDS[encoder.input]
    parts += f", of the last {encoder.taps} blocks" if encoder.taps > 1 else ""
    parts += f", mapped to {encoder.embedding}" if encoder.embedding else ""
    return parts + (f", looking back {encoder.window} steps" if encoder.window else "")


def _loss_in_words(cell: LossCell) -> str:
    if not cell.contrasts:
        return f"no contrast, {cell.auxiliary} alone"
    parts = [str(cell.loss) if cell.similarity == "none" else f"{cell.loss} on {cell.similarity} similarity"]
    if cell.weighting is not None:
        parts.append(f"anchors weighted by {cell.weighting}")
    if cell.auxiliary is not None:
        parts.append(f"{'in turn with' if cell.own_steps else 'beside'} it {cell.auxiliary}")
    return "; ".join(parts)


def _chain_in_words(chain: Chain) -> str:
    return ", then ".join(str(choice) for choice in chain) or "the window itself"
