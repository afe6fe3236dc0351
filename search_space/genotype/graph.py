"""The graph of a genotype: what each vertex says, and which vertex hears which.

The vertices in their order: global, input, the augmentations of the first view, those of the second, the encoder's
operators, embed, pair, loss, output. The encoder stands in its dual form: an edge of its DAG is a vertex here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from search_space.genotype.cells import Choice, EmbedCell, EncoderCell, LossCell, PairCell, TrainCell
from search_space.genotype.encoder_dag import target_of
from search_space.genotype.genotype import Genotype
from search_space.genotype.rules import NONE

if TYPE_CHECKING:
    import networkx as nx

VERTEX_KINDS = ("global", "input", "augmentation", "operator", "embed", "pair", "loss", "output")


class Vertex(NamedTuple):
    """What a vertex says.

    Args:
        kind: One of `VERTEX_KINDS`.
        options: What is chosen there, each behind the kind of choice; what is off is not listed.
        numbers: Values that belong to no option, each behind its name.
    """

    kind: str
    options: tuple[tuple[str, Choice], ...] = ()
    numbers: tuple[tuple[str, float], ...] = ()


INPUT = Vertex("input")


def to_networkx(genotype: Genotype) -> nx.DiGraph:
    """Return the graph of a genotype: the one reading of it that comparator, listing and picture share.

    Vertices are named as the places of the dict form (`AugCell1[0]`, `EncoderCell.edges[2]`, `EmbedCell`); `global`,
    `input` and `output` stand for no single place. Attributes are `cell` (empty for those three) and the fields of
    `Vertex`; an operator has `source` and `target` as well, the nodes of the DAG that it leads from and to.
    """
    import networkx as nx

    encoder, graph = genotype.encoder, nx.DiGraph()

    def add(cell: str, place: str, vertex: Vertex, **ends: int) -> None:
        graph.add_node(cell + place, cell=cell, **vertex._asdict(), **ends)

    add("", "global", global_vertex(encoder, train=genotype.train))
    add("", "input", INPUT)
    for cell, chain in (("AugCell1", genotype.aug1), ("AugCell2", genotype.aug2)):
        for place, choice in enumerate(chain):
            add(cell, f"[{place}]", augmentation_vertex(choice))
    for place, (source, operator) in enumerate(encoder.edges):
        add("EncoderCell", f".edges[{place}]", operator_vertex(operator), source=source, target=target_of(place))
    add("EmbedCell", "", embed_vertex(genotype.embed))
    add("PairCell", "", pair_vertex(genotype.pair))
    add("LossCell", "", loss_vertex(genotype.loss))
    add("", "output", output_vertex(encoder.readout))
    names, sources = list(graph), [source for source, _ in encoder.edges]
    edges = edges_of_shape(len(genotype.aug1), len(genotype.aug2), sources)
    graph.add_edges_from((names[heard], names[hearer]) for heard, hearer in edges)
    return graph


def edges_of_shape(n_first: int, n_second: int, sources: Sequence[int]) -> list[tuple[int, int]]:
    """Return the edges of a graph as (heard, hearer) in vertex numbers; an edge may be there twice.

    An operator hears those that end in the node it reads; one that reads node 0 hears the last augmentation of each
    view, or the input where a view has none. The last node's operators lead to Embed -> Pair -> Loss -> output and,
    because the readout works on the encoder itself, to the output as well. The global vertex hears all and is heard.

    Args:
        n_first: Augmentations of the first view.
        n_second: Augmentations of the second view.
        sources: The node that each encoder edge reads, in edge order.
    """
    operators = 2 + n_first + n_second
    embed = operators + len(sources)
    output = embed + 3
    views = [1, *range(2, 2 + n_first)], [1, *range(2 + n_first, operators)]
    targets = [target_of(place) for place in range(len(sources))]
    ends = {0: [view[-1] for view in views]}  # node -> the vertices that make its value
    for place, target in enumerate(targets):
        ends.setdefault(target, []).append(operators + place)
    edges = [edge for path in (*views, range(embed, output + 1)) for edge in pairwise(path)]
    edges += [(end, operators + place) for place, source in enumerate(sources) for end in ends[source]]
    edges += [(end, hearer) for end in ends[targets[-1]] for hearer in (embed, output)]
    return edges + [edge for other in range(1, output + 1) for edge in ((0, other), (other, 0))]


def encoder_edges(graph: nx.DiGraph) -> list[tuple[int, int, str]]:
    """Return (source, target, operator) of every edge of the encoder's DAG, in the order of the genotype."""
    operators = [says for _, says in graph.nodes(data=True) if says["kind"] == "operator"]
    return [(says["source"], says["target"], says["options"][0][1].name) for says in operators]


def global_vertex(encoder: EncoderCell, *, train: TrainCell) -> Vertex:
    """Structural and training hyperparameters."""
    genes = {**encoder.hyperparameters(), "output": encoder.features}  # without those that are as usual
    named = tuple((name, Choice(genes[name])) for name in ("normalization", "channels", "input") if name in genes)
    sizes = {"blocks", "hidden", "output", "dropout", "taps", "embedding", "window"} & genes.keys()
    numbers = [(f"encoder.{name}", genes[name]) for name in genes if name in sizes]
    return Vertex("global", named, (*numbers, *((f"train.{name}", float(v)) for name, v in vars(train).items())))


def augmentation_vertex(choice: Choice) -> Vertex:
    """One augmentation of a chain; both views speak alike, as losses treat them alike."""
    return Vertex("augmentation", (("augmentation", choice),))


def operator_vertex(operator: str) -> Vertex:
    """One edge of the encoder's DAG."""
    return Vertex("operator", (("operator", Choice(operator)),))


def embed_vertex(embed: EmbedCell) -> Vertex:
    """The embedding transformation; the norm `none` is the absence of every norm."""
    norm = () if embed.norm == NONE else (("embedding_norm", Choice(embed.norm)),)
    numbers = {name: value for name, value in embed.to_dict().items() if name != "norm"}
    return Vertex("embed", norm, tuple((f"embed.{name}", value) for name, value in numbers.items()))


def pair_vertex(pair: PairCell) -> Vertex:
    """All pair kinds on one vertex: they share pooling and similarity, so they act as one set."""
    chosen = *(("pair", Choice(kind)) for kind in pair.kinds), ("pool", Choice(pair.pool))
    return Vertex("pair", chosen, (("pair.kernel", pair.kernel), ("pair.hierarchical", float(pair.kernel > 0))))


def loss_vertex(loss: LossCell) -> Vertex:
    """The loss with the similarity it works on, and what stands beside it."""
    similarity = None if loss.similarity == NONE else Choice(loss.similarity)
    chosen = {"loss": loss.loss, "similarity": similarity, "weighting": loss.weighting, "auxiliary": loss.auxiliary}
    return Vertex("loss", tuple((kind, choice) for kind, choice in chosen.items() if choice is not None))


def output_vertex(readout: str) -> Vertex:
    """The readout that makes representations of the encoder's output."""
    return Vertex("output", (("readout", Choice(readout)),))
