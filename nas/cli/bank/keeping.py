"""`tscnas bank merge | export | verify | recover`: what is done with whole banks."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from ahc.bank import Bank
from ahc.bank.errors import printable
from ahc.bank.merge import merge_banks
from ahc.bank.recover import Recovered, recover_bank
from ahc.bank.verify import find_problems
from nas.cli.bank.text import BankText, bank_path, counted
from nas.errors import OptionError, OutputExistsError
from nas.options.bank import BankExportOptions, BankMergeOptions, BankRecoverOptions, BankVerifyOptions
from nas.runs.lock import bank_lock

_MOST_LINES = 10_000
_MOST_NAMED = 20
_WRONG_DATA = 3


def merge(options: BankMergeOptions) -> BankText:
    """Write the union of banks and return what came together.

    Raises:
        BankError: If a bank cannot be used, or banks of different versions were not meant to be mixed.
        OutputExistsError: If the output exists and may not be replaced.
        InUseError: If another driver writes to the output.
    """
    output = _output(options.output, overwrite=options.overwrite)
    with bank_lock(output):
        result = merge_banks(
            [bank_path(bank) for bank in options.banks],
            output,
            mix_protocols=options.mix_protocols,
            overwrite=options.overwrite,
        )
    lines = [f"{path}: {counted(n_trials, 'trial')}" for path, n_trials in result.sources]
    lines.append(
        f"{output}: {counted(result.n_trials, 'trial')} of {counted(result.n_tasks, 'task')}, "
        f"{result.n_doubled:,} were there more than once"
    )
    if result.contradictions:
        lines.append(
            f"of {counted(len(result.contradictions), 'trial')} the banks hold different scores; "
            "kept was the completed one, then the older one:"
        )
        lines += [f"  {_name(key)}" for key in result.contradictions[:_MOST_NAMED]]
        lines += [f"  and {len(result.contradictions) - _MOST_NAMED:,} more"] * (
            len(result.contradictions) > _MOST_NAMED
        )
    return BankText("\n".join(lines))


def export(options: BankExportOptions) -> BankText:
    """Write a bank's trials as CSV or Parquet.

    Raises:
        BankError: If the file is no bank or is damaged.
        OutputExistsError: If the output exists and may not be replaced.
        OptionError: If pyarrow is missing for Parquet.
    """
    output = _output(options.output, overwrite=options.overwrite)
    with Bank(bank_path(options.bank), read_only=True) as bank:
        if output.suffix.lower() == ".csv":
            return BankText(f"{output}: {counted(bank.export_csv(output), 'trial')}")
        try:
            return BankText(f"{output}: {counted(bank.export_parquet(output), 'trial')}")
        except ImportError as error:
            raise OptionError(
                "output: Parquet needs pyarrow, pip install 'ts-contrastive-nas[parquet]'; CSV does not"
            ) from error


def verify(options: BankVerifyOptions) -> BankText:
    """Return a line per problem of a bank, with the exit status of wrong data if there is one.

    Raises:
        BankError: If the file cannot be opened as a bank at all.
    """
    path = bank_path(options.bank)
    problems = find_problems(path)
    lines = list(islice(problems, _MOST_LINES))
    if lines:
        n_more = sum(1 for _ in problems)
        return BankText("\n".join([*lines, *[f"and {n_more:,} more problems"] * (n_more > 0)]), status=_WRONG_DATA)
    with Bank(path, read_only=True) as bank:
        return BankText(f"{path}: {counted(len(bank), 'trial')} of {counted(len(bank.tasks()), 'task')}, no problem")


def recover(options: BankRecoverOptions) -> BankText:
    """Save what a damaged bank still holds and return what that is and what is lost.

    Raises:
        BankError: If there is nothing to save.
        OutputExistsError: If the output exists.
        InUseError: If another driver writes to the output.
    """
    output = Path(options.output)
    if output.exists():
        raise OutputExistsError(f"{output} exists and is never replaced by what is recovered; choose another --output")
    with bank_lock(output):
        found = recover_bank(bank_path(options.bank), output)
    lines = [
        f"{output}: recovered {counted(len(found.trials), 'trial')} and {counted(len(found.tasks), 'task')}",
        *_losses(found),
        f"`tscnas bank verify {output}` checks what was recovered",
    ]
    return BankText("\n".join(lines))


def _losses(found: Recovered) -> list[str]:
    lines = []
    if found.lost:
        lines.append(f"lost: {counted(len(found.lost), 'trial')}, known by key (the same command runs them again):")
        for key in found.lost[:_MOST_NAMED]:
            why = found.damaged.get(key)
            lines.append(f"  {_name(key)}{f': {printable(why)}' if why else ''}")
        if len(found.lost) > _MOST_NAMED:
            lines.append(f"  and {len(found.lost) - _MOST_NAMED:,} more")
    if found.n_unaccounted:
        lines.append(
            f"{counted(found.n_unaccounted, 'more row number')} up to {found.highest:,} without a trial: "
            "lost without a trace, or never used"
        )
    if found.tasks_without_entry:
        lines.append(
            f"lost: the entries (name, embedding) of {counted(len(found.tasks_without_entry), 'task')}; "
            "`tscnas seeds` with the same manifest writes them again"
        )
    if not lines:
        lines.append("nothing is known to be lost; what lay beyond the end of a file that was cut off leaves no trace")
    return lines


def _name(key: tuple[object, ...]) -> str:
    names = ("candidate", "task", "protocol", "iterations", "rng_seed")
    return ", ".join(f"{name} {printable(part)}" for name, part in zip(names, key, strict=True))


def _output(text: str, *, overwrite: bool) -> Path:
    output = Path(text)
    if output.is_dir():
        raise OutputExistsError(f"{output} is a folder; --output names a file")
    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output} exists; --overwrite replaces it")
    return output
