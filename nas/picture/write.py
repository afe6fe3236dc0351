"""Writes a layout as SVG, by hand, or as PNG, through matplotlib."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from nas.picture.graph import NODE
from nas.picture.layout import CHARACTER, FONT, LEADING, Box, Layout, Line

_FACE = "DejaVu Sans Mono, Menlo, Consolas, monospace"
_INK, _LINE = "#1a1a1a", "#4a5a75"
# fill, stroke and radius of what has an outline; frames lie behind
_OUTLINES = {"frame": ("none", "#9aa5b8", 4.0), "box": ("#eef3fb", _LINE, 4.0), "node": ("#fff4d6", _LINE, NODE / 2)}
_ARROW = 7.0


def write_picture(layout: Layout, path: Path) -> None:
    """Write a picture; the ending of the name decides the format."""
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    if path.suffix == ".svg":
        temporary.write_text(svg(layout), encoding="utf-8")
    else:
        _write_png(layout, temporary)
    temporary.replace(path)


def svg(layout: Layout) -> str:
    """Return the picture as SVG; no library is needed."""
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{_FACE}" font-size="{FONT:g}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *(_svg_outline(box) for box in layout.boxes if box.style == "frame"),
    ]
    for line in layout.lines:
        parts.append(f'<polyline points="{_points(line)}" fill="none" stroke="{_LINE}" stroke-width="1.4"/>')
        parts.append(f'<polygon points="{_points(arrow_head(line))}" fill="{_LINE}"/>')
    parts += [_svg_outline(box) for box in layout.boxes if box.style in ("box", "node")]
    for box in layout.boxes:
        for text, x, y, centred in placed_text(box):
            # the length is stated, so that a wider font of the reader's machine cannot leave its box
            parts.append(
                f'<text x="{x:.1f}" y="{y + 0.35 * FONT:.1f}" fill="{_INK}" '
                f'text-anchor="{"middle" if centred else "start"}" '
                f'textLength="{len(text) * CHARACTER:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
            )
    return "\n".join([*parts, "</svg>", ""])


def placed_text(box: Box) -> list[tuple[str, float, float, bool]]:
    """Return (text, x, y of its middle, whether x is its centre and not its start) for each line of a label."""
    if box.style == "frame":
        return [(text, box.left + 6, box.top + LEADING * (0.6 + at), False) for at, text in enumerate(box.lines)]
    first = box.y - LEADING * (len(box.lines) - 1) / 2
    centred = box.style != "text"
    return [(text, box.x if centred else box.left, first + LEADING * at, centred) for at, text in enumerate(box.lines)]


def arrow_head(line: Line) -> Line:
    """Return the corners of the arrow at the end of a line that runs along an axis."""
    (x0, y0), (x1, y1) = line[-2:]
    length = max(abs(x1 - x0) + abs(y1 - y0), 1e-9)
    along_x, along_y = _ARROW * (x1 - x0) / length, _ARROW * (y1 - y0) / length
    base_x, base_y = x1 - along_x, y1 - along_y
    return (x1, y1), (base_x - along_y / 2, base_y + along_x / 2), (base_x + along_y / 2, base_y - along_x / 2)


def _points(line: Line) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in line)


def _svg_outline(box: Box) -> str:
    fill, stroke, radius = _OUTLINES[box.style]
    dash = ' stroke-dasharray="6 4"' if box.style == "frame" else ""
    return (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{radius:g}" fill="{fill}" stroke="{stroke}"{dash}/>'
    )


def _write_png(layout: Layout, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch, Polygon

    # 72 units per inch makes a font size of 12 twelve pixels high in the layout's pixels
    figure = Figure(figsize=(layout.width / 72, layout.height / 72), dpi=144, facecolor="white")
    axes: Any = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0, layout.width), ylim=(layout.height, 0))
    axes.axis("off")
    for line in layout.lines:
        axes.plot(*zip(*line, strict=True), color=_LINE, linewidth=1.4, zorder=2)
        axes.add_patch(Polygon(arrow_head(line), color=_LINE, linewidth=0, zorder=2))
    for box in layout.boxes:
        if box.style in _OUTLINES:
            behind, (fill, stroke, radius) = box.style == "frame", _OUTLINES[box.style]
            shape = f"round,pad=0,rounding_size={radius}"
            outline = FancyBboxPatch((box.left, box.top), box.width, box.height, boxstyle=shape, fc=fill, ec=stroke)
            outline.set(linestyle="--" if behind else "-", zorder=1 if behind else 3)
            axes.add_patch(outline)
        for text, x, y, centred in placed_text(box):
            side = "center" if centred else "left"
            axes.text(x, y, text, ha=side, va="center", size=FONT, color=_INK, zorder=4, family="DejaVu Sans Mono")
    FigureCanvasAgg(figure).print_png(path)  # type: ignore[no-untyped-call]
