"""What the verbs of a bank print, and how they find and name things."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shown:
    """What a verb has to say: `text` is printed, `status` is the exit status."""

    text: str
    status: int = 0


def bank_path(text: str) -> Path:
    """Return the file of a bank that a user named: the file itself, or the folder of its run."""
    path = Path(text)
    return path / "bank.sqlite" if path.is_dir() else path


def counted(number: int, what: str) -> str:
    """Return a number with its noun, such as `1 trial` or `12,000 trials`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int) -> str:
    """Return a table as lines; the columns from `numbers_from` on are flush right."""
    columns = [
        [cell.ljust(width) if at < numbers_from else cell.rjust(width) for cell in column]
        for at, column in enumerate(zip(head, *rows, strict=True))
        for width in [max(map(len, column))]
    ]
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))
