"""Where the bank lies that a user named."""

from pathlib import Path


def bank_path(text: str) -> Path:
    """Return the file of a bank that a user named: the file itself, or the folder of its run."""
    path = Path(text)
    return path / "bank.sqlite" if path.is_dir() else path
