"""Where the encoder's graph stands: nodes in a row, an operator on every edge.

The edge from a node's predecessor runs along the row. Every other edge is a
detour in a lane above or below it, in which no two edges share a stretch; its
operator stands in the column before the node that it leads to, so that columns
of nodes hold nothing but lines.
"""

from dataclasses import replace

from nas.picture.layout import LEADING, PADDING, Box, Line, label, label_size
from search_space.genotype import EncoderCell
from search_space.genotype.encoder_dag import incoming

NODE = 26.0
GAP = 30.0
LANE_GAP = 16.0
TRUNK = 8.0
"""Lines leave a node this far right of its centre and come in as far left of it."""
_RIM = NODE / 2 * (1 - (TRUNK / (NODE / 2)) ** 2) ** 0.5
"""How far above or below the centre of a node its circle is at a trunk."""
_LANES = tuple(sign * number for number in range(1, 12) for sign in (1, -1))
"""1, 2, ... above the row; -1, -2, ... below."""


def plan_graph(cell: EncoderCell, *, left: float, top: float) -> tuple[list[Box], list[Line]]:
    """Return the boxes and lines of the encoder, the copied graph in a frame, from a left and an upper edge on."""
    places = _places(cell)
    lanes = [lane for of_target in places for lane, _, _ in of_target]
    lane_height = max(label_size(label(op))[1] for _, op in cell.edges) + LANE_GAP
    above, below = max(lanes) + 0.5, 0.5 - min(lanes)
    row = top + LEADING + PADDING + above * lane_height
    entry = label("input", f"norm {cell.normalization}", cell.channels)
    before = Box.beside(left, row, (*entry, f"to {cell.hidden} wide"))
    boxes = [before]
    nodes = [_node(0, before.right + 2 * GAP, row)]
    lines: list[Line] = [((before.right, row), (nodes[0].left, row))]
    for target, of_target in enumerate(places, start=1):
        column = [Box.beside(0.0, row - lane * lane_height, label(op)) for lane, _, op in of_target]
        widest = max(box.width for box in column)
        centre = nodes[-1].right + GAP + widest / 2
        node = _node(target, centre + widest / 2 + GAP, row)
        for (lane, source, _), unplaced in zip(of_target, column, strict=True):
            box = replace(unplaced, x=centre)
            boxes.append(box)
            if lane == 0:
                lines += [((nodes[-1].right, row), (box.left, row)), ((box.right, row), (node.left, row))]
                continue
            rim = row - _RIM if lane > 0 else row + _RIM
            out, back = nodes[source].x + TRUNK, node.x - TRUNK
            lines += [((out, rim), (out, box.y), (box.left, box.y)), ((box.right, box.y), (back, box.y), (back, rim))]
        nodes.append(node)
    frame = _frame(
        (f"graph of {cell.n_inner} node{'s' * (cell.n_inner > 1)} x {cell.blocks}",),
        sides=(before.right + GAP / 2, nodes[-1].right + GAP / 2),
        ends=(row - above * lane_height - LEADING, row + below * lane_height),
    )
    output = Box.beside(frame.right + GAP, row, (f"to {cell.output} wide", f"dropout {cell.dropout:g}"))
    readout = Box.beside(output.right + GAP, row, label("readout", cell.readout))
    lines += [((nodes[-1].right, row), (output.left, row)), ((output.right, row), (readout.left, row))]
    return [frame, *boxes, *nodes, output, readout], lines


def _places(cell: EncoderCell) -> list[list[tuple[int, int, str]]]:
    """Return lane, source and operator of the edges into each node: first the one along the row, whose lane is 0."""
    places, detours = [], []
    for before, edges in enumerate(incoming(cell.edges)):
        ahead, *rest = sorted(edges, key=lambda edge: edge[0] != before)
        places.append([(0, *ahead)])
        detours += [(source, before + 1, op) for source, op in rest]
    taken: dict[int, list[tuple[int, int]]] = {lane: [] for lane in _LANES}
    # short edges first: they get the lanes next to the row
    for source, target, op in sorted(detours, key=lambda edge: (edge[1] - edge[0], edge[1])):
        lane = next(n for n in _LANES if all(target <= begin or end <= source for begin, end in taken[n]))
        taken[lane].append((source, target))
        places[target - 1].append((lane, source, op))
    return places


def _node(number: int, x: float, y: float) -> Box:
    return Box(x, y, NODE, NODE, (str(number),), style="node")


def _frame(lines: tuple[str, ...], *, sides: tuple[float, float], ends: tuple[float, float]) -> Box:
    """Return a frame that is at least as wide as its label."""
    left, right = sides[0], max(sides[1], sides[0] + label_size(lines)[0])
    return Box((left + right) / 2, sum(ends) / 2, right - left, ends[1] - ends[0], lines, style="frame")
