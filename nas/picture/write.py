"""Writes a layout as SVG, by hand, or as PNG, through matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from nas.errors import OptionError
from nas.picture.layout import CHARACTER, FONT, LEADING, Box, Layout

_FACE = "DejaVu Sans Mono, Menlo, Consolas, monospace"
_FILL = {"box": "#eef3fb", "node": "#fff4d6", "frame": "none", "text": "none"}
_INK, _LINE, _FRAME = "#1a1a1a", "#4a5a75", "#9aa5b8"
_ARROW = 7.0


def write_picture(layout: Layout, path: Path) -> None:
    """Write a picture; the ending of the name decides the format.

    Raises:
        OptionError: If a PNG is asked for and matplotlib is missing.
    """
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    if path.suffix == ".svg":
        temporary.write_text(svg(layout), encoding="utf-8")
    else:
        _write_png(layout, temporary)
    temporary.replace(path)


def svg(layout: Layout) -> str:
    """Return the picture as SVG; no library is needed."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width:.0f}" height="{layout.height:.0f}" '
        f'viewBox="0 0 {layout.width:.0f} {layout.height:.0f}" font-family="{_FACE}" font-size="{FONT:g}">',
        f'<rect width="{layout.width:.0f}" height="{layout.height:.0f}" fill="white"/>',
    ]
    boxes = sorted(layout.boxes, key=lambda box: box.style != "frame")  # frames lie behind
    parts += [_svg_outline(box) for box in boxes if box.style == "frame"]
    for line in layout.lines:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.4"/>')
        if line.arrow:
            tips = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow_head(line.points))
            parts.append(f'<polygon points="{tips}" fill="{_LINE}"/>')
    parts += [_svg_outline(box) for box in boxes if box.style in ("box", "node")]
    parts += [_svg_text(*placed) for box in boxes for placed in placed_text(box)]
    return "\n".join([*parts, "</svg>", ""])


def placed_text(box: Box) -> list[tuple[str, float, float, bool]]:
    """Return (text, x, y of its middle, whether x is its centre and not its start) for each line of a label."""
    if box.style == "frame":
        return [(text, box.left + 6, box.top + LEADING * (0.6 + at), False) for at, text in enumerate(box.lines)]
    first = box.y - LEADING * (len(box.lines) - 1) / 2
    centred = box.style != "text"
    return [(text, box.x if centred else box.left, first + LEADING * at, centred) for at, text in enumerate(box.lines)]


def arrow_head(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Return the corners of the arrow at the end of a line that runs along an axis."""
    (x0, y0), (x1, y1) = points[-2:]
    length = max(abs(x1 - x0) + abs(y1 - y0), 1e-9)
    along_x, along_y = (x1 - x0) / length, (y1 - y0) / length
    base_x, base_y = x1 - _ARROW * along_x, y1 - _ARROW * along_y
    side_x, side_y = -along_y * _ARROW / 2, along_x * _ARROW / 2
    return [(x1, y1), (base_x + side_x, base_y + side_y), (base_x - side_x, base_y - side_y)]


def _svg_outline(box: Box) -> str:
    dash = ' stroke-dasharray="6 4"' if box.style == "frame" else ""
    radius = box.height / 2 if box.style == "node" else 4
    stroke = _FRAME if box.style == "frame" else _LINE
    return (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{radius:g}" fill="{_FILL[box.style]}" stroke="{stroke}"{dash}/>'
    )


def _svg_text(text: str, x: float, y: float, centred: bool) -> str:
    # the length is stated, so that a wider font of the reader's machine cannot leave its box
    anchor = "middle" if centred else "start"
    baseline = y + 0.35 * FONT
    return (
        f'<text x="{x:.1f}" y="{baseline:.1f}" fill="{_INK}" text-anchor="{anchor}" '
        f'textLength="{len(text) * CHARACTER:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def _write_png(layout: Layout, path: Path) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyBboxPatch, Polygon
    except ImportError as error:
        raise OptionError(
            "a .png needs matplotlib (pip install 'ts-contrastive-nas[draw]'); a .svg is written without it"
        ) from error
    # 72 units per inch makes a font size of 12 twelve pixels high in the layout's pixels
    figure = Figure(figsize=(layout.width / 72, layout.height / 72), dpi=144, facecolor="white")
    face = {"family": "DejaVu Sans Mono"}
    axes: Any = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, layout.width)
    axes.set_ylim(layout.height, 0)
    axes.axis("off")
    for line in layout.lines:
        axes.plot(*zip(*line.points, strict=True), color=_LINE, linewidth=1.4, zorder=2)
        if line.arrow:
            axes.add_patch(Polygon(arrow_head(line.points), color=_LINE, linewidth=0, zorder=2))
    for box in layout.boxes:
        if box.style != "text":
            frame = box.style == "frame"
            shape = f"round,pad=0,rounding_size={box.height / 2 if box.style == 'node' else 4}"
            axes.add_patch(
                FancyBboxPatch(
                    (box.left, box.top),
                    box.width,
                    box.height,
                    boxstyle=shape,
                    facecolor=_FILL[box.style],
                    edgecolor=_FRAME if frame else _LINE,
                    linestyle="--" if frame else "-",
                    zorder=1 if frame else 3,
                )
            )
        for text, x, y, centred in placed_text(box):
            axes.text(
                x, y, text, ha="center" if centred else "left", va="center", size=FONT, color=_INK, zorder=4, **face
            )
    FigureCanvasAgg(figure).print_png(path)  # type: ignore[no-untyped-call]
