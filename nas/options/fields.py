"""Fields of option sets: a dataclass field that also knows its help text and its bounds."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from compute.paths import PathError, user_path
from nas.errors import OptionError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class OptionSet:
    """The options of a verb; its docstring says what the verb does, and its fields what may be set.

    Raises:
        OptionError: If any value is outside its bounds or choices.
    """

    def __post_init__(self) -> None:
        problems = []
        for setting in settings_of(type(self)).values():
            try:
                value = setting.plain(getattr(self, setting.name))
            except PathError as error:
                problems.append(f"{setting.dashed}: {error}")
                continue
            object.__setattr__(self, setting.name, value)
            if value is None and setting.optional:
                continue
            items = value if setting.many and isinstance(value, tuple) else (value,)
            problems += [f"{setting.dashed}: {problem}" for item in items if (problem := setting.problem(item))]
        if problems:
            raise OptionError("\n".join(problems))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; saved as JSON they are a config file for `--config`."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def option(default: Any = MISSING, *, factory: Any = MISSING, **facts: Any) -> Any:
    """Return a dataclass field for one option.

    Args:
        default: Its value when none is given; required without one.
        factory: Makes the default, where it depends on the machine.
        facts: What `Setting` holds beside the field's name, type and default; `text` at least.
    """
    how = {"default": default} if factory is MISSING else {"default_factory": factory}
    return dataclasses.field(**how, metadata=facts)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One field of an option set, as it is read and checked.

    Args:
        name: Of the field.
        kind: Type of the value, or of each of its items.
        many: The value is a tuple.
        optional: The value may be None.
        default: Its value when none is given; None where the machine decides, `MISSING` where it is required.
        text: The help text: meaning and unit.
        positional: Written without a flag on the command line.
        path: The value, or each of its items, is a path.
        unit: Reads a value that may be written in another way than it is kept: `seconds`, `n_bytes`, `separator`, ...
        short: The letter of a short flag beside the long one.
        choices: The values allowed; empty for any.
        least: The value, or each of its items, is >= this.
        above: The value is > this.
        most: The value is <= this.
    """

    name: str
    kind: type
    many: bool
    optional: bool
    default: Any
    text: str
    positional: bool = False
    path: bool = False
    unit: Callable[[str], Any] | None = None
    short: str = ""
    choices: tuple[str, ...] = ()
    least: float = -math.inf
    above: float = -math.inf
    most: float = math.inf

    @property
    def dashed(self) -> str:
        """The name as users write it."""
        return self.name.replace("_", "-")

    def read(self, text: str) -> Any:
        """Return the value, or the item, that a text stands for.

        Raises:
            ValueError: If the text is no value of that kind; says what is.
        """
        if self.unit is not None:
            return self.unit(text)
        try:
            return self.kind(text)
        except ValueError:
            words = {int: "a whole number", float: "a number"}
            raise ValueError(f"must be {words.get(self.kind, self.kind.__name__)}, got {text!r}") from None

    def plain(self, value: Any) -> Any:
        """Return a value, as Python's users pass it, in the type of the field: no NumPy, no `~`.

        Raises:
            PathError: If it should be a path and is none.
        """
        if self.many and value is not None and not isinstance(value, str):
            value = tuple(_plain_number(item) for item in (value if isinstance(value, Iterable) else (value,)))
        else:
            value = _plain_number(value)
        if not self.path or value is None or value == "":
            return value
        return tuple(str(user_path(item)) for item in value) if self.many else str(user_path(value))

    def problem(self, item: Any) -> str:
        """Return what is wrong with the value, or with one of its items; an empty text where nothing is."""
        number = self.kind in (int, float)
        if number and (isinstance(item, bool) or not isinstance(item, int | float)):
            return f"must be a number, got {item!r}"
        if number and not (math.isfinite(item) if isinstance(item, float) else abs(item) < 2**63):
            return "must be a finite number within 64 bits, got one beyond"
        if isinstance(item, str) and "\0" in item:
            return f"must not hold a zero byte, got {item!r}"
        if self.choices and item not in self.choices:
            return f"must be one of {', '.join(self.choices)}, got {item!r}"
        if number and not item >= self.least:
            return f"must be >= {self.least}, got {item}"
        if number and not item > self.above:
            return f"must be > {self.above}, got {item}"
        if number and not item <= self.most:
            return f"must be <= {self.most}, got {item}"
        return ""


def _plain_number(value: Any) -> Any:
    """Return a scalar of NumPy or torch as Python's own number; everything else as it is."""
    return value.item() if getattr(value, "shape", None) == () else value


def settings_of(option_set: type) -> dict[str, Setting]:
    """Return the fields of an option set by name, with types such as `tuple[int, ...]` or `str | None` taken apart."""
    settings, hints = {}, get_type_hints(option_set)
    for field in dataclasses.fields(option_set):
        annotation = hints[field.name]
        parts = [part for part in get_args(annotation) if part not in (type(None), Ellipsis)]
        kind = parts[0] if parts and get_origin(annotation) is not Literal else annotation
        settings[field.name] = Setting(
            name=field.name,
            kind=str if get_origin(kind) is Literal else kind,
            many=get_origin(annotation) is tuple,
            optional=type(None) in get_args(annotation),
            default=field.default if field.default_factory is MISSING else None,
            **field.metadata,
        )
    return settings


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
    size = float(match[1]) * factor
    if not math.isfinite(size):
        raise ValueError(f"must be a size in bytes such as 500MB, got {text!r}, which is endless")
    return round(size)


def separator(text: str) -> str:
    """Return the separator of cells that a text stands for: itself, or a tab for `tab` and backslash t.

    Raises:
        ValueError: If it is none.
    """
    mark = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if mark not in (",", ";", "|", "\t"):
        raise ValueError(f"must be a comma, ';', '|' or tab, got {text!r}")
    return mark


def decimal(text: str) -> str:
    """Return the decimal mark that a text is.

    Raises:
        ValueError: If it is none.
    """
    if text not in (".", ","):
        raise ValueError(f"must be '.' or ',', got {text!r}")
    return text
