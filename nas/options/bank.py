"""The options of the verbs below `tscnas bank`."""

from dataclasses import dataclass

from nas.errors import OptionError
from nas.options.fields import OptionSet, option
from nas.options.texts import OVERWRITE

_BANK = "the bank's file, or the folder of a run"
_MIX = "merge scores of different protocol versions too, which do not compare"
_READ = f"{_BANK}; by default the bank that comes with this software"


def shipped_bank() -> str:
    """Return the path of the bank that comes with this software."""
    from ahc.bank import SHIPPED

    return str(SHIPPED)


@dataclass(frozen=True)
class BankListOptions(OptionSet):
    """List the tasks of a bank, and how their trials ended."""

    bank: str = option(factory=shipped_bank, path=True, positional=True, text=_READ)


@dataclass(frozen=True)
class BankShowOptions(OptionSet):
    """Show one candidate of a bank with its trials and their curves."""

    key: str = option(positional=True, text="key of the candidate, or as many of its first digits as no other has")
    bank: str = option(factory=shipped_bank, path=True, positional=True, text=_READ)
    task: str | None = option(None, text="only trials on this task: its name or hash")
    iterations: int | None = option(None, text="only trials of this many iterations", least=0)
    rng_seed: int | None = option(None, text="only trials with this seed", least=0)


@dataclass(frozen=True)
class BankMergeOptions(OptionSet):
    """Put banks together into a new one, each trial once, the same whatever their order."""

    banks: tuple[str, ...] = option(path=True, positional=True, text=f"{_BANK}; any number of them")
    output: str = option(path=True, text="file of the new bank; packed, to be read only, where it ends in .xz")
    mix_protocols: bool = option(False, text=_MIX)
    overwrite: bool = option(False, text=OVERWRITE)


@dataclass(frozen=True)
class BankExportOptions(OptionSet):
    """Write the trials of a bank as a table, one row each, in the order of their keys."""

    bank: str = option(factory=shipped_bank, path=True, positional=True, text=_READ)
    csv: str | None = option(None, path=True, text="write the table as CSV into this file")
    parquet: str | None = option(None, path=True, text="write it as Parquet into this one")
    genes: bool = option(False, text="add a column per gene of the candidates")
    overwrite: bool = option(False, text=OVERWRITE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.csv or self.parquet):
            raise OptionError("--csv FILE, --parquet FILE or both say where to write")


@dataclass(frozen=True)
class BankVerifyOptions(OptionSet):
    """Check a bank's pages, keys and values, and print a line per problem; the exit status is then 3."""

    bank: str = option(factory=shipped_bank, path=True, positional=True, text=_READ)


@dataclass(frozen=True)
class BankRecoverOptions(OptionSet):
    """Save everything that can be read in a damaged bank into a new one, and say what is lost."""

    bank: str = option(path=True, positional=True, text=_BANK)
    output: str = option(path=True, text="file of the new bank; never one that exists")
