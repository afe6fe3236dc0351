"""The command line, `tscnas VERB`; the verbs are in `nas.cli.commands`.

Parses, calls, prints. Everything heavy is imported by the verb that is run.
"""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from compute.interruptible import any_left_behind
from compute.user_error import DATA, UserError
from nas.budget.deadline import command_begins
from nas.cli.arguments import Parser, add_options, collect, config_text, nearest, with_flags
from nas.cli.commands import COMMANDS
from nas.cli.console import console, say, show, warnings_in_words
from nas.cli.leaving import INTERRUPTED, leaves_when_asked
from nas.errors import OptionError

OK = 0
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DESCRIPTION = """\
Choose, train and verify a contrastive strategy and an encoder for a time-series dataset.

Start with:  tscnas search YOUR_DATA.csv
"""
_EXIT_STATUSES = (
    "exit status: 0 done, 2 wrong usage, 3 wrong data or file, 4 nothing could be trained, "
    "5 time or memory budget too small, 6 trained but not verified (saved), 130 interrupted (saved)"
)


def main(arguments: Sequence[str] | None = None, *, call: Callable[[Any], Any] | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        arguments: The words after `tscnas`; by default those of this process, which may end here then.
        call: Runs in place of the verb's own function, unless that is a dry run; what it returns has a `text`.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    with leaves_when_asked(), command_begins(), console(), warnings_in_words():
        status = _run(words, call)
    if arguments is None and (status == INTERRUPTED or any_left_behind()):
        # libraries take seconds to say goodbye, and a computation must not be robbed of what it computes with;
        # the console has written what waited
        os._exit(status)
    return status


def _run(words: list[str], call: Callable[[Any], Any] | None) -> int:
    command = None
    try:
        namespace = _parse(words)
        command = next(command for command in COMMANDS if command.name == namespace.command)
        options = collect(namespace, command.options)
        if namespace.print_config:
            show(config_text(options))
            return OK
        dry_run = getattr(options, "dry_run", False)
        verb = command.load(dry_run=dry_run) if call is None or dry_run else call
        with warnings_in_words(partial(with_flags, option_set=command.options)):
            result = verb(options)
        show(result.text)
        return int(getattr(result, "status", OK))
    except KeyboardInterrupt:
        saved = command is not None and command.resumes
        say("interrupted" + ("; finished trials are saved, and the same command goes on from there" if saved else ""))
        return INTERRUPTED
    except SystemExit as leaving:  # argparse, after --help; a reader of the answer who left
        return int(leaving.code or 0)
    except Exception as error:
        status = status_of(error)
        if status is None:
            raise  # a defect of ours: the traceback is what a report needs
        sentence = _file_sentence(error) if isinstance(error, OSError) else str(error)
        say(sentence if command is None else with_flags(sentence, command.options))
        return status


def status_of(error: Exception) -> int | None:
    """Return the exit status for a mistake of the user, or None for an error that is not one."""
    if isinstance(error, UserError):
        return error.exit_status
    # a file that is missing or cannot be read or written; a full disk is told without a name
    known = isinstance(error, OSError) and (error.filename is not None or error.errno in _DISK_FULL)
    return DATA if known else None


class _Version(argparse.Action):
    """Prints the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"ts-contrastive-nas {version('ts-contrastive-nas')}")
        parser.exit()


def _parse(words: list[str]) -> argparse.Namespace:
    parser = Parser(
        prog="tscnas",
        description=_DESCRIPTION,
        epilog=f"`tscnas COMMAND --help` explains a command.\n{_EXIT_STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    verbs = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        verb = verbs.add_parser(
            command.name,
            help=command.summary,
            usage=command.usage,
            description=command.summary,
            epilog="examples:\n" + "\n".join(f"  {line}" for line in command.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        add_options(verb, command.options)
    words = _joined(words)
    if words[:1] and words[0] in verbs.choices:
        # flags may stand between positionals; a parser with others below it knows no such order
        verb, named = verbs.choices[words[0]], argparse.Namespace(command=words[0])
        namespace, unknown = verb.parse_known_intermixed_args(words[1:], named)
    else:
        namespace, unknown = parser.parse_known_args(words)
    if unknown:
        below = [name.split()[1] for name in verbs.choices if name.startswith(f"{namespace.command} ")]
        flags = [flag for flag in verbs.choices[namespace.command]._option_string_actions if flag != "-h"]
        hint = nearest(unknown[0].split("=")[0], (*flags, *below))
        raise OptionError(f"unknown argument {unknown[0]}{hint} (see tscnas {namespace.command} --help)")
    return namespace


def _joined(words: list[str]) -> list[str]:
    """Return the words with a verb of two words as one, which is its parser's name."""
    names = [command.name for command in COMMANDS]
    verb = " ".join(words[:2])
    if verb in names:
        return [verb, *words[2:]]
    below = tuple(name.split()[1] for name in names if words and name.startswith(f"{words[0]} "))
    if below and words[0] not in names:
        hint = nearest(words[1], below) if len(words) > 1 else ""
        raise OptionError(f"after {words[0]} comes one of {', '.join(below)}{hint} (see tscnas {words[0]} VERB --help)")
    return words


def _file_sentence(error: OSError) -> str:
    if error.filename is None:
        return error.strerror or str(error)
    return f"{error.filename}: {error.strerror or type(error).__name__}"
