"""From option sets to command-line arguments and config files, and back."""

import argparse
import difflib
import re
from collections.abc import Callable
from dataclasses import MISSING
from typing import Any, NoReturn, TypeVar

from compute.paths import PathError, user_path
from nas.errors import OptionError
from nas.options.fields import OptionSet, Setting, decimal, n_bytes, seconds, separator, settings_of

_MOST_PROBLEMS = 20
_ARGUMENT = re.compile(r"\b(?P<name>[a-z_]+)=(?P<value>\[\.\.\.\]|\.\.\.|True\b|'(?:[^'\\]|\\.)*')")
_UNITS: dict[Any, str] = {seconds: "DURATION", n_bytes: "SIZE", decimal: "MARK", separator: "MARK"}
_Options = TypeVar("_Options", bound=OptionSet)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `OptionError` instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        """Raise the message."""
        raise OptionError(f"{message[:1].lower()}{message[1:]} (see {self.prog} --help)")


def add_options(parser: argparse.ArgumentParser, option_set: type[OptionSet]) -> None:
    """Add an argument for each field, and `--config`; what the user leaves out stays out of the namespace."""
    required = parser.add_argument_group("what to work on")
    flags = parser.add_argument_group("settings")
    for name, setting in settings_of(option_set).items():
        given: dict[str, Any] = {"default": argparse.SUPPRESS, "help": _help(setting)}
        if setting.positional:
            # optional for the parser: a config file may hold it
            required.add_argument(name, nargs="*" if setting.many else "?", metavar=setting.dashed.upper(), **given)
        elif setting.kind is bool and name.startswith("no_"):
            flags.add_argument(f"--{setting.dashed}", action="store_true", **given)
        elif setting.kind is bool:
            flags.add_argument(f"--{setting.dashed}", action=argparse.BooleanOptionalAction, **given)
        else:
            plain = ("TEXT" if setting.kind is str else "NUMBER") + ",..." * setting.many
            metavar = "|".join(setting.choices) or _UNITS.get(setting.unit, plain)
            short = [f"-{setting.short}"] if setting.short else []
            flags.add_argument(*short, f"--{setting.dashed}", metavar=metavar, type=_reader(setting), **given)
    flags.add_argument(
        "--config",
        metavar="FILE",
        help="YAML or JSON file with any of these settings, or the config.json of a run; flags override it",
    )
    flags.add_argument(
        "--print-config", action="store_true", help="print the settings as YAML, as --config reads them, and stop"
    )


def collect(namespace: argparse.Namespace, option_set: type[_Options]) -> _Options:
    """Return the options that defaults, config file and flags together say; later ones win.

    Raises:
        OptionError: If the config file cannot be used, something required is
            missing, or a value is not allowed.
    """
    settings = settings_of(option_set)
    values = {} if namespace.config is None else read_config(namespace.config, option_set)
    given = {name: value for name, value in vars(namespace).items() if name in settings}
    values |= {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    missing = [
        setting.name.upper() if setting.positional else f"--{setting.name}"
        for setting in settings.values()
        if setting.name not in values and setting.default is MISSING
    ]
    if missing:
        raise OptionError(f"missing: {', '.join(missing)}")
    return option_set(**values)


def read_config(path: str, option_set: type[OptionSet]) -> dict[str, Any]:
    """Return the values in a YAML or JSON file, converted as their flags would be.

    Raises:
        OptionError: If the file cannot be read, or holds an unknown name or a wrong value.
    """
    from compute.yaml_file import YamlFileError, read_yaml
    from search_space.sentences import shown

    try:
        content = read_yaml(user_path(path))
    except (OSError, YamlFileError, PathError) as error:
        raise OptionError(f"config {path}: cannot be read ({' '.join(str(error).split())})") from error
    if content is None:
        return {}
    if isinstance(content, dict) and isinstance(content.get("options"), dict) and "question" in content:
        content = _of_a_run(content["options"], option_set)
    if not isinstance(content, dict):
        raise OptionError(f"config {path}: must hold `name: value` lines, got a {type(content).__name__}")
    settings = settings_of(option_set)
    values, problems = {}, []
    for key, value in content.items():
        name = key.replace("-", "_") if isinstance(key, str) else ""
        if name not in settings:
            problems.append(f"config {path}: unknown setting {shown(key)}{nearest(name[:80], tuple(settings))}")
            continue
        if name in values:
            problems.append(f"config {path}: {key}: is given twice, with - and with _")
            continue
        try:
            values[name] = _from_config(value, settings[name])
        except ValueError as error:
            problems.append(f"config {path}: {key}: {error}")
        if len(problems) > _MOST_PROBLEMS:
            break
    if problems:
        raise OptionError("\n".join(problems))
    return values


def _of_a_run(options: dict[str, Any], option_set: type[OptionSet]) -> dict[str, Any]:
    """Return what a run's `config.json` says of the options of a verb: facts and what was left open stand there too."""
    known = settings_of(option_set).keys() - {"overwrite", "dry_run"}  # nobody means these twice
    return {name: value for name, value in options.items() if name in known and value not in (None, [])}


def config_text(options: OptionSet) -> str:
    """Return options as YAML that `--config` reads; what is left open is left out."""
    import yaml

    given = {name: value for name, value in options.as_dict().items() if value not in (None, [])}
    return str(yaml.safe_dump(given, sort_keys=False, allow_unicode=True)).rstrip()


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return a hint at the known name that is nearest, or an empty text."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def with_flags(sentence: str, option_set: type[OptionSet]) -> str:
    """Return a sentence in which arguments of Python, such as `variates=[...]`, are the flags of a command.

    Args:
        sentence: What an error says; what is no option of the command stays as it is.
        option_set: The options of the command.
    """
    flags = {name: f"--{setting.dashed}" for name, setting in settings_of(option_set).items() if not setting.positional}
    if "task" in flags:
        flags["kind"] = flags["task"]

    def flag(found: re.Match[str]) -> str:
        if found["name"] not in flags:
            return found[0]
        value = {"True": "", "[...]": " ..."}.get(found["value"], f" {found['value']}")
        return flags[found["name"]] + value

    return _ARGUMENT.sub(flag, sentence)


def _from_config(value: Any, setting: Setting) -> Any:
    from search_space.sentences import shown

    if value is None and setting.optional:
        return None
    if setting.kind is bool or isinstance(value, bool):
        if setting.kind is bool and isinstance(value, bool):
            return value
        wanted = "true or false" if setting.kind is bool else "no truth value"
        raise ValueError(f"must be {wanted}, got {shown(value)}")
    if setting.nested and isinstance(value, dict):
        return value
    if setting.many:
        return tuple(setting.read(str(item)) for item in (value if isinstance(value, list) else [value]))
    if not isinstance(value, str | int | float):
        raise ValueError(f"must be a single value, got {shown(value)}")
    return setting.read(str(value))


def _reader(setting: Setting) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            if setting.many:
                return tuple(setting.read(item.strip()) for item in text.split(",") if item.strip())
            return setting.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _help(setting: Setting) -> str:
    text, default = setting.text.replace("%", "%%"), setting.default
    if default in (MISSING, None, (), "") or default is False or "by default" in text:
        return text
    return f"{text} (default: {'yes' if default is True else default})"
