"""The picture of a genotype: nothing overlaps, every edge is drawn, and both formats are what they say."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from nas.picture import Layout, plan_genotype, write_picture
from nas.picture.layout import Box, label, label_size
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.genotype.encoder_dag import incoming
from search_space.presets import PRESETS, preset
from search_space.space import full_space

DRAWN = [
    *(preset(name) for name in sorted(PRESETS)),
    *sample_candidates(60, np.random.default_rng(0), full_space()),
    *sample_candidates(60, np.random.default_rng(1), full_space().restrict({"EncoderCell.nodes": 6})),
]


def meet(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def plan(genotype: Genotype) -> Layout:
    return plan_genotype(genotype, title="a title")


@pytest.mark.parametrize("genotype", DRAWN, ids=lambda genotype: genotype.key)
def test_no_two_boxes_overlap_and_every_label_fits(genotype: Genotype) -> None:
    layout = plan(genotype)
    solid = [box for box in layout.boxes if box.style != "frame"]
    assert not [(a.lines, b.lines) for at, a in enumerate(solid) for b in solid[:at] if meet(a, b)]
    for box in layout.boxes:
        assert box.left > 0 and box.right < layout.width and box.top > 0 and box.bottom < layout.height
        if box.style != "node":
            assert label_size(box.lines)[0] <= box.width + 1e-6
        assert box.style == "text" or len(box.lines) * 12 <= box.height


@pytest.mark.parametrize("genotype", DRAWN, ids=lambda genotype: genotype.key)
def test_lines_run_along_an_axis_and_through_no_box(genotype: Genotype) -> None:
    layout = plan(genotype)
    solid = [box for box in layout.boxes if box.style in ("box", "node")]
    for line in layout.lines:
        for (x0, y0), (x1, y1) in itertools.pairwise(line):
            assert x0 == x1 or y0 == y1
            middle = [(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share) for share in np.linspace(0.02, 0.98, 60)]
            met = [b.lines for b in solid for x, y in middle if b.left < x < b.right and b.top < y < b.bottom]
            # beside its ends, where a line may touch the square around a round node
            assert all(len(lines) == 1 and lines[0].isdigit() for lines in met), met


@pytest.mark.parametrize("genotype", DRAWN, ids=lambda genotype: genotype.key)
def test_every_edge_leads_from_its_source_through_its_operator_to_its_target(genotype: Genotype) -> None:
    layout = plan(genotype)
    nodes = {int(box.lines[0]): box for box in layout.boxes if box.style == "node"}
    into, out_of = {}, {}
    for line in layout.lines:
        for box in layout.boxes:
            if box.style == "box" and line[-1] == (box.left, box.y):
                into[box] = line[0]
            if box.style == "box" and line[0] == (box.right, box.y):
                out_of[box] = line[-1]

    def node_at(point: tuple[float, float]) -> int | None:
        near = [n for n, box in nodes.items() if np.hypot(point[0] - box.x, point[1] - box.y) <= box.width / 2 + 1e-6]
        return near[0] if near else None

    drawn = sorted(
        (node_at(out_of[box]), node_at(into[box]), "".join(box.lines).replace(" ", ""))
        for box in into
        if box in out_of and node_at(out_of[box]) and node_at(into[box]) is not None
    )
    edges = enumerate(incoming(genotype.encoder.edges), start=1)
    assert drawn == sorted((target, source, op) for target, pair in edges for source, op in pair)


def test_long_names_break_at_underscores_only() -> None:
    assert label("prob_sparse_attention") == ("prob_sparse_", "attention")
    assert label("identity") == ("identity",)
    assert label("supercalifragilisticexpiali") == ("supercalifragilisticexpiali",)


def test_svg_is_xml_that_holds_every_label(tmp_path: Path) -> None:
    layout = plan(preset("notes_best"))
    write_picture(layout, tmp_path / "g.svg")
    root = ElementTree.parse(tmp_path / "g.svg").getroot()
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert texts == {line for box in layout.boxes for line in box.lines}
    assert [path.name for path in tmp_path.iterdir()] == ["g.svg"]


def test_png_has_two_pixels_per_unit(tmp_path: Path) -> None:
    layout = plan(preset("ts2vec"))
    write_picture(layout, tmp_path / "g.png")
    content = (tmp_path / "g.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert abs(width - 2 * layout.width) <= 2 and abs(height - 2 * layout.height) <= 2
