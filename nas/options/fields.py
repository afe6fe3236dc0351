"""Fields of option sets: a dataclass field that also knows its help text and its bounds."""

import dataclasses
import math
import re
from dataclasses import MISSING, dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from nas.errors import OptionError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class OptionSet:
    """The options of a verb; its docstring says what the verb does, and its fields what may be set.

    Raises:
        OptionError: If any value is outside its bounds or choices.
    """

    def __post_init__(self) -> None:
        check(self)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; saved as JSON they are a config file for `--config`."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def option(
    default: Any = MISSING,
    *,
    text: str,
    factory: Any = MISSING,
    positional: bool = False,
    duration: bool = False,
    size: bool = False,
    short: str | None = None,
    choices: tuple[str, ...] = (),
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> Any:
    """Return a dataclass field for one option.

    Args:
        default: Its value when none is given; required without one.
        text: The help text: meaning and unit.
        factory: Makes the default, where it depends on the machine.
        positional: Written without a flag on the command line.
        duration: A number of seconds that may also be written as `90s`, `10m`, `1h`.
        size: A number of bytes that may also be written as `500MB`, `2GB`.
        short: The letter of a short flag beside the long one.
        choices: The values allowed; empty for any.
        least: The value, or each of its items, is >= this.
        above: The value is > this.
        most: The value is <= this.
    """
    facts = {
        "text": text,
        "positional": positional,
        "duration": duration,
        "size": size,
        "short": short,
        "choices": choices,
        "least": least,
        "above": above,
        "most": most,
    }
    if factory is not MISSING:
        return dataclasses.field(default_factory=factory, metadata=facts)
    return dataclasses.field(default=default, metadata=facts)


def item_type(annotation: Any) -> tuple[type, bool, bool]:
    """Return (type of one item, is a tuple, may be None) of an annotation such as `tuple[int, ...]` or `str | None`."""
    arguments = [kind for kind in get_args(annotation) if kind not in (type(None), Ellipsis)]
    optional = type(None) in get_args(annotation)
    many = get_origin(annotation) is tuple
    kind = arguments[0] if arguments and get_origin(annotation) is not Literal else annotation
    return (str if get_origin(kind) is Literal else kind), many, optional


def convert(text: str, *, kind: type, duration: bool, size: bool = False) -> Any:
    """Return the value that a text stands for.

    Raises:
        ValueError: If the text is no value of that kind; says what is.
    """
    if duration:
        return seconds(text)
    if size:
        return n_bytes(text)
    try:
        return kind(text)
    except ValueError:
        words = {int: "a whole number", float: "a number"}
        raise ValueError(f"must be {words.get(kind, kind.__name__)}, got {text!r}") from None


def seconds(text: str) -> float:
    """Return the seconds of a duration such as `90`, `90s`, `10m`, `1.5h` or `2d`.

    Raises:
        ValueError: If the text is no duration.
    """
    match = re.fullmatch(r"([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*([a-z]*)", text.strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"must be a duration such as 90, 90s, 10m or 1.5h, got {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def n_bytes(text: str) -> int:
    """Return the bytes of a size such as `1000000`, `500MB`, `2GB` or `1.5 GiB`.

    Raises:
        ValueError: If the text is no size.
    """
    match = re.fullmatch(r"([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*(?:([kmgt]?)(i?)b?)", text.strip().lower())
    if match is None or (match[3] and not match[2]):
        raise ValueError(f"must be a size in bytes such as 1000000, 500MB or 2GB, got {text!r}")
    factor: int = (1024 if match[3] else 1000) ** " kmgt".index(match[2] or " ")
    return round(float(match[1]) * factor)


def check(options: OptionSet) -> None:
    """Check all fields of an option set against their facts.

    Raises:
        OptionError: If any value is outside its bounds or choices.
    """
    problems = []
    hints = get_type_hints(type(options))
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        kind, many, optional = item_type(hints[field.name])
        if value is None and optional:
            continue
        items = value if many and isinstance(value, tuple) else (value,)
        problems += [
            f"{field.name.replace('_', '-')}: {problem}"
            for item in items
            if (problem := _problem(item, kind=kind, facts=field.metadata))
        ]
    if problems:
        raise OptionError("\n".join(problems))


def _problem(item: Any, *, kind: type, facts: Any) -> str:
    """Return what is wrong with one value, or an empty text."""
    numeric = kind in (int, float) and isinstance(item, int | float) and not isinstance(item, bool)
    if kind in (int, float) and not numeric:
        return f"must be a number, got {item!r}"
    if kind in (int, float) and not (math.isfinite(item) if isinstance(item, float) else abs(item) < 2**63):
        return "must be a finite number within 64 bits, got one beyond"
    if isinstance(item, str) and "\0" in item:
        return f"must not hold a zero byte, got {item!r}"
    if facts["choices"] and item not in facts["choices"]:
        return f"must be one of {', '.join(facts['choices'])}, got {item!r}"
    if facts["least"] is not None and not item >= facts["least"]:
        return f"must be >= {facts['least']}, got {item}"
    if facts["above"] is not None and not item > facts["above"]:
        return f"must be > {facts['above']}, got {item}"
    if facts["most"] is not None and not item <= facts["most"]:
        return f"must be <= {facts['most']}, got {item}"
    return ""
