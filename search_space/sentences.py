"""Messages stay on one line and hold nothing that a terminal obeys, whatever names and values came from outside."""

from __future__ import annotations

LONGEST = 600


def one_line(text: str, *, longest: int = LONGEST) -> str:
    """Return a text on one line: what cannot be printed is escaped as in Python, what is long loses its middle.

    Args:
        text: Anything, such as a name from a file.
        longest: Characters to keep.
    """
    if text.isprintable() and len(text) <= longest:
        return text
    shown = _shortened(text, longest=longest)
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)
    return _shortened(escaped, longest=longest)


def lines_of(text: str, *, most: int = 20) -> str:
    """Return a text of several lines with each made harmless by `one_line`, and at most so many of them."""
    lines = [one_line(line) for line in text.split("\n") if line]
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(lines[:most] + more)


def _shortened(text: str, *, longest: int) -> str:
    if len(text) <= longest:
        return text
    kept = (longest - 5) // 2
    return f"{text[:kept]} ... {text[-kept:]}"
