"""What an encoder costs: the pieces around its graph, and every edge of the graph."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch import nn

from encoders.encoder import Encoder
from encoders.input import PARTS
from encoders.readouts._readout import Readout
from nas.cost.counting import FLOAT_BYTES, Counts, Trace, Traces, trace, traces
from search_space import registry
from search_space.genotype import EncoderCell
from search_space.genotype.encoder_dag import IDENTITY, incoming

_DEEPEST = 9
_SOME_DROPOUT = 0.1
"""Any probability above 0 costs the same."""
_SMALL_STEPS, _SMALL_STREAMS = 128, 8
_BUFFERS = 1.5  # of what a training step would keep of a block: buffers within operators, and the allocator's gaps
_INPUT_COPIES = 6  # of a window's own values: as gathered, normalised, and which of them are observed


class Weights(NamedTuple):
    """Trainable numbers, and the tensors that hold them."""

    numbers: int
    tensors: int


def encoder_weights(cell: EncoderCell, *, variates: int) -> Weights:
    """Return the exact number of trainable numbers and tensors of an encoder."""
    per_stream = PARTS[cell.input] * (1 if cell.channels == "independent" else variates)
    numbers, tensors = (per_stream + 1) * cell.hidden, 2
    if cell.output:
        numbers, tensors = numbers + (cell.hidden + 1) * cell.output, tensors + 2
    behind = [tensor for readout in readouts(cell) for tensor in readout.parameters()]
    numbers, tensors = numbers + sum(each.numel() for each in behind), tensors + len(behind)
    if cell.embedding:
        numbers, tensors = numbers + cell.embedding * sum(each.out_features for each in readouts(cell)), tensors + 1
    for _, op in cell.edges:
        own = _operator_weights(op, cell.hidden)
        numbers += cell.blocks * own.numbers
        tensors += cell.blocks * own.tensors
    return Weights(numbers, tensors)


def learns(cell: EncoderCell, *, variates: int) -> bool:
    """Return whether an encoder has anything to learn: a bank of kernels that is alone has not."""
    return any(parameter.requires_grad for parameter in Encoder(cell, variates=variates).parameters())


def encoder_counts(cell: EncoderCell, *, windows: int, variates: int, steps: int, training: bool = True) -> Counts:
    """Return the counts of encoding a batch of windows once, forwards and, in training, backwards.

    A value that several edges read is kept once; what an operator keeps is its own.

    Args:
        cell: The encoder's genes.
        windows: Windows in the batch, both views together.
        variates: Variates of a window that reach the encoder in one batch.
        steps: Steps of a window.
        training: Whether the encoder is in training; else nothing is kept and nothing goes backwards.
    """
    streams = variates if cell.channels == "independent" else 1
    dropout = _SOME_DROPOUT if cell.dropout > 0 else 0.0
    node_bytes = FLOAT_BYTES * windows * streams * steps * cell.hidden
    around = replace(cell, edges=((0, IDENTITY),), blocks=1, dropout=dropout, readout="mean", embedding=0)
    total = _around(around, variates, steps, training).at(windows)
    kept = [False]  # by storage: whether something keeps it
    storages = [0]  # by node of a block: where its value is; an edge may hand on what it reads
    for block in range(cell.blocks):
        storages = storages[-1:]
        for node, edges in enumerate(incoming(cell.edges), start=1):
            pieces = []
            for source, op in edges:
                depth = _traced_depth(op, block * cell.n_inner + node - 1)
                facts = {"dropout": dropout, "hidden": cell.hidden, "streams": streams, "steps": steps}
                piece = _operator(op, depth=depth, training=training, **facts)
                total = total + piece.at(windows)
                kept[storages[source]] |= piece.low.keeps_input
                pieces.append(piece.low)
            if len(pieces) == 1 and pieces[0].hands_on:
                storages.append(storages[edges[0][0]])
                continue
            storages.append(len(kept))
            kept.append(len(pieces) == 1 and pieces[0].keeps_output)
            if kept[-1]:  # its operator has counted it already
                total = total - Counts(kept_bytes=node_bytes)
            if len(pieces) > 1:
                total = total + _sum(node_bytes)
    kept[storages[-1]] = True  # the output map keeps what it reads
    return total + Counts(kept_bytes=node_bytes * float(sum(kept)))


def readouts(cell: EncoderCell) -> list[Readout]:
    """Return the readouts of an encoder: of its output, and of the blocks before that it reads as well."""
    widths = [cell.features, *[cell.hidden] * (cell.taps - 1)]
    return [registry.build("readout", cell.readout, width) for width in widths]


def read_features(cell: EncoderCell) -> int:
    """Return how wide the representation of a window is, the statistics of its normalisation aside."""
    return cell.embedding or _read_width(cell.readout, cell.features, cell.hidden, cell.taps)


@lru_cache(maxsize=1_000)
def _read_width(readout: str, features: int, hidden: int, taps: int) -> int:
    widths = (features, *[hidden] * (taps - 1))
    return sum(registry.build("readout", readout, width).out_features for width in widths)


def only_readouts(cell: EncoderCell) -> EncoderCell:
    """Return the cell with the genes that its readouts depend on, and no other, so that few have to be traced."""
    plain: dict[str, Any] = {"dropout": 0.0, "normalization": "none", "channels": "mixed", "input": "raw", "window": 0}
    return replace(cell, edges=((0, IDENTITY),), blocks=cell.taps, **plain)


@lru_cache(maxsize=1_000)
def readout_traces(cell: EncoderCell, steps: int, *, training: bool = True) -> Traces:
    """Return the traces, for rows of latents, of what lies behind them: readouts, and an embedding if there is one."""
    with torch.random.fork_rng(devices=[]):
        each = readouts(cell)
        behind, read = nn.ModuleList(each).train(training), sum(readout.out_features for readout in each)
        to = nn.Linear(read, cell.embedding, bias=False) if cell.embedding else nn.Identity()

    def run(rows: int) -> Trace:
        generator = torch.Generator().manual_seed(0)
        widths = [readout.features for readout in each]
        latents = [torch.randn(rows, 1, steps, w, generator=generator).requires_grad_() for w in widths]
        observed = torch.ones(rows, steps, dtype=torch.bool)

        def represent(given: Sequence[torch.Tensor]) -> torch.Tensor:
            read_out = [readout(z, observed) for readout, z in zip(each, given, strict=True)]
            return to(torch.cat(read_out, dim=-1))  # type: ignore[no-any-return]

        known = [*behind.parameters(), *behind.buffers(), *to.parameters()]
        return trace(represent, latents, parameters=known, training=training)

    return traces(run)


def bytes_per_window(cell: EncoderCell, *, variates: int, steps: int) -> float:
    """Return about how much memory one window needs while it is represented without gradients, rather more than less.

    Measured on a small window, so that asking costs little memory itself: operators
    take memory in proportion to steps and streams. One block counts, as nothing of it
    is kept for the next but its output.

    Args:
        cell: The encoder's genes.
        variates: Variates of the window.
        steps: Its length.
    """
    few_steps = min(steps, _SMALL_STEPS)
    few = min(variates, _SMALL_STREAMS) if cell.channels == "independent" else variates
    kept = encoder_counts(replace(cell, blocks=1), windows=1, variates=few, steps=few_steps).kept_bytes
    scale = steps / few_steps * variates / few
    return _BUFFERS * kept * scale + FLOAT_BYTES * _INPUT_COPIES * steps * variates


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
def _operator(
    op: str, *, depth: int, dropout: float, hidden: int, streams: int, steps: int, training: bool = True
) -> Traces:
    """Return the traces of an operator."""
    module = _build(op, hidden, depth=depth, dropout=dropout).train(training)
    parameters = [*module.parameters(), *module.buffers()]

    def run(windows: int) -> Trace:
        x = torch.randn(windows, streams, steps, hidden, generator=torch.Generator().manual_seed(0))
        # an operator meets values with gradients that are no leaves
        return trace(lambda inputs: module(inputs[0]), [x.requires_grad_()], parameters=parameters, training=training)

    return traces(run)


@cache
def _traced_depth(op: str, depth: int) -> int:
    """Return the depth to trace at: 0 for operators that compute the same at any depth."""
    if op == IDENTITY:
        return 0
    facts = {"dropout": 0.0, "hidden": 2, "streams": 1, "steps": 40}
    matters = _operator(op, depth=0, **facts).high.counts != _operator(op, depth=_DEEPEST, **facts).high.counts
    return min(depth, _DEEPEST) if matters else 0


@lru_cache(maxsize=10_000)
def _around(cell: EncoderCell, variates: int, steps: int, training: bool) -> Traces:
    """Return the traces of input normalisation, projection and output map: of an encoder that hands on its latent."""
    with torch.random.fork_rng(devices=[]):
        encoder = Encoder(cell, variates=variates).train(training)

    def run(windows: int) -> Trace:
        x = torch.randn(windows, steps, variates, generator=torch.Generator().manual_seed(0))
        known = list(encoder.parameters())
        whole = trace(lambda inputs: encoder(inputs[0]), [x], parameters=known, training=training)
        latent = FLOAT_BYTES * windows * encoder.streams * steps * cell.hidden  # counted with the graph's nodes
        given = FLOAT_BYTES * x.numel() if whole.keeps_input else 0
        return replace(whole, counts=whole.counts + Counts(kept_bytes=float(given - latent)))

    return traces(run)
