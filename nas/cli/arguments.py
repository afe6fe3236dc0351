"""From option sets to command-line arguments and config files, and back."""

import argparse
import dataclasses
import difflib
from collections.abc import Callable
from dataclasses import MISSING
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_type_hints

from nas.errors import OptionError
from nas.options.fields import OptionSet, convert, item_type

_MOST_PROBLEMS = 20
_Options = TypeVar("_Options", bound=OptionSet)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `OptionError` instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        """Raise the message."""
        raise OptionError(f"{message[:1].lower()}{message[1:]} (see {self.prog} --help)")


def add_options(parser: argparse.ArgumentParser, option_set: type[OptionSet]) -> None:
    """Add an argument for each field, and `--config`; what the user leaves out stays out of the namespace."""
    hints = get_type_hints(option_set)
    required = parser.add_argument_group("what to work on")
    flags = parser.add_argument_group("settings")
    for field in dataclasses.fields(option_set):
        kind, many, _ = item_type(hints[field.name])
        facts: dict[str, Any] = {"default": argparse.SUPPRESS, "help": _help(field)}
        name = field.name.replace("_", "-")
        if field.metadata["positional"]:
            # optional for the parser: a config file may hold it
            required.add_argument(field.name, nargs="*" if many else "?", metavar=name.upper(), **facts)
        elif kind is bool:
            flags.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, **facts)
        else:
            units = "DURATION" if field.metadata["duration"] else "SIZE" if field.metadata["size"] else None
            metavar = "|".join(field.metadata["choices"]) or units
            metavar = metavar or ("TEXT" if kind is str else "NUMBER") + ",..." * many
            short = [f"-{field.metadata['short']}"] if field.metadata["short"] else []
            flags.add_argument(*short, f"--{name}", metavar=metavar, type=_reader(field, kind, many), **facts)
    flags.add_argument(
        "--config", metavar="FILE", help="YAML or JSON file with any of these settings; flags override it"
    )


def collect(namespace: argparse.Namespace, option_set: type[_Options]) -> _Options:
    """Return the options that defaults, config file and flags together say; later ones win.

    Raises:
        OptionError: If the config file cannot be used, something required is
            missing, or a value is not allowed.
    """
    fields = {field.name: field for field in dataclasses.fields(option_set)}
    values = {} if namespace.config is None else read_config(namespace.config, option_set)
    given = {name: value for name, value in vars(namespace).items() if name in fields}
    values |= {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    missing = [
        field.name.upper() if field.metadata["positional"] else f"--{field.name}"
        for field in fields.values()
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise OptionError(f"missing: {', '.join(missing)}")
    return option_set(**values)


def read_config(path: str, option_set: type[OptionSet]) -> dict[str, Any]:
    """Return the values in a YAML or JSON file, converted as their flags would be.

    Raises:
        OptionError: If the file cannot be read, or holds an unknown name or a wrong value.
    """
    from nas.options.yaml_file import YamlFileError, read_yaml
    from search_space.sentences import shown

    try:
        content = read_yaml(Path(path))
    except (OSError, YamlFileError) as error:
        raise OptionError(f"config {path}: cannot be read ({' '.join(str(error).split())})") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise OptionError(f"config {path}: must hold `name: value` lines, got a {type(content).__name__}")
    hints = get_type_hints(option_set)
    fields = {field.name: field for field in dataclasses.fields(option_set)}
    values, problems = {}, []
    for key, value in content.items():
        name = key.replace("-", "_") if isinstance(key, str) else ""
        if name not in fields:
            problems.append(f"config {path}: unknown setting {shown(key)}{nearest(name[:80], tuple(fields))}")
            continue
        try:
            values[name] = _from_config(value, field=fields[name], annotation=hints[name])
        except ValueError as error:
            problems.append(f"config {path}: {key}: {error}")
        if len(problems) > _MOST_PROBLEMS:
            break
    if problems:
        raise OptionError("\n".join(problems))
    return values


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return a hint at the known name that is nearest, or an empty text."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _from_config(value: Any, *, field: dataclasses.Field[Any], annotation: Any) -> Any:
    from search_space.sentences import shown

    kind, many, optional = item_type(annotation)
    if value is None and optional:
        return None
    if kind is bool or isinstance(value, bool):
        if kind is bool and isinstance(value, bool):
            return value
        raise ValueError(f"must be {'true or false' if kind is bool else 'no truth value'}, got {shown(value)}")
    if many:
        items = value if isinstance(value, list) else [value]
        return tuple(convert(str(item), kind=kind, duration=False) for item in items)
    if not isinstance(value, str | int | float):
        raise ValueError(f"must be a single value, got {shown(value)}")
    return convert(str(value), kind=kind, duration=field.metadata["duration"], size=field.metadata["size"])


def _reader(field: dataclasses.Field[Any], kind: type, many: bool) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            if many:
                return tuple(
                    convert(item.strip(), kind=kind, duration=False) for item in text.split(",") if item.strip()
                )
            return convert(text, kind=kind, duration=field.metadata["duration"], size=field.metadata["size"])
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _help(field: dataclasses.Field[Any]) -> str:
    text = str(field.metadata["text"]).replace("%", "%%")
    if field.default is MISSING or field.default is None or field.default in ((), "") or field.default is False:
        return text
    if "by default" in text:
        return text
    return f"{text} (default: {'yes' if field.default is True else field.default})"
