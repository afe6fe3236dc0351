"""What verbs print: texts with their exit status, counts, tables."""

from collections.abc import Iterable, Sequence
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


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int) -> str:
    """Return a table as lines; the columns from `numbers_from` on are flush right."""
    columns = [
        [cell.ljust(width) if at < numbers_from else cell.rjust(width) for cell in column]
        for at, column in enumerate(zip(head, *rows, strict=True))
        for width in [max(map(len, column))]
    ]
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))
