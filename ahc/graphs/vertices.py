"""What the vertices of the comparator's graph say: named columns and raw values per vertex.

Vertex order, as everywhere in this package: global, input, the chain of the
first view, the chain of the second, one vertex per encoder edge, embed, pair,
loss, output.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ahc.graphs.vocabulary import Vocabulary
from search_space.genotype import Choice, EmbedCell, EncoderCell, Genotype, LossCell, PairCell, TrainCell

Entries: TypeAlias = list[tuple[str, float]]

INPUT_ENTRIES: Entries = [("vertex/input", 1.0)]


def vertex_entries(genotype: Genotype) -> list[Entries]:
    """Return what each vertex says, in vertex order."""
    return [
        global_entries(genotype.encoder, train=genotype.train),
        INPUT_ENTRIES,
        *(augmentation_entries(choice) for choice in genotype.aug1),
        *(augmentation_entries(choice) for choice in genotype.aug2),
        *(operator_entries(operator) for _, operator in genotype.encoder.edges),
        embed_entries(genotype.embed),
        pair_entries(genotype.pair),
        loss_entries(genotype.loss),
        output_entries(genotype.encoder.readout),
    ]


def global_entries(encoder: EncoderCell, *, train: TrainCell) -> Entries:
    """Structural and training hyperparameters."""
    return [
        ("vertex/global", 1.0),
        ("encoder.blocks", encoder.blocks),
        ("encoder.hidden", encoder.hidden),
        ("encoder.output", encoder.output),
        ("encoder.dropout", encoder.dropout),
        (f"normalization/{encoder.normalization}", 1.0),
        (f"channels/{encoder.channels}", 1.0),
        ("train.learning_rate", train.learning_rate),
        ("train.batch_size", train.batch_size),
        ("train.weight_averaging", float(train.weight_averaging)),
    ]


def augmentation_entries(choice: Choice) -> Entries:
    """One augmentation of a chain; both views speak alike, as losses treat them alike."""
    return [("vertex/augmentation", 1.0), *_choice_entries("augmentation", choice=choice)]


def operator_entries(operator: str) -> Entries:
    """One edge of the encoder DAG."""
    return [("vertex/operator", 1.0), (f"operator/{operator}", 1.0)]


def embed_entries(embed: EmbedCell) -> Entries:
    """The embedding transformation; the norm `none` is the absence of every norm."""
    norm = [] if embed.norm == "none" else [(f"embedding_norm/{embed.norm}", 1.0)]
    return [("vertex/embed", 1.0), ("embed.jitter", embed.jitter), ("embed.mask", embed.mask), *norm]


def pair_entries(pair: PairCell) -> Entries:
    """All pair kinds on one vertex: they share pooling and similarity, so they act as one set."""
    return [
        ("vertex/pair", 1.0),
        *((f"pair/{kind}", 1.0) for kind in pair.kinds),
        (f"pool/{pair.pool}", 1.0),
        ("pair.kernel", pair.kernel),
        ("pair.hierarchical", float(pair.kernel > 0)),
    ]


def loss_entries(loss: LossCell) -> Entries:
    """The loss with its parameters, the similarity it works on, and what stands beside it; `none` is an absence."""
    entries = [("vertex/loss", 1.0), *_choice_entries("loss", choice=loss.loss)]
    if loss.similarity != "none":
        entries.append((f"similarity/{loss.similarity}", 1.0))
    if loss.weighting is not None:
        entries += _choice_entries("weighting", choice=loss.weighting)
    if loss.auxiliary is not None:
        entries += _choice_entries("auxiliary", choice=loss.auxiliary)
    return entries


def output_entries(readout: str) -> Entries:
    """The readout that makes representations of the encoder's output."""
    return [("vertex/output", 1.0), (f"readout/{readout}", 1.0)]


def feature_row(entries: Sequence[tuple[str, float]], *, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """Return one vertex's features.

    Args:
        entries: Column names with raw values.
        vocabulary: Gives each name its column and scale.

    Returns:
        Features, (features,).

    Raises:
        VocabularyError: If the vocabulary lacks a name.
    """
    row = np.zeros(len(vocabulary), dtype=np.float32)
    for name, value in entries:
        row[vocabulary.column(name)] = vocabulary.normalised(name, value)
    return row


@lru_cache(maxsize=8192)
def structure(n_first: int, n_second: int, sources: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the directed adjacency of a graph, which depends on its shape only.

    Encoder edges become vertices (the dual form): edge u -> v hears from every
    edge that ends in u, edges out of node 0 hear from the last augmentation of
    each view, or from the input where a view has none. The last node's edges lead
    to Embed -> Pair -> Loss -> output and, because the readout works on the
    encoder itself, to the output as well.

    Args:
        n_first: Augmentations of the first view.
        n_second: Augmentations of the second view.
        sources: The node that each encoder edge reads, in edge order.

    Returns:
        Read-only adjacency with `[u, v] = 1` for an edge u -> v, (vertices, vertices).
    """
    targets = tuple((edge + 1) // 2 + 1 for edge in range(len(sources)))
    first_operator = 2 + n_first + n_second
    embed = first_operator + len(sources)
    n = embed + 4
    adjacency = np.zeros((n, n), dtype=np.float32)
    view_ends = []
    for start, length in ((2, n_first), (2 + n_first, n_second)):
        chain = [1, *range(start, start + length)]
        adjacency[chain[:-1], chain[1:]] = 1.0
        view_ends.append(chain[-1])
    for edge, source in enumerate(sources):
        heard = [first_operator + other for other, target in enumerate(targets) if target == source]
        adjacency[heard if source > 0 else view_ends, first_operator + edge] = 1.0
        if targets[edge] == targets[-1]:
            adjacency[first_operator + edge, [embed, n - 1]] = 1.0
    adjacency[[embed, embed + 1, embed + 2], [embed + 1, embed + 2, embed + 3]] = 1.0
    adjacency[0, 1:] = 1.0
    adjacency[1:, 0] = 1.0
    adjacency.flags.writeable = False
    return adjacency


def _choice_entries(kind: str, *, choice: Choice) -> Entries:
    parameters = [(f"{kind}/{choice.name}.{name}", float(value)) for name, value in choice.parameters]
    return [(f"{kind}/{choice.name}", 1.0), *parameters]
