"""Graph convolutions against loops, closed forms, an independent layer, and the fused form against their definition."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch
from torch_geometric.nn import DenseGCNConv
from torch_geometric.utils import to_dense_adj

from ahc.checkpoint import load_comparator
from ahc.comparator import Comparator, TaskView
from ahc.gcn import GraphConvolution, normalise
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.graph import ArchGraph, geno_to_graph
from ahc.graphs.message_passing import DirectedConv, GraphCollection
from search_space.drawing import sample_columns
from search_space.genotype import Genotype
from search_space.space import default_space, full_space


def as_batch(genotypes: Sequence[Genotype], comparator: Comparator) -> Batch:
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


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("told", [False, True])
def test_the_fused_form_says_what_message_passing_defines(opinionated: Comparator, told: bool, blind: bool) -> None:
    genotypes = sample_columns(500, np.random.default_rng(8), full_space())
    fused_batch = encode_genotypes(genotypes, vocabulary=opinionated.vocabulary)
    batch = as_batch(genotypes, opinionated)
    landmarks = np.linspace(3, -3, opinionated.settings.landmarks).astype(np.float32) if told else None
    for end in (1, -2):
        task = TaskView(np.linspace(-1, end, 5).astype(np.float32), landmarks, blind=blind)
        fused, defined = opinionated.predict(fused_batch, task=task), opinionated(batch, task=task)
        for of_fused, of_defined in zip(fused, defined, strict=True):
            torch.testing.assert_close(of_fused, of_defined, rtol=1e-5, atol=1e-5)
            assert float(of_fused.std()) > 1e-3


def test_the_shipped_comparator_is_read_by_both_forms_alike() -> None:
    comparator = load_comparator()

    def learned(genotype: Genotype) -> bool:
        lacking = set[str]()
        encode_genotypes([genotype], vocabulary=comparator.vocabulary, lacking=lacking)
        return not lacking

    genotypes = [g for g in sample_columns(500, np.random.default_rng(9), default_space()) if learned(g)]
    assert len(genotypes) > 50
    fused_batch, batch = encode_genotypes(genotypes, vocabulary=comparator.vocabulary), as_batch(genotypes, comparator)
    rng = np.random.default_rng(0)
    sizes = comparator.settings
    for _ in range(3):
        task = TaskView(*(rng.normal(size=size).astype(np.float32) for size in (sizes.task_features, sizes.landmarks)))
        fused = comparator.predict(fused_batch, task=task).score
        torch.testing.assert_close(fused, comparator(batch, task=task).score, rtol=0, atol=1e-5)


@pytest.mark.parametrize("index", [[0], [8, 3, 5], [4, 4, 0, 4], [*range(9)], [*range(8, -1, -1)] * 2])
def test_a_collection_gives_what_torch_geometric_collates(opinionated: Comparator, index: list[int]) -> None:
    genotypes = sample_columns(9, np.random.default_rng(0))
    graphs = [geno_to_graph(genotype, opinionated.vocabulary) for genotype in genotypes]
    collection = GraphCollection(graphs, device="cpu")
    ours = collection.batch(torch.tensor(index))
    oracle = Batch.from_data_list([graphs[at].to_data() for at in index])
    for name in ("x", "edge_index", "edge_weight", "batch"):
        assert torch.equal(ours[name], oracle[name]), name
    assert len(collection) == len({graph.features.tobytes() for graph in graphs}) == 9


def test_ranking_imports_neither_torch_geometric_nor_networkx() -> None:
    code = (
        "import sys, numpy as np; import ahc, nas, nas.cli; from ahc.checkpoint import load_comparator;"
        "from ahc.comparator import TaskView;"
        "from ahc.ranking import rank_candidates; from search_space import sample_columns; c = load_comparator();"
        "task = np.zeros(c.settings.task_features, dtype=np.float32);"
        "rank_candidates(c, sample_columns(50, np.random.default_rng(0)), TaskView(task));"
        "assert not {'torch_geometric', 'networkx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
