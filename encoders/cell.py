"""One encoder cell: runs the DAG of [node, op] edges and knows no particular operator."""

import itertools
import math
from collections.abc import Sequence

from torch import Tensor, nn

from encoders.operators._operator import Operator, within_span
from encoders.strides import thin
from search_space import registry
from search_space.genotype.encoder_dag import edge_count_problem, incoming, source_problems, target_of


class Cell(nn.Module):
    """The DAG of operators that an encoder stacks.

    Node 0 is the cell's input; edge `[source, op]` applies op to node `source`,
    and edges are listed by target node: 1, 2, 2, 3, 3, ... A node's value is the
    sum of its edges divided by the square root of their number, so that the
    scale of the latent does not double from node to node. Every node feeds the
    next one (`search_space.genotype.encoder_dag`), so no branch is dead and all operators
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

    def input_stride(self, stride: int) -> int:
        """Return the stride of the input that an output of this stride is made of."""
        return self._strides(stride)[0]

    def forward(self, x: Tensor, span: Tensor | None = None, *, stride: int = 1) -> Tensor:
        """Return the value of the last node.

        Args:
            x: Latent, zero outside the span, at the steps that `input_stride` asks for; (batch, streams, time, hidden).
            span: True from the first to the last observed step, or None when no
                window is padded; (batch, time).
            stride: Which steps of the last node are wanted (`encoders.strides`); only without `span` other than 1.

        Returns:
            Latent, zero outside the span; (batch, streams, time of that stride, hidden).
        """
        strides = self._strides(stride)
        nodes = [x]
        for target, pairs in enumerate(self.incoming, start=1):
            results = [
                _apply(self.operators[place], nodes[source], span, have=strides[source], want=strides[target])
                for source, place in pairs
            ]
            value = results[0]
            if len(results) > 1:
                value = sum(results[1:], start=value) / math.sqrt(len(results))
            nodes.append(within_span(value, span))
        return nodes[-1]

    def _strides(self, stride: int) -> list[int]:
        """Return the stride of every node: what all of its readers need."""
        if stride == 1:
            return [1] * (len(self.incoming) + 1)
        strides = [0] * len(self.incoming) + [stride]
        for target in range(len(self.incoming), 0, -1):
            for source, place in self.incoming[target - 1]:
                operator: Operator = self.operators[place]  # type: ignore[assignment]
                strides[source] = math.gcd(strides[source], strides[target], operator.grid)
        return strides


def _apply(operator: nn.Module, x: Tensor, span: Tensor | None, *, have: int, want: int) -> Tensor:
    """Return what an operator makes of the steps of stride `have`, at those of stride `want`."""
    assert isinstance(operator, Operator), "a cell is made of operators"
    if have == want == 1:
        return operator(x, span)  # type: ignore[no-any-return]
    needed = math.gcd(want, operator.grid)
    x = thin(x, have=have, want=needed)
    if operator.takes_strides:
        return operator(x, span, have=needed, want=want)  # type: ignore[no-any-return]
    return thin(operator(x, span), have=needed, want=want)


def _check(edges: Sequence[tuple[int, str]]) -> None:
    rule = edge_count_problem(len(edges))
    if rule is not None:
        raise ValueError(f"Cell.edges: {rule}, got {len(edges)}")
    problems = source_problems([source for source, _ in edges])
    if problems:
        raise ValueError("\n".join(f"Cell.edges[{place}]: {rule}, got {edges[place][0]}" for place, rule in problems))
