"""Where the encoder's graph stands: nodes in a row, an operator on every edge.

The edge from a node's predecessor runs along the row. Every other edge has a
lane above or below it, in which no two edges share a stretch; its operator
stands in the column before the node that it leads to, so that columns of nodes
hold nothing but lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.picture.layout import LEADING, PADDING, Box, Line, label, label_size
from search_space.cells import EncoderCell
from search_space.encoder_dag import incoming

NODE = 26.0
GAP = 30.0
LANE_GAP = 16.0
TRUNK = 8.0
"""Lines leave a node this far right of its centre and come in as far left of it."""


@dataclass(frozen=True)
class _Detour:
    """An edge beside the row: from node `source` to node `target`, in a lane (1, 2, ... above; -1, -2, ... below)."""

    source: int
    target: int
    op: str
    lane: int


def plan_graph(cell: EncoderCell, *, left: float, top: float) -> tuple[list[Box], list[Line]]:
    """Return the boxes and lines of the encoder, the copied graph in a frame.

    Args:
        cell: The encoder's genes.
        left: Left edge.
        top: Upper edge.
    """
    along, detours = _sorted_out(cell)
    names = [label(op) for op in (*along, *(detour.op for detour in detours))]
    lane = max(label_size(name)[1] for name in names) + LANE_GAP
    above = max((detour.lane for detour in detours), default=0)
    below = max((-detour.lane for detour in detours), default=0)
    row = top + LEADING + PADDING + (max(above, 0) + 0.5) * lane
    entry = (*_lines("input", f"norm {cell.normalization}", cell.channels), f"to {cell.hidden} wide")
    boxes = [_at(left, row, entry)]
    frame_left = boxes[0].right + GAP / 2
    nodes = [_node(0, boxes[0].right + 2 * GAP, row)]
    lines = [Line(((boxes[0].right, row), (nodes[0].left, row)))]
    for target, op in enumerate(along, start=1):
        here = [_at_centre(detour.op, row - detour.lane * lane) for detour in detours if detour.target == target]
        placed = [_at_centre(op, row), *here]
        centre = nodes[-1].right + GAP + max(box.width for box in placed) / 2
        moved = [Box(centre, box.y, box.width, box.height, box.lines) for box in placed]
        nodes.append(_node(target, centre + max(box.width for box in placed) / 2 + GAP, row))
        boxes += moved
        lines += [
            Line(((nodes[-2].right, row), (moved[0].left, row))),
            Line(((moved[0].right, row), (nodes[-1].left, row))),
        ]
    boxes += nodes
    for detour in detours:
        lines += _detour_lines(detour, boxes=boxes, nodes=nodes, y=row - detour.lane * lane)
    frame_right = nodes[-1].right + GAP / 2
    copies = f"graph of {cell.n_inner} node{'s' * (cell.n_inner > 1)} x {cell.blocks}"
    frame_top, frame_bottom = row - (max(above, 0) + 0.5) * lane - LEADING, row + (max(below, 0) + 0.5) * lane
    # a frame is at least as wide as its label
    frame_right = max(frame_right, frame_left + label_size((copies,))[0])
    frame = Box(
        (frame_left + frame_right) / 2,
        (frame_top + frame_bottom) / 2,
        frame_right - frame_left,
        frame_bottom - frame_top,
        (copies,),
        style="frame",
    )
    output = _at(frame_right + GAP, row, (f"to {cell.output} wide", f"dropout {cell.dropout:g}"))
    readout = _at(output.right + GAP, row, _lines("readout", cell.readout))
    lines += [
        Line(((nodes[-1].right, row), (output.left, row))),
        Line(((output.right, row), (readout.left, row))),
    ]
    return [frame, *boxes, output, readout], lines


def _sorted_out(cell: EncoderCell) -> tuple[list[str], list[_Detour]]:
    """Return the operators along the row, and the other edges in lanes of their own."""
    along, rest = [], []
    for target, edges in enumerate(incoming(cell.edges), start=1):
        ahead = next(place for place, (source, _) in enumerate(edges) if source == target - 1)
        along.append(edges[ahead][1])
        rest += [(source, target, op) for place, (source, op) in enumerate(edges) if place != ahead]
    lanes: dict[int, list[tuple[int, int]]] = {}
    detours = []
    # short edges first: they get the lanes next to the row
    for source, target, op in sorted(rest, key=lambda edge: (edge[1] - edge[0], edge[1])):
        lane = next(lane for lane in _lane_numbers() if _free(lanes.get(lane, ()), source, target))
        lanes.setdefault(lane, []).append((source, target))
        detours.append(_Detour(source, target, op, lane))
    return along, detours


def _lane_numbers() -> Sequence[int]:
    return [sign * number for number in range(1, 12) for sign in (1, -1)]


def _free(taken: Sequence[tuple[int, int]], source: int, target: int) -> bool:
    return all(target <= first or last <= source for first, last in taken)


def _detour_lines(detour: _Detour, *, boxes: Sequence[Box], nodes: Sequence[Box], y: float) -> list[Line]:
    """Return the way from the source to the operator's box and on to the target."""
    source, target = nodes[detour.source], nodes[detour.target]
    box = next(box for box in boxes if box.y == y and source.right < box.x < target.left and box.style == "box")
    side = NODE / 2 if y > source.y else -NODE / 2
    start = (source.x + TRUNK, source.y + side * _on_circle())
    end = (target.x - TRUNK, target.y + side * _on_circle())
    return [
        Line((start, (start[0], y), (box.left, y))),
        Line(((box.right, y), (end[0], y), end)),
    ]


def _on_circle() -> float:
    """Return the height of the circle's rim at a trunk, as a share of its radius."""
    return float((1 - (TRUNK / (NODE / 2)) ** 2) ** 0.5)


def _lines(*texts: str) -> tuple[str, ...]:
    return tuple(line for text in texts for line in label(text))


def _node(number: int, x: float, y: float) -> Box:
    return Box(x, y, NODE, NODE, (str(number),), style="node")


def _at(left: float, y: float, lines: tuple[str, ...]) -> Box:
    width, height = label_size(lines)
    return Box(left + width / 2, y, width, height, lines)


def _at_centre(op: str, y: float) -> Box:
    return _at(0.0, y, label(op))
