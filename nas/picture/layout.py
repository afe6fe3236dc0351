"""Boxes, lines and the room that text needs: the vocabulary of a picture, in pixels from the top left corner.

The type is monospaced, so the width of a label is known without measuring it.
"""

from __future__ import annotations

from dataclasses import dataclass

FONT = 12.0
CHARACTER = 0.602 * FONT
"""Width of a character in DejaVu Sans Mono and its like."""
LEADING = 1.3 * FONT
PADDING = 8.0
LONGEST = 18
"""Characters in a line of a label before it is broken at an underscore or a space."""

Label = tuple[str, ...]
Line = tuple[tuple[float, float], ...]
"""The points (x, y) that a line runs through, with an arrow at the last."""


@dataclass(frozen=True)
class Box:
    """A labelled rectangle around a centre.

    Args:
        x: Centre from the left.
        y: Centre from the top.
        width: In pixels.
        height: In pixels.
        lines: The label, centred; at the top edge of a frame.
        style: `box`, `node` (round), `frame` (dashed, behind everything) or `text` (no outline).
    """

    x: float
    y: float
    width: float
    height: float
    lines: Label
    style: str = "box"

    @classmethod
    def beside(cls, left: float, y: float, lines: Label, *, height: float = 0.0) -> Box:
        """Return a box around a label, from its left edge on and at least so high."""
        width, least = label_size(lines)
        return cls(left + width / 2, y, width, max(height, least), lines)

    @property
    def left(self) -> float:
        """The left edge."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Layout:
    """A whole picture."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def label_size(lines: Label) -> tuple[float, float]:
    """Return the width and height of a box around a label."""
    longest = max(map(len, lines), default=0)
    return longest * CHARACTER + 2 * PADDING, max(len(lines), 1) * LEADING + PADDING


def label(*texts: str) -> Label:
    """Break texts into lines at underscores and spaces, which stay; a longer word stays whole."""
    lines = []
    for text in texts:
        lines.append("")
        for word in text.replace("_", "_\0").replace(" ", " \0").split("\0"):
            if lines[-1] and len((lines[-1] + word).rstrip()) > LONGEST:
                lines.append("")
            lines[-1] += word
    return tuple(line.strip() for line in lines)
