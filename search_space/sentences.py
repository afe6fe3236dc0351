"""Messages stay on one line and hold nothing that a terminal obeys, whatever names and values came from outside."""

import difflib
import reprlib
from collections.abc import Iterable

LONGEST = 600
LONGEST_VALUE = 80
_repr = reprlib.Repr()
# what is nested deeply, or holds itself many times over, must not be written out
_repr.maxlevel, _repr.maxlist, _repr.maxtuple, _repr.maxdict = 4, 12, 12, 12
_repr.maxstring = _repr.maxlong = _repr.maxother = 2 * LONGEST_VALUE


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


def shown(value: object) -> str:
    """Return a value on one line, shortened where it is long."""
    try:
        text = " ".join(_repr.repr(value).split())
    except ValueError:  # Python writes no number of thousands of digits
        text = f"a {type(value).__name__} of very many digits"
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def count_text(number: int) -> str:
    """Return a count in full where it is readable, otherwise its size."""
    return f"{number:,}" if number < 1_000_000 else f"{number:.2e}"


def nearest(name: object, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """Return the end of a sentence about an unknown name: its neighbour, if one is so near, and all known names."""
    names = sorted(known)
    near = difflib.get_close_matches(name if isinstance(name, str) else shown(name), names, n=1, cutoff=cutoff)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{hint} (known: {', '.join(names) or 'none'})"


def _shortened(text: str, *, longest: int) -> str:
    if len(text) <= longest:
        return text
    kept = (longest - 5) // 2
    return f"{text[:kept]} ... {text[-kept:]}"
