"""Graphs of genotypes: the edges the design names, the fast path, padding and vertex order."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ahc.comparator import Comparator, TaskView
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.graph import ArchGraph, GraphBatch, geno_to_graph
from ahc.graphs.vocabulary import Vocabulary
from search_space.drawing import sample_columns
from search_space.genotype import Genotype
from search_space.space import SearchSpace, default_space, full_space

TASK = TaskView(np.linspace(-1, 1, 5).astype(np.float32))


def features_of(batch: GraphBatch) -> torch.Tensor:
    return batch.table[batch.vertices]


def batch_graphs(graphs: Sequence[ArchGraph]) -> GraphBatch:
    """Pad graphs of any shape to the largest of them, and share nothing between them."""
    lengths = np.array([len(graph.features) for graph in graphs])
    mask = np.arange(lengths.max()) < lengths[:, None]
    vertices = np.zeros(mask.shape, dtype=np.int64)
    vertices[mask] = np.arange(1, lengths.sum() + 1)
    features = np.concatenate([graph.features for graph in graphs])
    table = np.concatenate([np.zeros_like(features[:1]), features])
    structures = np.zeros((*mask.shape, mask.shape[1]), dtype=np.float32)
    for padded, graph in zip(structures, graphs, strict=True):
        padded[: len(graph.adjacency), : len(graph.adjacency)] = graph.adjacency
    return GraphBatch(*map(torch.from_numpy, (table, vertices, mask, structures, np.arange(len(graphs)))))


def edges_from_the_definition(genotype: Genotype) -> set[tuple[str, str]]:
    """The graph as named edges, written down from the description alone."""
    operators = genotype.encoder.edges
    last = (len(operators) + 1) // 2
    into: dict[int, list[str]] = {node: [] for node in range(1, last + 1)}
    node = 1
    for edge in range(len(operators)):
        into[node].append(f"op{edge}")
        node += edge % 2 == 0  # the first node takes one edge, the others two
    edges: set[tuple[str, str]] = set()
    for view, chain in (("a", genotype.aug1), ("b", genotype.aug2)):
        path = ["input", *(f"{view}{i}" for i in range(len(chain)))]
        edges |= set(itertools.pairwise(path))
        edges |= {(path[-1], f"op{e}") for e, (source, _) in enumerate(operators) if source == 0}
    for edge, (source, _) in enumerate(operators):
        edges |= {(name, f"op{edge}") for name in into.get(source, [])}
    for name in into[last]:
        edges |= {(name, "embed"), (name, "output")}
    edges |= {("embed", "pair"), ("pair", "loss"), ("loss", "output")}
    others = {name for edge in edges for name in edge}
    return edges | {("global", name) for name in others} | {(name, "global") for name in others}


def vertex_names(genotype: Genotype) -> list[str]:
    views = [f"a{i}" for i in range(len(genotype.aug1))] + [f"b{i}" for i in range(len(genotype.aug2))]
    operators = [f"op{i}" for i in range(len(genotype.encoder.edges))]
    return ["global", "input", *views, *operators, "embed", "pair", "loss", "output"]


def test_edges_follow_the_definition(vocabulary: Vocabulary, candidates: list[Genotype]) -> None:
    for genotype in candidates:
        adjacency = geno_to_graph(genotype, vocabulary).adjacency
        names = vertex_names(genotype)
        found = {(names[u], names[v]) for u, v in zip(*np.nonzero(adjacency), strict=True)}
        assert found == edges_from_the_definition(genotype)


def test_features_name_the_options_with_scaled_parameters(vocabulary: Vocabulary, candidates: list[Genotype]) -> None:
    for genotype in candidates[:20]:
        features = geno_to_graph(genotype, vocabulary).features
        names = vertex_names(genotype)
        for edge, (_, operator) in enumerate(genotype.encoder.edges):
            row = features[names.index(f"op{edge}")]
            assert {vocabulary.columns[i] for i in np.flatnonzero(row)} == {"vertex/operator", f"operator/{operator}"}
        hidden = features[0, vocabulary.column("encoder.hidden")]
        assert hidden == pytest.approx(np.log(genotype.encoder.hidden / 8) / np.log(256 / 8), abs=1e-6)
        kinds = {n.split("/")[1] for n in vocabulary.columns if n.startswith("pair/")}
        row = features[names.index("pair")]
        assert {k for k in kinds if row[vocabulary.column(f"pair/{k}")]} == set(genotype.pair.kinds)


@pytest.mark.parametrize("space", [default_space, full_space])
def test_fast_path_equals_one_by_one(vocabulary: Vocabulary, space: Callable[[], SearchSpace]) -> None:
    columns = sample_columns(300, np.random.default_rng(11), space())
    slow = batch_graphs([geno_to_graph(genotype, vocabulary) for genotype in columns])
    for genotypes in (columns, list(columns)):
        fast = encode_genotypes(genotypes, vocabulary=vocabulary)
        torch.testing.assert_close(features_of(fast), features_of(slow), rtol=0, atol=0)
        torch.testing.assert_close(fast.adjacency, slow.adjacency, rtol=0, atol=0)
        torch.testing.assert_close(fast.content, features_of(slow).sum(dim=1))
        assert torch.equal(fast.mask, slow.mask)
        assert len(fast.table) < 0.7 * slow.mask.sum()  # distinct vertices are there once


def test_parts_of_equal_size_hold_every_graph_without_padding(
    vocabulary: Vocabulary, candidates: list[Genotype]
) -> None:
    batch = encode_genotypes(candidates * 3, vocabulary=vocabulary)
    seen: list[int] = []
    for index, part in batch.equal_sizes(32):
        assert bool(part.mask.all()) and len(index) == len(part) == 32
        n_vertices = part.mask.shape[1]
        assert torch.equal(features_of(part), features_of(batch)[index][:, :n_vertices])
        assert torch.equal(part.adjacency, batch.adjacency[index][:, :n_vertices, :n_vertices])
        seen += index.tolist()
    assert set(seen) == set(range(len(batch)))


def test_twenty_thousand_genotypes_take_seconds(vocabulary: Vocabulary) -> None:
    start = time.process_time()
    encode_genotypes(sample_columns(20_000, np.random.default_rng(5)), vocabulary=vocabulary)
    assert time.process_time() - start < 2.0


def test_padding_changes_no_score(opinionated: Comparator, vocabulary: Vocabulary, candidates: list[Genotype]) -> None:
    graphs = [geno_to_graph(genotype, vocabulary) for genotype in candidates]
    together = opinionated.predict(batch_graphs(graphs), task=TASK)
    for at in range(10):
        alone = opinionated.predict(batch_graphs([graphs[at]]), task=TASK)
        for one, many in zip(alone, together, strict=True):
            assert one[0] == pytest.approx(float(many[at]), abs=1e-5)


def test_vertex_order_changes_no_score(
    opinionated: Comparator, vocabulary: Vocabulary, candidates: list[Genotype]
) -> None:
    rng = np.random.default_rng(0)

    def shuffled(graph: ArchGraph) -> ArchGraph:
        order: NDArray[np.int64] = rng.permutation(len(graph.features))
        return ArchGraph(adjacency=graph.adjacency[np.ix_(order, order)], features=graph.features[order])

    graphs = [geno_to_graph(genotype, vocabulary) for genotype in candidates[:20]]
    straight = opinionated.predict(batch_graphs(graphs), task=TASK)
    permuted = opinionated.predict(batch_graphs([shuffled(graph) for graph in graphs]), task=TASK)
    torch.testing.assert_close(straight.score, permuted.score, rtol=1e-4, atol=1e-5)
    assert float(straight.score.std()) > 1e-3


def test_direction_of_an_edge_matters(
    opinionated: Comparator, vocabulary: Vocabulary, candidates: list[Genotype]
) -> None:
    graph = geno_to_graph(candidates[0], vocabulary)
    turned = ArchGraph(adjacency=graph.adjacency.T, features=graph.features)
    scores = opinionated.predict(batch_graphs([graph, turned]), task=TASK).score
    assert abs(float(scores[0] - scores[1])) > 1e-4


def test_swapping_the_views_changes_nothing(
    opinionated: Comparator, vocabulary: Vocabulary, candidates: list[Genotype]
) -> None:
    swapped = [replace(g, aug1=g.aug2, aug2=g.aug1) for g in candidates]
    straight = opinionated.predict(encode_genotypes(candidates, vocabulary=vocabulary), task=TASK)
    turned = opinionated.predict(encode_genotypes(swapped, vocabulary=vocabulary), task=TASK)
    torch.testing.assert_close(straight.score, turned.score, rtol=1e-4, atol=1e-5)


def test_refuses_empty(vocabulary: Vocabulary) -> None:
    with pytest.raises(ValueError, match="encode_genotypes: at least one genotype"):
        encode_genotypes([], vocabulary=vocabulary)
