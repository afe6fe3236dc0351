"""One encoder cell: runs the DAG of [node, op] edges and knows no particular operator."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from torch import Tensor, nn

from encoders.operators._operator import within_span
from search_space import registry
from search_space.encoder_dag import edge_count_problem, incoming, source_problems, target_of


class Cell(nn.Module):
    """The DAG of operators that an encoder stacks.

    Node 0 is the cell's input; edge `[source, op]` applies op to node `source`,
    and edges are listed by target node: 1, 2, 2, 3, 3, ... A node's value is the
    sum of its edges divided by the square root of their number, so that the
    scale of the latent does not double from node to node. Every node feeds the
    next one (`search_space.encoder_dag`), so no branch is dead and all operators
    are built.

    Args:
        edges: The edges `(source, operator)`, 2n - 1 of them for n inner nodes.
        hidden: Width of the latent.
        first_depth: Depth of inner node 1: nodes that lie before it in the encoder.
        dropout: Passed to the operators.

    Raises:
        ValueError: If the edges do not form such a DAG.
        UnknownOptionError: If an operator is not registered.
    """

    def __init__(self, edges: Sequence[tuple[int, str]], *, hidden: int, first_depth: int, dropout: float) -> None:
        super().__init__()
        _check(edges)
        places = itertools.count()
        self.incoming = [[(source, next(places)) for source, _ in pair] for pair in incoming(edges)]
        operators = [
            registry.build("operator", name, hidden, depth=first_depth + target_of(place) - 1, dropout=dropout)
            for place, (_, name) in enumerate(edges)
        ]
        self.operators = nn.ModuleList(operators)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Return the value of the last node.

        Args:
            x: Latent, zero outside the span; (batch, streams, time, hidden).
            span: True from the first to the last observed step, or None when no
                window is padded; (batch, time).

        Returns:
            Latent, zero outside the span; (batch, streams, time, hidden).
        """
        nodes = [x]
        for pairs in self.incoming:
            results = [self.operators[place](nodes[source], span) for source, place in pairs]
            value = results[0]
            if len(results) > 1:
                value = sum(results[1:], start=value) / math.sqrt(len(results))
            nodes.append(within_span(value, span))
        return nodes[-1]


def _check(edges: Sequence[tuple[int, str]]) -> None:
    rule = edge_count_problem(len(edges))
    if rule is not None:
        raise ValueError(f"Cell.edges: {rule}, got {len(edges)}")
    problems = source_problems([source for source, _ in edges])
    if problems:
        raise ValueError("\n".join(f"Cell.edges[{place}]: {rule}, got {edges[place][0]}" for place, rule in problems))
