"""Where the parts of a genotype stand in its picture: the strategy above, the encoder's graph below."""

from __future__ import annotations

from nas.picture.graph import plan_graph
from nas.picture.layout import LEADING, PADDING, Box, Layout, Line, label, label_size
from search_space.cells import Choice
from search_space.genotype import Genotype

MARGIN = 20.0
GAP = 34.0
"""Between two boxes of a row: room for an arrow."""
BAND = 44.0
"""Between two bands of the picture."""


def plan_genotype(genotype: Genotype, *, title: str) -> Layout:
    """Return the picture of a genotype.

    Args:
        genotype: What to draw.
        title: Its name, on top.
    """
    train = genotype.train
    heading = f"{title}, key {genotype.key}" if title != genotype.key else title
    settings = f"learning rate {train.learning_rate:g}, batches of {train.batch_size}, " + (
        "averaged weights" if train.weight_averaging else "last weights"
    )
    first = _text(heading, top=MARGIN)
    second = _text(settings, top=first.bottom)
    strategy, strategy_lines = _strategy(genotype, top=second.bottom + PADDING)
    below = max(box.bottom for box in strategy) + BAND
    graph, graph_lines = plan_graph(genotype.encoder, left=MARGIN, top=below)
    boxes = (first, second, *strategy, *graph)
    return Layout(
        width=max(box.right for box in boxes) + MARGIN,
        height=max(box.bottom for box in boxes) + MARGIN,
        boxes=boxes,
        lines=(*strategy_lines, *graph_lines),
    )


def _text(words: str, *, top: float) -> Box:
    width = label_size((words,))[0]
    return Box(MARGIN + width / 2, top + LEADING / 2, width, LEADING, (words,), style="text")


def _strategy(genotype: Genotype, *, top: float) -> tuple[list[Box], list[Line]]:
    """Place two rows of augmentations between window and encoder, and what happens to the representations behind."""
    chains = [[_choice_label(choice) for choice in chain] for chain in (genotype.aug1, genotype.aug2)]
    height = max((label_size(lines)[1] for chain in chains for lines in chain), default=2 * LEADING)
    rows = [top + height / 2, top + height * 1.5 + PADDING * 2]
    middle, tall = sum(rows) / 2, rows[1] - rows[0] + height
    window = _beside(MARGIN - GAP, middle, ("window",), height=tall)
    boxes, lines, ends = [window], [], []
    for y, chain in zip(rows, chains, strict=True):
        edge = window.right
        for text in chain:
            boxes.append(_beside(edge, y, text))
            lines.append(Line(((edge, y), (boxes[-1].left, y))))
            edge = boxes[-1].right
        ends.append(edge)
    encoder = _beside(max(ends), middle, ("encoder",), height=tall)
    lines += [Line(((end, y), (encoder.left, y))) for end, y in zip(ends, rows, strict=True)]
    boxes.append(encoder)
    for text in (_embed_label(genotype), _pair_label(genotype), _loss_label(genotype)):
        boxes.append(_beside(boxes[-1].right, middle, text))
        lines.append(Line(((boxes[-2].right, middle), (boxes[-1].left, middle))))
    # a label of many lines may be taller than both rows
    drop = max(0.0, top - min(box.top for box in boxes))
    lowered = [Box(box.x, box.y + drop, box.width, box.height, box.lines, box.style) for box in boxes]
    return lowered, [Line(tuple((x, y + drop) for x, y in line.points), line.arrow) for line in lines]


def _beside(edge: float, y: float, lines: tuple[str, ...], *, height: float = 0.0) -> Box:
    width, least = label_size(lines)
    return Box(edge + GAP + width / 2, y, width, max(height, least), lines)


def _choice_label(choice: Choice) -> tuple[str, ...]:
    return (*label(choice.name), *(f"{name} {value:g}" for name, value in choice.parameters))


def _embed_label(genotype: Genotype) -> tuple[str, ...]:
    embed = genotype.embed
    return (f"noise {embed.jitter:g}", f"mask {embed.mask:g}", f"norm {embed.norm}")


def _pair_label(genotype: Genotype) -> tuple[str, ...]:
    pair = genotype.pair
    hierarchy = f"{pair.pool} by {pair.kernel}" if pair.kernel else f"{pair.pool}, no levels"
    return (*pair.kinds, hierarchy)


def _loss_label(genotype: Genotype) -> tuple[str, ...]:
    cell = genotype.loss
    lines = _choice_label(cell.loss)
    if cell.similarity != "none":
        lines += (f"on {cell.similarity}",)
    for sign, beside in (("x", cell.weighting), ("+", cell.auxiliary)):
        if beside is not None:
            name, *rest = _choice_label(beside)
            lines += (f"{sign} {name}", *rest)
    return lines
