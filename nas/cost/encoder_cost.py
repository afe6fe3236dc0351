"""What an encoder costs in training: the pieces around its graph, and every edge of the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from encoders.encoder import Encoder
from nas.cost.counting import Counts, Trace, Traces, trace, traces
from search_space import registry
from search_space.cells import EncoderCell
from search_space.encoder_dag import IDENTITY, incoming, target_of

_FLOAT = 4
_DEEPEST = 9
_SOME_DROPOUT = 0.1
"""Any probability above 0 costs the same."""


class Weights(NamedTuple):
    """Trainable numbers, and the tensors that hold them."""

    numbers: int
    tensors: int


def encoder_weights(cell: EncoderCell, *, variates: int) -> Weights:
    """Return the exact number of trainable numbers and tensors of an encoder."""
    per_stream = 1 if cell.channels == "independent" else variates
    numbers = (per_stream + 1) * cell.hidden + (cell.hidden + 1) * cell.output
    tensors = 4
    for _, op in cell.edges:
        own = _operator_weights(op, cell.hidden)
        numbers += cell.blocks * own.numbers
        tensors += cell.blocks * own.tensors
    return Weights(numbers, tensors)


def encoder_counts(cell: EncoderCell, *, windows: int, variates: int, steps: int) -> Counts:
    """Return the counts of encoding a batch of windows once, forwards and backwards.

    A value that several edges read is kept once; what an operator keeps is its own.

    Args:
        cell: The encoder's genes.
        windows: Windows in the batch, both views together.
        variates: Variates of a window that reach the encoder in one batch.
        steps: Steps of a window.
    """
    streams = variates if cell.channels == "independent" else 1
    facts = {"hidden": cell.hidden, "streams": streams, "steps": steps}
    node_bytes = _FLOAT * windows * streams * steps * cell.hidden
    dropout = _SOME_DROPOUT if cell.dropout > 0 else 0.0
    around = _around(cell.hidden, cell.output, dropout, cell.normalization, cell.channels, variates, steps)
    total = around.at(windows)
    kept = [False]  # by node over all blocks: whether something keeps its value
    place_of = [0]  # by node: the node whose storage it is, where an edge only hands on
    for block in range(cell.blocks):
        first = len(place_of) - 1
        index = 0
        for node, edges in enumerate(incoming(cell.edges), start=1):
            ends = []
            for source, op in edges:
                depth = block * cell.n_inner + target_of(index) - 1
                piece = _operator(op, depth=_depth(op, depth), dropout=dropout, **facts)
                total = total + piece.at(windows)
                kept[place_of[first + source]] |= piece.two.keeps_input
                ends.append(piece.two)
                index += 1
            alone = ends[0] if len(ends) == 1 else None
            if alone is not None and alone.hands_on:
                place_of.append(place_of[first + edges[0][0]])
                kept.append(False)
                continue
            place_of.append(first + node)
            # an operator that keeps its output has counted this node already
            kept.append(False)
            if alone is not None and alone.keeps_output:
                total = total - Counts(kept_bytes=node_bytes)
                kept[-1] = True
            if len(ends) > 1:
                total = total + _sum(node_bytes)
    kept[place_of[-1]] = True  # the output map keeps what it reads
    return total + Counts(kept_bytes=node_bytes * float(sum(kept)))


def _sum(node_bytes: float) -> Counts:
    """Return the counts of adding two edges and scaling, and of adding the gradients of what two edges read."""
    return Counts(moved_bytes=node_bytes * (3 + 2 + 2 + 3), kernels=4.0)


@cache
def _operator_weights(op: str, hidden: int) -> Weights:
    parameters = list(_build(op, hidden, depth=0, dropout=0.0).parameters())
    return Weights(sum(parameter.numel() for parameter in parameters), len(parameters))


def _build(op: str, hidden: int, *, depth: int, dropout: float) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        built: nn.Module = registry.build("operator", op, hidden, depth=depth, dropout=dropout)
    return built


@lru_cache(maxsize=100_000)
def _operator(op: str, *, depth: int, dropout: float, hidden: int, streams: int, steps: int) -> Traces:
    """Return the traces of an operator."""
    module = _build(op, hidden, depth=depth, dropout=dropout)
    parameters = [*module.parameters(), *module.buffers()]

    def run(windows: int) -> Trace:
        x = torch.randn(windows, streams, steps, hidden, generator=torch.Generator().manual_seed(0))
        # an operator meets values with gradients that are no leaves
        return trace(lambda inputs: module(inputs[0]), [x.requires_grad_()], parameters=parameters)

    return traces(run)


def _depth(op: str, depth: int) -> int:
    """Return the depth to trace at: 0 for operators that compute the same at any depth."""
    return min(depth, _DEEPEST) if _depth_matters(op) else 0


@cache
def _depth_matters(op: str) -> bool:
    if op == IDENTITY:
        return False
    facts = {"dropout": 0.0, "hidden": 2, "streams": 1, "steps": 40}
    return _operator(op, depth=0, **facts).four.counts != _operator(op, depth=_DEEPEST, **facts).four.counts


@lru_cache(maxsize=10_000)
def _around(
    hidden: int, output: int, dropout: float, normalization: str, channels: str, variates: int, steps: int
) -> Traces:
    """Return the traces of input normalisation, projection and output map."""
    cell = EncoderCell(
        edges=((0, IDENTITY),),
        blocks=1,
        hidden=hidden,
        output=output,
        dropout=dropout,
        normalization=normalization,
        channels=channels,
        readout="mean",
    )
    with torch.random.fork_rng(devices=[]):
        encoder = Encoder(cell, variates=variates)
    streams = variates if channels == "independent" else 1

    def run(windows: int) -> Trace:
        x = torch.randn(windows, steps, variates, generator=torch.Generator().manual_seed(0))

        def encode(inputs: Sequence[Tensor]) -> Tensor:
            encoded: Tensor = encoder(inputs[0])
            return encoded

        traced = trace(encode, [x], parameters=list(encoder.parameters()))
        latent = Counts(kept_bytes=_FLOAT * windows * streams * steps * hidden)  # counted with the graph's nodes
        given = Counts(kept_bytes=_FLOAT * math.prod(x.shape)) if traced.keeps_input else Counts()
        return Trace(traced.counts - latent + given, keeps_input=False, keeps_output=False, hands_on=False)

    return traces(run)
