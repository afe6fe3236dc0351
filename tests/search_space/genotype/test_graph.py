"""The graph of a genotype: what its vertices say, when two graphs are one, and what it costs to ask for none."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import pytest

from search_space import Genotype, full_space, mutate, preset, sample_candidates
from search_space.genotype.encoder_dag import incoming
from search_space.genotype.graph import VERTEX_KINDS, Vertex, encoder_edges, to_networkx

DRAWN = sample_candidates(60, np.random.default_rng(5), full_space())


def alike(one: Genotype, other: Genotype) -> bool:
    def same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
        return all(a[name] == b[name] for name in Vertex._fields)

    return nx.is_isomorphic(to_networkx(one), to_networkx(other), node_match=same)


def test_vertices_are_the_places_of_the_dict_form_with_their_options_and_numbers() -> None:
    graph = to_networkx(preset("notes_best"))
    assert list(graph)[:6] == ["global", "input", "AugCell1[0]", "AugCell1[1]", "AugCell1[2]", "AugCell2[0]"]
    assert list(graph)[-5:] == ["EncoderCell.edges[6]", "EmbedCell", "PairCell", "LossCell", "output"]
    assert [says["cell"] for _, says in graph.nodes(data=True)][1:3] == ["", "AugCell1"]
    ((kind, resize),) = graph.nodes["AugCell1[1]"]["options"]
    assert (kind, resize.name, resize.params) == ("augmentation", "resize", {"ratio": 0.4})
    assert dict(graph.nodes["EmbedCell"]["numbers"]) == {"embed.jitter": 0.1, "embed.mask": 0.1}
    assert [choice.name for _, choice in graph.nodes["LossCell"]["options"]] == ["nt_xent", "cosine"]
    assert {says["kind"] for _, says in graph.nodes(data=True)} == set(VERTEX_KINDS)


@pytest.mark.parametrize("genotype", DRAWN[:20], ids=lambda genotype: genotype.key)
def test_the_encoder_can_be_read_back(genotype: Genotype) -> None:
    graph = to_networkx(genotype)
    nodes = enumerate(incoming(genotype.encoder.edges), start=1)
    assert encoder_edges(graph) == [(source, target, op) for target, pair in nodes for source, op in pair]
    without_global = graph.subgraph(set(graph) - {"global"})
    assert nx.is_directed_acyclic_graph(without_global)
    # from every vertex the output is reached, and every vertex from the input: nothing is dead
    assert nx.ancestors(without_global, "output") == set(without_global) - {"output"}
    assert nx.descendants(without_global, "input") == set(without_global) - {"input"}


def test_graphs_are_one_up_to_order_exactly_where_keys_are() -> None:
    rng = np.random.default_rng(0)
    for genotype in DRAWN:
        swapped = dataclasses.replace(genotype, aug1=genotype.aug2, aug2=genotype.aug1)
        assert alike(genotype, swapped) and genotype.key == swapped.key
        assert not alike(genotype, mutate(genotype, rng, full_space()))


def test_networkx_is_imported_for_a_graph_only() -> None:
    code = (
        "import sys; import search_space as s, nas.cli, numpy as np; s.sample_candidates(5, np.random.default_rng(0));"
        "assert 'networkx' not in sys.modules;"
        "from search_space.genotype.graph import to_networkx; to_networkx(s.preset('ts2vec'));"
        "assert 'networkx' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
