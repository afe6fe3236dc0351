"""The options of the verbs below `tscnas bank`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nas.option_fields import OptionError, check, option
from nas.option_texts import OVERWRITE

_BANK = "the bank's file, or the folder of a run"
_MIX = "merge scores of different protocol versions too, which do not compare"
TABLE_ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True)
class BankListOptions:
    """List the tasks of a bank, and how their trials ended."""

    bank: str = option(positional=True, text=_BANK)

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


@dataclass(frozen=True)
class BankShowOptions:
    """Show one candidate of a bank with its trials and their curves."""

    bank: str = option(positional=True, text=_BANK)
    key: str = option(positional=True, text="key of the candidate, or as many of its first digits as no other has")
    task: str | None = option(None, text="only trials on this task: its name or hash")
    iterations: int | None = option(None, text="only trials of this many iterations", least=0)
    rng_seed: int | None = option(None, text="only trials with this seed", least=0)

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


@dataclass(frozen=True)
class BankMergeOptions:
    """Put banks together into a new one, each trial once, the same whatever their order."""

    banks: tuple[str, ...] = option(positional=True, text=f"{_BANK}; any number of them")
    output: str = option(text="file of the new bank")
    mix_protocols: bool = option(False, text=_MIX)
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


@dataclass(frozen=True)
class BankExportOptions:
    """Write the trials of a bank as a table, one row each, in the order of their keys."""

    bank: str = option(positional=True, text=_BANK)
    output: str = option(text="file of the table, .csv or .parquet")
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)
        if Path(self.output).suffix.lower() not in TABLE_ENDINGS:
            raise OptionError(f"output: must end in {' or '.join(TABLE_ENDINGS)}, got {self.output!r}")


@dataclass(frozen=True)
class BankVerifyOptions:
    """Check a bank's pages, keys and values, and print a line per problem; the exit status is then 3."""

    bank: str = option(positional=True, text=_BANK)

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


@dataclass(frozen=True)
class BankRecoverOptions:
    """Save everything that can be read in a damaged bank into a new one, and say what is lost."""

    bank: str = option(positional=True, text=_BANK)
    output: str = option(text="file of the new bank; never one that exists")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)
