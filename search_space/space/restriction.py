"""Narrows choices to the values that somebody wants, in one flat space or in several alike."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from search_space.genotype.rules import FIELDS
from search_space.genotype.validation import is_list
from search_space.sentences import nearest, shown
from search_space.space.counting import Cell

Cells = Mapping[str, Cell]
Wanted = Sequence[tuple[str, tuple[Any, ...]]]
"""Dotted names of fields with the values to keep."""


def wanted_of(selection: Mapping[str, Any], prefix: str = "") -> list[tuple[str, tuple[Any, ...]]]:
    """Return dotted or nested names -> a value or values as dotted names with values."""
    pairs: list[tuple[str, tuple[Any, ...]]] = []
    for name, value in selection.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            pairs.extend(wanted_of(value, f"{path}."))
        else:
            several = is_list(value) or isinstance(value, set | frozenset)
            pairs.append((path, tuple(value) if several else (value,)))
    return pairs


def problems_of(wanted: Wanted, spaces: Sequence[Cells]) -> Iterator[str]:
    """Yield which of the names and values none of the spaces has."""
    for path, values in wanted:
        cell, _, name = path.partition(".")
        fields = [choices[cell] for choices in spaces if cell in choices]
        known = list(dict.fromkeys(chain(*(field.get(name, ()) for field in fields))))
        strange = [value for value in values if value not in known]
        if not fields:
            yield f"{path}: unknown cell, got {cell!r}{nearest(cell, spaces[0])}"
        elif not any(name in field for field in fields):
            yield f"{path}: unknown field, got {name!r}{nearest(name, chain(*fields))}"
        elif strange or not values:
            yield f"{path}: must be one or more of {', '.join(map(str, known))}, got {shown(strange or values)}"


def narrowed(choices: Cells, wanted: Wanted) -> dict[str, dict[str, tuple[Any, ...]]] | None:
    """Return the choices with only the values that are wanted; None where a field has none of them or is not there."""
    left = {cell: dict(fields) for cell, fields in choices.items()}
    for path, values in wanted:
        cell, _, name = path.partition(".")
        kept = tuple(value for value in left[cell].get(name, ()) if value in values)
        if not kept:
            return None
        left[cell][name] = kept
    return {cell: _without_orphans(cell, fields) for cell, fields in left.items()}


def nothing_left(wanted: Wanted) -> str:
    """Return the sentence that all of it together is nowhere."""
    return f"{', '.join(path for path, _ in wanted)}: nothing has such values of all of these at once"


def _without_orphans(cell: str, fields: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Drop the parameters of options that are no longer there."""
    kept = {name for field in FIELDS[cell] for name in fields[field]}
    return {name: values for name, values in fields.items() if "." not in name or name.split(".")[0] in kept}
