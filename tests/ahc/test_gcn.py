"""Graph convolutions against loops, closed forms, an independent layer, and the fused form against their definition."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import torch
from torch_geometric.data import Batch
from torch_geometric.nn import DenseGCNConv
from torch_geometric.utils import to_dense_adj

from ahc.checkpoint import load_comparator
from ahc.comparator import Comparator
from ahc.gcn import GraphConvolution, normalise
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.graph import ArchGraph, geno_to_graph
from ahc.message_passing import DirectedConv, GraphCollection
from search_space.drawing import sample_columns
from search_space.genotype import GenotypeColumns
from search_space.space import default_space, full_space


def as_batch(genotypes: GenotypeColumns, comparator: Comparator) -> Batch:
    return Batch.from_data_list([geno_to_graph(genotype, comparator.vocabulary).to_data() for genotype in genotypes])


def test_one_direction_equals_torch_geometric() -> None:
    generator = torch.Generator().manual_seed(0)
    adjacency = (torch.rand(4, 7, 7, generator=generator) < 0.4).double()
    adjacency = torch.triu(adjacency, diagonal=1)
    adjacency = adjacency + adjacency.transpose(1, 2)  # its normalisation is for undirected graphs
    states = torch.randn(4, 7, 5, generator=generator, dtype=torch.float64)
    oracle = DenseGCNConv(5, 3).double()
    layer = GraphConvolution(5, n_out=3).double()
    with torch.no_grad():
        layer.along.weight.copy_(oracle.lin.weight)
        layer.against.weight.zero_()
        layer.itself.weight.zero_()
        layer.itself.bias.copy_(oracle.bias)
    with_loops = normalise(adjacency + torch.eye(7, dtype=torch.float64))
    torch.testing.assert_close(layer(states, adjacency=with_loops), oracle(states, adjacency), rtol=0, atol=1e-6)


def test_normalisation_of_directed_edges() -> None:
    adjacency = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    # out-degrees 2, 1, 0 and in-degrees 0, 1, 2
    expected = torch.tensor([[0.0, 2**-0.5, 0.5], [0.0, 0.0, 2**-0.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(normalise(adjacency), expected)


def test_messages_flow_along_against_and_to_itself_in_both_forms() -> None:
    generator = torch.Generator().manual_seed(1)
    structure = (torch.rand(4, 4, generator=generator) < 0.5).float()
    states = torch.randn(4, 3, generator=generator)
    layer = GraphConvolution(3, n_out=6)
    weights = normalise(structure)
    data = ArchGraph(adjacency=structure.numpy(), features=states.numpy()).to_data()
    assert torch.equal(to_dense_adj(data.edge_index, edge_attr=data.edge_weight, max_num_nodes=4)[0], weights)
    expected = layer.itself(states)
    for u in range(4):
        for v in range(4):
            expected[v] += weights[u, v] * layer.along(states[u]) + weights[v, u] * layer.against(states[u])
    fused = layer(states[None], adjacency=weights[None])[0]
    passed = DirectedConv(layer)(data.x, data.edge_index, data.edge_weight)
    torch.testing.assert_close(fused, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(passed, expected, rtol=1e-4, atol=1e-5)


def test_the_fused_form_gives_the_scores_that_message_passing_defines(opinionated: Comparator) -> None:
    genotypes = sample_columns(1000, np.random.default_rng(8), full_space())
    fused_batch = encode_genotypes(genotypes, vocabulary=opinionated.vocabulary)
    batch = as_batch(genotypes, opinionated)
    for task, blind in ((torch.linspace(-1, 1, 5), False), (torch.linspace(2, -1, 5), False), (torch.ones(5), True)):
        fused = opinionated.predict(fused_batch, task_embedding=task, task_blind=blind)
        defined = opinionated(batch, task_embedding=task, task_blind=blind)
        for of_fused, of_defined in zip(fused, defined, strict=True):
            torch.testing.assert_close(of_fused, of_defined, rtol=1e-5, atol=1e-5)
        assert float(fused.score.std()) > 1e-3


def test_the_shipped_comparator_is_read_by_both_forms_alike() -> None:
    comparator = load_comparator()
    genotypes = sample_columns(500, np.random.default_rng(9), default_space()["graphs"])
    fused_batch, batch = encode_genotypes(genotypes, vocabulary=comparator.vocabulary), as_batch(genotypes, comparator)
    for number in range(3):
        generator = torch.Generator().manual_seed(number)
        task = torch.randn(comparator.settings.task_features, generator=generator)
        fused = comparator.predict(fused_batch, task_embedding=task).score
        torch.testing.assert_close(fused, comparator(batch, task_embedding=task).score, rtol=0, atol=1e-5)


def test_a_collection_gives_the_graphs_that_are_asked_for(opinionated: Comparator) -> None:
    genotypes = sample_columns(9, np.random.default_rng(0))
    graphs = [geno_to_graph(genotype, opinionated.vocabulary) for genotype in genotypes]
    collection = GraphCollection(graphs, device="cpu")
    batch = collection.batch(torch.tensor([5, 0]))
    np.testing.assert_array_equal(batch.x, np.concatenate([graphs[5].features, graphs[0].features]))
    assert collection.batch(torch.tensor([5, 0])) is batch and len(collection) == 9


def test_ranking_imports_neither_torch_geometric_nor_networkx() -> None:
    code = (
        "import sys, numpy as np; import ahc, nas, nas.cli; from ahc.checkpoint import load_comparator;"
        "from ahc.ranking import rank_candidates; from search_space import sample_columns; c = load_comparator();"
        "task = np.zeros(c.settings.task_features, dtype=np.float32);"
        "rank_candidates(c, sample_columns(50, np.random.default_rng(0)), task);"
        "assert not {'torch_geometric', 'networkx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
