"""`tscnas bank merge | export | verify | recover`: what is done with whole banks."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ahc.bank import Bank
from ahc.bank.errors import printable
from ahc.bank.merge import merge_banks
from ahc.bank.recover import Recovered, recover_bank
from ahc.bank.verify import find_problems
from nas.cli.bank.path import bank_path
from nas.cli.text import Shown, counted
from nas.errors import OptionError, OutputExistsError
from nas.options.bank import BankExportOptions, BankMergeOptions, BankRecoverOptions, BankVerifyOptions
from nas.runs.lock import bank_lock

_MOST_LINES = 10_000
_MOST_NAMED = 20
_WRONG_DATA = 3
_KEY_NAMES = ("candidate", "task", "protocol", "iterations", "rng_seed")


def merge(options: BankMergeOptions) -> Shown:
    """Write the union of banks and return what came together.

    Raises:
        BankError: If a bank cannot be used, or banks of different versions were not meant to be mixed.
        OutputExistsError: If the output exists and may not be replaced.
        InUseError: If another driver writes to the output.
    """
    output = _output(options.output, overwrite=options.overwrite)
    banks = [bank_path(bank) for bank in options.banks]
    with bank_lock(output):
        result = merge_banks(banks, output, mix_protocols=options.mix_protocols, overwrite=options.overwrite)
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
        lines += _some([_name(key) for key in result.contradictions])
    return Shown("\n".join(lines))


def export(options: BankExportOptions) -> Shown:
    """Write a bank's trials as CSV, Parquet or both.

    Raises:
        BankError: If the file is no bank or is damaged.
        OutputExistsError: If the output exists and may not be replaced.
        OptionError: If pyarrow is missing for Parquet.
    """
    named = {name: text for name in ("csv", "parquet") if (text := getattr(options, name))}
    outputs = {name: _output(text, overwrite=options.overwrite, flag=name) for name, text in named.items()}
    lines = []
    with Bank(bank_path(options.bank), read_only=True) as bank:
        for name, output in outputs.items():
            write = {"csv": bank.export_csv, "parquet": bank.export_parquet}[name]
            try:
                lines.append(f"{output}: {counted(write(output, genes=options.genes), 'trial')}")
            except ImportError as error:
                raise OptionError(
                    "--parquet needs pyarrow, pip install 'ts-contrastive-nas[parquet]'; --csv does not"
                ) from error
    return Shown("\n".join(lines))


def verify(options: BankVerifyOptions) -> Shown:
    """Return a line per problem of a bank, with the exit status of wrong data if there is one.

    Raises:
        BankError: If the file cannot be opened as a bank at all.
    """
    path = bank_path(options.bank)
    problems = find_problems(path)
    if lines := list(islice(problems, _MOST_LINES)):
        if n_more := sum(1 for _ in problems):
            lines.append(f"and {n_more:,} more problems")
        return Shown("\n".join(lines), status=_WRONG_DATA)
    with Bank(path, read_only=True) as bank:
        return Shown(f"{path}: {counted(len(bank), 'trial')} of {counted(len(bank.tasks()), 'task')}, no problem")


def recover(options: BankRecoverOptions) -> Shown:
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
        recovered = recover_bank(bank_path(options.bank), output)
    lines = [
        f"{output}: recovered {counted(len(recovered.trials), 'trial')} and {counted(len(recovered.tasks), 'task')}",
        *_losses(recovered),
        f"`tscnas bank verify {output}` checks what was recovered",
    ]
    return Shown("\n".join(lines))


def _losses(recovered: Recovered) -> list[str]:
    lines, why = [], recovered.damaged
    if lost := recovered.lost:
        lines.append(f"lost: {counted(len(lost), 'trial')}, known by key (the same command runs them again):")
        lines += _some([_name(key) + (f": {printable(why[key])}" if key in why else "") for key in lost])
    if recovered.n_unaccounted:
        lines.append(
            f"{counted(recovered.n_unaccounted, 'more row number')} up to {recovered.highest:,} without a trial: "
            "lost without a trace, or never used"
        )
    if tasks := recovered.tasks_without_entry:
        lines.append(
            f"lost: the entries (name, embedding) of {counted(len(tasks), 'task')}; "
            "`tscnas seeds` with the same manifest writes them again"
        )
    nothing = "nothing is known to be lost; what lay beyond the end of a file that was cut off leaves no trace"
    return lines or [nothing]


def _some(lines: Sequence[str]) -> list[str]:
    """Return the first lines and how many more there are, indented."""
    more = [f"and {len(lines) - _MOST_NAMED:,} more"] if len(lines) > _MOST_NAMED else []
    return [f"  {line}" for line in (*lines[:_MOST_NAMED], *more)]


def _name(key: tuple[object, ...]) -> str:
    return ", ".join(f"{name} {printable(part)}" for name, part in zip(_KEY_NAMES, key, strict=True))


def _output(text: str, *, overwrite: bool, flag: str = "output") -> Path:
    output = Path(text)
    if output.is_dir():
        raise OutputExistsError(f"{output} is a folder; --{flag} names a file")
    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output} exists; --overwrite replaces it")
    return output
