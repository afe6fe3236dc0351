"""Reads a space that a user wrote: whatever is left out is as in the default space."""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from search_space.genotype import CELLS
from search_space.genotype.notes import NotesWarning
from search_space.genotype.rules import FIELDS, Options
from search_space.genotype.validation import is_list
from search_space.sentences import shown
from search_space.space.choices import SearchSpace, SpaceError
from search_space.space.notes import is_notes_space, space_of_notes
from search_space.space.shipped import default_space

_MOST_VALUES = 10_000  # of a field


def read_space(data: Mapping[str, Any]) -> SearchSpace:
    """Return the space of a mapping cell -> field -> list of choices, or of the notes' own dict.

    A cell or field that is left out has the default space's choices; a parameter of an option that the default
    space lacks has the registered ones.

    Raises:
        SpaceError: If a name or value is unknown or stands twice, a list is empty, or nothing can be drawn.

    Warns:
        NotesWarning: Of what was read how in the notes' form.
    """
    if is_notes_space(data):
        data, readings = space_of_notes(data)
        space = read_space(data)
        warnings.warn(NotesWarning("search space in the notes' form", readings), stacklevel=2)
        return space
    if not isinstance(data, Mapping):
        raise SpaceError(f"a search space must be a mapping of cells, got {shown(data)}")
    given = {cell: fields if isinstance(fields, Mapping) else {} for cell, fields in data.items()}
    problems = [problem for cell, fields in given.items() for problem in _slips(cell, fields)]
    if problems:
        raise SpaceError("\n".join(problems))
    filled = {cell: _filled(cell, given.get(cell, {})) for cell in CELLS}
    strange = {cell: fields for cell, fields in data.items() if cell not in CELLS or not isinstance(fields, Mapping)}
    return SearchSpace.from_dict({**filled, **strange})


def _filled(cell: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell with all its fields."""
    usual = default_space()[cell]
    fields = {**{name: usual[name] for name in FIELDS[cell]}, **given}
    for field, rule in FIELDS[cell].items():
        if isinstance(rule, Options) and is_list(fields[field]):
            for name, registered in rule.parameters(fields[field]).items():
                fields.setdefault(name, usual.get(name, registered))
    return fields


def _slips(cell: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is legal for `SearchSpace` and still a mistake in what somebody wrote."""
    chosen = {field: given.get(field, default_space()[cell][field]) for field in FIELDS.get(cell, ())}
    parametrised = {
        field: rule for field, rule in FIELDS.get(cell, {}).items() if isinstance(rule, Options) and rule.parametrised
    }
    for name, values in given.items():
        for field, rule in parametrised.items():
            option, dot, _ = name.partition(".") if isinstance(name, str) else ("", "", "")
            known = dot and name in rule.parameters([option])
            if known and is_list(chosen[field]) and option not in chosen[field]:
                yield f"{cell}.{name}: its option must be one of {cell}.{field}, got {shown(list(chosen[field]))}"
        if is_list(values) and len(values) > _MOST_VALUES:
            yield f"{cell}.{name}: must hold at most {_MOST_VALUES:,} values, got {len(values):,}"
        elif is_list(values):
            counts = Counter(value for value in values if isinstance(value, str | int | float))
            for value, count in counts.items():
                if count > 1:
                    yield f"{cell}.{name}: a value may stand once, got {shown(value)} {count} times"
