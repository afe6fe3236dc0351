"""Where the parts of a genotype stand in its picture: the strategy above, the encoder's graph below."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nas.picture.graph import plan_graph
from nas.picture.layout import LEADING, PADDING, Box, Label, Layout, Line, label, label_size
from search_space.genotype import Genotype
from search_space.genotype.graph import to_networkx

MARGIN = 20.0
GAP = 34.0
"""Between two boxes of a row: room for an arrow."""
BAND = 44.0
"""Between two bands of the picture."""

Says = Mapping[str, Any]
"""The attributes of a vertex of the genotype's graph."""


def plan_genotype(genotype: Genotype, *, title: str) -> Layout:
    """Return the picture of a genotype.

    Args:
        genotype: What to draw.
        title: Its name, on top.
    """
    first = _text(f"{title}, key {genotype.key}" if title != genotype.key else title, top=MARGIN)
    second = _text(str(genotype.train), top=first.bottom)
    vertices = [says for _, says in to_networkx(genotype).nodes(data=True)]
    strategy, strategy_lines = _strategy(vertices, top=second.bottom + PADDING)
    below = max(box.bottom for box in strategy) + BAND
    encoder, encoder_lines = plan_graph(genotype.encoder, left=MARGIN, top=below)
    boxes = (first, second, *strategy, *encoder)
    return Layout(
        width=max(box.right for box in boxes) + MARGIN,
        height=max(box.bottom for box in boxes) + MARGIN,
        boxes=boxes,
        lines=(*strategy_lines, *encoder_lines),
    )


def _text(words: str, *, top: float) -> Box:
    width = label_size((words,))[0]
    return Box(MARGIN + width / 2, top + LEADING / 2, width, LEADING, (words,), style="text")


def _strategy(vertices: list[Says], *, top: float) -> tuple[list[Box], list[Line]]:
    """Place two rows of augmentations between window and encoder, and what happens to the representations behind."""
    chains = [[_options_label(v) for v in vertices if v["cell"] == cell] for cell in ("AugCell1", "AugCell2")]
    height = max((label_size(lines)[1] for chain in chains for lines in chain), default=2 * LEADING)
    rows = [top + height / 2, top + height * 1.5 + PADDING * 2]
    middle, tall = sum(rows) / 2, rows[1] - rows[0] + height
    boxes, lines, ends = [Box.beside(MARGIN, middle, ("window",), height=tall)], [], []
    for y, chain in zip(rows, chains, strict=True):
        edge = boxes[0].right
        for text in chain:
            boxes.append(Box.beside(edge + GAP, y, text))
            lines.append(((edge, y), (boxes[-1].left, y)))
            edge = boxes[-1].right
        ends.append(edge)
    boxes.append(Box.beside(max(ends) + GAP, middle, ("encoder",), height=tall))
    lines += [((end, y), (boxes[-1].left, y)) for end, y in zip(ends, rows, strict=True)]
    for says in vertices:
        if says["kind"] in _LABELS:
            boxes.append(Box.beside(boxes[-1].right + GAP, middle, _LABELS[says["kind"]](says)))
            lines.append(((boxes[-2].right, middle), (boxes[-1].left, middle)))
    # a label of many lines may be taller than both rows
    drop = max(0.0, top - min(box.top for box in boxes))
    return [replace(box, y=box.y + drop) for box in boxes], [tuple((x, y + drop) for x, y in line) for line in lines]


def _options_label(says: Says) -> Label:
    """Return the options of a vertex with their parameters, a sign before those that work on another."""
    lines: Label = ()
    for kind, choice in says["options"]:
        first, *rest = label(choice.name)
        sign = {"similarity": "on ", "weighting": "x ", "auxiliary": "+ "}.get(kind, "")
        lines += (f"{sign}{first}", *rest, *(f"{name} {value:g}" for name, value in choice.parameters))
    return lines


def _embed_label(says: Says) -> Label:
    numbers, norms = dict(says["numbers"]), [choice.name for _, choice in says["options"]]
    return f"noise {numbers['embed.jitter']:g}", f"mask {numbers['embed.mask']:g}", f"norm {(*norms, 'none')[0]}"


def _pair_label(says: Says) -> Label:
    kernel, (*kinds, pool) = dict(says["numbers"])["pair.kernel"], (choice.name for _, choice in says["options"])
    return (*kinds, f"{pool} by {kernel}" if kernel else f"{pool}, no levels")


_LABELS = {"embed": _embed_label, "pair": _pair_label, "loss": _options_label}
