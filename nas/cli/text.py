"""What verbs print: texts with their exit status, counts, rows of numbers."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """What a verb has to say: `text` is printed, `status` is the exit status."""

    text: str
    status: int = 0


def counted(number: int, what: str) -> str:
    """Return a number with its noun, such as `1 trial` or `12,000 trials`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def values_text(values: Iterable[float]) -> str:
    """Return numbers in a row, such as `0.1 0.5 1`."""
    return " ".join(f"{value:g}" for value in values)
